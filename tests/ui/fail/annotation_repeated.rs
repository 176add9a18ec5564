use backstitch::engines::Postgres;
use backstitch::{Migrations, migrations};

static MIGRATIONS: Migrations<Postgres> =
    migrations!("fail/annotation_repeated", dialect = postgres);

fn main() {
    let _ = &MIGRATIONS;
}
