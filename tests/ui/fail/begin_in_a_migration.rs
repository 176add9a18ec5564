use backstitch::engines::Postgres;
use backstitch::{Migrations, migrations};

static MIGRATIONS: Migrations<Postgres> =
    migrations!("fail/begin_in_a_migration", dialect = postgres);

fn main() {
    let _ = &MIGRATIONS;
}
