use backstitch::engines::Postgres;
use backstitch::{Migrations, migrations};

static MIGRATIONS: Migrations<Postgres> =
    migrations!("fail/file_name_short_version", dialect = postgres);

fn main() {
    let _ = &MIGRATIONS;
}
