use backstitch::engines::Postgres;
use backstitch::{Migrations, migrations};

static MIGRATIONS: Migrations<Postgres> =
    migrations!("fail/check_with_two_statements", dialect = postgres);

fn main() {
    let _ = &MIGRATIONS;
}
