use backstitch::engines::Postgres;
use backstitch::{Migrations, migrations};

static MIGRATIONS: Migrations<Postgres> =
    migrations!(options = "fail/since_a_later_one/backstitch.toml");

fn main() {
    let _ = &MIGRATIONS;
}
