use backstitch::engines::Sqlite;
use backstitch::{Migrations, migrations};

static MIGRATIONS: Migrations<Sqlite> =
    migrations!(options = "fail/server_too_old/backstitch.toml");

fn main() {
    let _ = &MIGRATIONS;
}
