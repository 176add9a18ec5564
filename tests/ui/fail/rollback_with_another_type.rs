use backstitch::engines::Postgres;
use backstitch::{Migrations, migrations};

static MIGRATIONS: Migrations<Postgres> =
    migrations!("fail/rollback_with_another_type", dialect = postgres);

fn main() {
    let _ = &MIGRATIONS;
}
