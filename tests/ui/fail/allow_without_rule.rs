use backstitch::engines::Postgres;
use backstitch::{Migrations, migrations};

static MIGRATIONS: Migrations<Postgres> =
    migrations!("fail/allow_without_rule", dialect = postgres);

fn main() {
    let _ = &MIGRATIONS;
}
