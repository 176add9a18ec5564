use backstitch::engines::Postgres;
use backstitch::{Migrations, migrations};

static MIGRATIONS: Migrations<Postgres> =
    migrations!("fail/quoted_name_unclosed", dialect = postgres);

fn main() {
    let _ = &MIGRATIONS;
}
