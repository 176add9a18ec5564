use backstitch::engines::Postgres;
use backstitch::{Migrations, migrations};

static MIGRATIONS: Migrations<Postgres> = migrations!("fail/lock_syntax", dialect = postgres);

fn main() {
    let _ = &MIGRATIONS;
}
