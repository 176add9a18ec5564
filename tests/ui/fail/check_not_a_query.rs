use backstitch::engines::Postgres;
use backstitch::{Migrations, migrations};

static MIGRATIONS: Migrations<Postgres> = migrations!("fail/check_not_a_query", dialect = postgres);

fn main() {
    let _ = &MIGRATIONS;
}
