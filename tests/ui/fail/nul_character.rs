use backstitch::engines::Postgres;
use backstitch::{Migrations, migrations};

static MIGRATIONS: Migrations<Postgres> = migrations!("fail/nul_character", dialect = postgres);

fn main() {
    let _ = &MIGRATIONS;
}
