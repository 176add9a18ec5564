use backstitch::engines::Postgres;
use backstitch::{Migrations, migrations};

static MIGRATIONS: Migrations<Postgres> =
    migrations!("fail/rollback_only_a_comment", dialect = postgres);

fn main() {
    let _ = &MIGRATIONS;
}
