use backstitch::engines::Postgres;
use backstitch::{Migrations, migrations};

static MIGRATIONS: Migrations<Postgres> =
    migrations!("fail/statement_before_the_marker", dialect = postgres);

fn main() {
    let _ = &MIGRATIONS;
}
