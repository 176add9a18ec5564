use backstitch::engines::Postgres;
use backstitch::{Migrations, migrations};

static MIGRATIONS: Migrations<Postgres> = migrations!("fail/table_made_later", dialect = postgres);

fn main() {
    let _ = &MIGRATIONS;
}
