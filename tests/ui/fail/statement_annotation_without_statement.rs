use backstitch::engines::Postgres;
use backstitch::{Migrations, migrations};

static MIGRATIONS: Migrations<Postgres> = migrations!(
    "fail/statement_annotation_without_statement",
    dialect = postgres
);

fn main() {
    let _ = &MIGRATIONS;
}
