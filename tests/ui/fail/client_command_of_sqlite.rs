use backstitch::engines::Sqlite;
use backstitch::{Migrations, migrations};

static MIGRATIONS: Migrations<Sqlite> =
    migrations!("fail/client_command_of_sqlite", dialect = sqlite);

fn main() {
    let _ = &MIGRATIONS;
}
