use backstitch::engines::Postgres;
use backstitch::{Migrations, migrations};

static MIGRATIONS: Migrations<Postgres> =
    migrations!("fail/dependency_on_itself", dialect = postgres);

fn main() {
    let _ = &MIGRATIONS;
}
