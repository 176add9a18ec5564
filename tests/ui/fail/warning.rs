#![deny(deprecated)]

use backstitch::engines::Postgres;
use backstitch::{Migrations, migrations};

static MIGRATIONS: Migrations<Postgres> = migrations!("fail/warning", dialect = postgres);

fn main() {
    let _ = &MIGRATIONS;
}
