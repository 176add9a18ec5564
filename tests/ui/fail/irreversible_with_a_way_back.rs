use backstitch::engines::Postgres;
use backstitch::{Migrations, migrations};

static MIGRATIONS: Migrations<Postgres> =
    migrations!("fail/irreversible_with_a_way_back", dialect = postgres);

fn main() {
    let _ = &MIGRATIONS;
}
