use backstitch::engines::Postgres;
use backstitch::{Migrations, migrations};

static MIGRATIONS: Migrations<Postgres> = migrations!(
    "fail/a_file_and_the_options",
    options = "fail/a_file_and_the_options/backstitch.toml"
);

fn main() {
    let _ = &MIGRATIONS;
}
