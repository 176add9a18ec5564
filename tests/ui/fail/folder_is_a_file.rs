use backstitch::engines::Postgres;
use backstitch::{Migrations, migrations};

static MIGRATIONS: Migrations<Postgres> =
    migrations!("fail/good/0001_users.sql", dialect = postgres);

fn main() {
    let _ = &MIGRATIONS;
}
