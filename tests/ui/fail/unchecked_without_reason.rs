use backstitch::engines::Postgres;
use backstitch::{Migrations, migrations};

static MIGRATIONS: Migrations<Postgres> =
    migrations!("fail/unchecked_without_reason", dialect = postgres);

fn main() {
    let _ = &MIGRATIONS;
}
