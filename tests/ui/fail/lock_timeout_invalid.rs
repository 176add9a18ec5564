use backstitch::engines::Postgres;
use backstitch::{Migrations, migrations};

static MIGRATIONS: Migrations<Postgres> =
    migrations!("fail/lock_timeout_invalid", dialect = postgres);

fn main() {
    let _ = &MIGRATIONS;
}
