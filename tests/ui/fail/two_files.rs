use backstitch::engines::Postgres;
use backstitch::{Migrations, migrations};

static MIGRATIONS: Migrations<Postgres> = migrations!("fail/two_files", dialect = postgres);

fn main() {
    let _ = &MIGRATIONS;
}
