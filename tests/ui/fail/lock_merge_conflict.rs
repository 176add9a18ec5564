use backstitch::engines::Postgres;
use backstitch::{Migrations, migrations};

static MIGRATIONS: Migrations<Postgres> =
    migrations!("fail/lock_merge_conflict", dialect = postgres);

fn main() {
    let _ = &MIGRATIONS;
}
