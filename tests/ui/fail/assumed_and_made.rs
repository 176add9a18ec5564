use backstitch::engines::Postgres;
use backstitch::{Migrations, migrations};

static MIGRATIONS: Migrations<Postgres> = migrations!("fail/assumed_and_made", dialect = postgres);

fn main() {
    let _ = &MIGRATIONS;
}
