use backstitch::engines::Postgres;
use backstitch::{Migrations, migrations};

static MIGRATIONS: Migrations<Postgres> =
    migrations!("fail/rollback_safe_contradicted", dialect = postgres);

fn main() {
    let _ = &MIGRATIONS;
}
