use backstitch::engines::Postgres;
use backstitch::{Migrations, migrations};

static MIGRATIONS: Migrations<Postgres> =
    migrations!("fail/file_name_capital_letters", dialect = postgres);

fn main() {
    let _ = &MIGRATIONS;
}
