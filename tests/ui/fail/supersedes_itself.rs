use backstitch::engines::Postgres;
use backstitch::{Migrations, migrations};

static MIGRATIONS: Migrations<Postgres> = migrations!("fail/supersedes_itself", dialect = postgres);

fn main() {
    let _ = &MIGRATIONS;
}
