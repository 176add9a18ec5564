use backstitch::engines::Postgres;
use backstitch::{Migrations, migrations};

static MIGRATIONS: Migrations<Postgres> =
    migrations!("fail/annotation_without_value", dialect = postgres);

fn main() {
    let _ = &MIGRATIONS;
}
