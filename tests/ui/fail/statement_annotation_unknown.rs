use backstitch::engines::Postgres;
use backstitch::{Migrations, migrations};

static MIGRATIONS: Migrations<Postgres> =
    migrations!("fail/statement_annotation_unknown", dialect = postgres);

fn main() {
    let _ = &MIGRATIONS;
}
