use backstitch::engines::Postgres;
use backstitch::{Migrations, migrations};

static MIGRATIONS: Migrations<Postgres> = migrations!("fail/table_unknown", dialect = postgres);

fn main() {
    let _ = &MIGRATIONS;
}
