use backstitch::engines::Postgres;
use backstitch::{Migrations, migrations};

static MIGRATIONS: Migrations<Postgres> =
    migrations!("fail/marker_abbreviated", dialect = postgres);

fn main() {
    let _ = &MIGRATIONS;
}
