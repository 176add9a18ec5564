use backstitch::engines::Postgres;
use backstitch::{Migrations, migrations};

static MIGRATIONS: Migrations<Postgres> =
    migrations!("fail/check_in_the_wrong_place", dialect = postgres);

fn main() {
    let _ = &MIGRATIONS;
}
