use backstitch::engines::Sqlite;
use backstitch::{Migrations, migrations};

static MIGRATIONS: Migrations<Sqlite> = migrations!("fail/body_unclosed", dialect = sqlite);

fn main() {
    let _ = &MIGRATIONS;
}
