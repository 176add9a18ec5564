use backstitch::engines::Postgres;
use backstitch::{Migrations, migrations};

static MIGRATIONS: Migrations<Postgres> = migrations!(options = 14, dialect = postgres);

fn main() {
    let _ = &MIGRATIONS;
}
