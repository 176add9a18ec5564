#![deny(deprecated)]

use backstitch::engines::Postgres;
use backstitch::{Migrations, migrations};

static MIGRATIONS: Migrations<Postgres> = migrations!("fail/allow_stale", dialect = postgres);

fn main() {
    let _ = &MIGRATIONS;
}
