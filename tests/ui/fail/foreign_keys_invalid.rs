use backstitch::engines::Sqlite;
use backstitch::{Migrations, migrations};

static MIGRATIONS: Migrations<Sqlite> = migrations!("fail/foreign_keys_invalid", dialect = sqlite);

fn main() {
    let _ = &MIGRATIONS;
}
