use backstitch::engines::Postgres;
use backstitch::{Migrations, migrations};

static MIGRATIONS: Migrations<Postgres> = migrations!("fail/several_at_once", dialect = postgres);

fn main() {
    let _ = &MIGRATIONS;
}
