use backstitch::engines::Postgres;
use backstitch::{Migrations, migrations};

static MIGRATIONS: Migrations<Postgres> = migrations!("fail/column_unknown", dialect = postgres);

fn main() {
    let _ = &MIGRATIONS;
}
