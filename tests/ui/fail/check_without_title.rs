use backstitch::engines::Postgres;
use backstitch::{Migrations, migrations};

static MIGRATIONS: Migrations<Postgres> =
    migrations!("fail/check_without_title", dialect = postgres);

fn main() {
    let _ = &MIGRATIONS;
}
