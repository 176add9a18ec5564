use backstitch::engines::Postgres;
use backstitch::{Migrations, migrations};

static MIGRATIONS: Migrations<Postgres> = migrations!("fail/sections_missing", dialect = postgres);

fn main() {
    let _ = &MIGRATIONS;
}
