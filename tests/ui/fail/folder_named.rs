use backstitch::engines::Postgres;
use backstitch::{Migrations, migrations};

static MIGRATIONS: Migrations<Postgres> = migrations!(dir = "fail/good", dialect = postgres);

fn main() {
    let _ = &MIGRATIONS;
}
