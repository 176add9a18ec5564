use backstitch::engines::Postgres;
use backstitch::{Migrations, migrations};

static MIGRATIONS: Migrations<Postgres> = migrations!("fail/sql_syntax", dialect = postgres);

fn main() {
    let _ = &MIGRATIONS;
}
