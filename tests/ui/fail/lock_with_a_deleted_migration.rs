use backstitch::engines::Postgres;
use backstitch::{Migrations, migrations};

static MIGRATIONS: Migrations<Postgres> =
    migrations!("fail/lock_with_a_deleted_migration", dialect = postgres);

fn main() {
    let _ = &MIGRATIONS;
}
