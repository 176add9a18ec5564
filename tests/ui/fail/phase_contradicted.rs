use backstitch::engines::Postgres;
use backstitch::{Migrations, migrations};

static MIGRATIONS: Migrations<Postgres> =
    migrations!("fail/phase_contradicted", dialect = postgres);

fn main() {
    let _ = &MIGRATIONS;
}
