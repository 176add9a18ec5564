use backstitch::engines::Postgres;
use backstitch::{Migrations, migrations};

static MIGRATIONS: Migrations<Postgres> =
    migrations!("fail/file_name_of_another_tool", dialect = postgres);

fn main() {
    let _ = &MIGRATIONS;
}
