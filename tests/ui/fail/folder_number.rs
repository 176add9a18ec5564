use backstitch::engines::Postgres;
use backstitch::{Migrations, migrations};

static MIGRATIONS: Migrations<Postgres> = migrations!(42, dialect = postgres);

fn main() {
    let _ = &MIGRATIONS;
}
