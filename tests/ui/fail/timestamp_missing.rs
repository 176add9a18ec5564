use backstitch::engines::Postgres;
use backstitch::{Migrations, migrations};

static MIGRATIONS: Migrations<Postgres> = migrations!("fail/timestamp_missing", dialect = postgres);

fn main() {
    let _ = &MIGRATIONS;
}
