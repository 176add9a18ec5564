use backstitch::engines::Postgres;
use backstitch::{Migrations, migrations};

static MIGRATIONS: Migrations<Postgres> = migrations!("fail/batch_of_a_table", dialect = postgres);

fn main() {
    let _ = &MIGRATIONS;
}
