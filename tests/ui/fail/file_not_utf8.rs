use backstitch::engines::Postgres;
use backstitch::{Migrations, migrations};

static MIGRATIONS: Migrations<Postgres> = migrations!("fail/file_not_utf8", dialect = postgres);

fn main() {
    let _ = &MIGRATIONS;
}
