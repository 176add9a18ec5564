use backstitch::engines::Postgres;
use backstitch::{Migrations, migrations};

static MIGRATIONS: Migrations<Postgres> =
    migrations!("fail/transaction_invalid", dialect = postgres);

fn main() {
    let _ = &MIGRATIONS;
}
