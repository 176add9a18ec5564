use backstitch::engines::Postgres;
use backstitch::{Migrations, migrations};

static MIGRATIONS: Migrations<Postgres> =
    migrations!("fail/irreversible_and_rollback_safe", dialect = postgres);

fn main() {
    let _ = &MIGRATIONS;
}
