use backstitch::engines::Sqlite;
use backstitch::{Migrations, migrations};

static MIGRATIONS: Migrations<Sqlite> =
    migrations!("fail/rollback_incomplete_on_sqlite", dialect = sqlite);

fn main() {
    let _ = &MIGRATIONS;
}
