use backstitch::engines::Sqlite;
use backstitch::{Migrations, migrations};

static MIGRATIONS: Migrations<Sqlite> =
    migrations!("fail/vacuum_in_a_transaction", dialect = sqlite);

fn main() {
    let _ = &MIGRATIONS;
}
