use backstitch::engines::Postgres;
use backstitch::{Migrations, migrations};

static MIGRATIONS: Migrations<Postgres> =
    migrations!("fail/performance_impact_contradicted", dialect = postgres);

fn main() {
    let _ = &MIGRATIONS;
}
