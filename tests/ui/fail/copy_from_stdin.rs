use backstitch::engines::Postgres;
use backstitch::{Migrations, migrations};

static MIGRATIONS: Migrations<Postgres> = migrations!("fail/copy_from_stdin", dialect = postgres);

fn main() {
    let _ = &MIGRATIONS;
}
