use backstitch::engines::Sqlite;
use backstitch::{Migrations, migrations};

static MIGRATIONS: Migrations<Sqlite> = migrations!("fail/sql_syntax_on_sqlite", dialect = sqlite);

fn main() {
    let _ = &MIGRATIONS;
}
