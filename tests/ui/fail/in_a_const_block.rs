use backstitch::engines::Sqlite;
use backstitch::{Migrations, migrations};

fn main() {
    let migrations: Migrations<Sqlite> =
        const { migrations!("fail/in_a_const_block", dialect = sqlite) };
    let _ = migrations;
}
