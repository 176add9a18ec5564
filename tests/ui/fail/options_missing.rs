use backstitch::engines::Postgres;
use backstitch::{Migrations, migrations};

static MIGRATIONS: Migrations<Postgres> = migrations!(
    options = "fail/options_missing/backstich.toml",
    dialect = postgres
);

fn main() {
    let _ = &MIGRATIONS;
}
