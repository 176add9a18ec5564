#![deny(deprecated)]

use backstitch::engines::Sqlite;
use backstitch::{Migrations, migrations};

static MIGRATIONS: Migrations<Sqlite> = migrations!("fail/folder_empty", dialect = sqlite);

fn main() {
    let _ = &MIGRATIONS;
}
