use backstitch::engines::Sqlite;
use backstitch::{Migrations, migrations};

static MIGRATIONS: Migrations<Sqlite> =
    migrations!("fail/pragma_in_a_transaction", dialect = sqlite);

fn main() {
    let _ = &MIGRATIONS;
}
