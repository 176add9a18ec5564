use backstitch::engines::Postgres;
use backstitch::{Migrations, migrations};

static MIGRATIONS: Migrations<Postgres> =
    migrations!(options = "fail/warning_denied/backstitch.toml");

fn main() {
    let _ = &MIGRATIONS;
}
