use backstitch::engines::Postgres;
use backstitch::{Migrations, migrations};

static MIGRATIONS: Migrations<Postgres> =
    migrations!("fail/statement_timeout_without_unit", dialect = postgres);

fn main() {
    let _ = &MIGRATIONS;
}
