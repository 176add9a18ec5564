use backstitch::engines::Postgres;
use backstitch::{Migrations, migrations};

static MIGRATIONS: Migrations<Postgres> =
    migrations!("fail/dollar_string_unclosed", dialect = postgres);

fn main() {
    let _ = &MIGRATIONS;
}
