use backstitch::engines::Postgres;
use backstitch::{Migrations, migrations};

static MIGRATIONS: Migrations<Postgres> =
    migrations!("fail/batch_in_a_transaction", dialect = postgres);

fn main() {
    let _ = &MIGRATIONS;
}
