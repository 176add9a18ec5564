use backstitch::engines::Postgres;
use backstitch::{Migrations, migrations};

static MIGRATIONS: Migrations<Postgres> = migrations!("fail/assumes_invalid", dialect = postgres);

fn main() {
    let _ = &MIGRATIONS;
}
