use backstitch::engines::Postgres;
use backstitch::{Migrations, migrations};

static MIGRATIONS: Migrations<Postgres> = migrations!(
    "fail/statement_annotation_in_the_header",
    dialect = postgres
);

fn main() {
    let _ = &MIGRATIONS;
}
