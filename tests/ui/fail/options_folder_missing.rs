use backstitch::engines::Postgres;
use backstitch::{Migrations, migrations};

static MIGRATIONS: Migrations<Postgres> =
    migrations!(options = "fail/options_folder_missing/backstitch.toml");

fn main() {
    let _ = &MIGRATIONS;
}
