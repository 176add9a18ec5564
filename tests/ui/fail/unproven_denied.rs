use backstitch::engines::Postgres;
use backstitch::{Migrations, migrations};

static MIGRATIONS: Migrations<Postgres> =
    migrations!(options = "fail/unproven_denied/backstitch.toml");

fn main() {
    let _ = &MIGRATIONS;
}
