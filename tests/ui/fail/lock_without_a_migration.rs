use backstitch::engines::Postgres;
use backstitch::{Migrations, migrations};

static MIGRATIONS: Migrations<Postgres> =
    migrations!("fail/lock_without_a_migration", dialect = postgres);

fn main() {
    let _ = &MIGRATIONS;
}
