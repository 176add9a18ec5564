use backstitch::engines::Sqlite;
use backstitch::{Migrations, migrations};

static MIGRATIONS: Migrations<Sqlite> =
    migrations!("fail/savepoint_in_a_migration", dialect = sqlite);

fn main() {
    let _ = &MIGRATIONS;
}
