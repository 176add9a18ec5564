use backstitch::engines::Postgres;
use backstitch::{Migrations, migrations};

static MIGRATIONS: Migrations<Postgres> =
    migrations!("fail/lock_of_another_text", dialect = postgres);

fn main() {
    let _ = &MIGRATIONS;
}
