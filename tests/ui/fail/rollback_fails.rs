use backstitch::engines::Postgres;
use backstitch::{Migrations, migrations};

static MIGRATIONS: Migrations<Postgres> = migrations!("fail/rollback_fails", dialect = postgres);

fn main() {
    let _ = &MIGRATIONS;
}
