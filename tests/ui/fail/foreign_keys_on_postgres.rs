use backstitch::engines::Postgres;
use backstitch::{Migrations, migrations};

static MIGRATIONS: Migrations<Postgres> =
    migrations!("fail/foreign_keys_on_postgres", dialect = postgres);

fn main() {
    let _ = &MIGRATIONS;
}
