use backstitch::engines::Postgres;
use backstitch::{Migrations, migrations};

static MIGRATIONS: Migrations<Postgres> =
    migrations!("fail/marker_with_text_behind_it", dialect = postgres);

fn main() {
    let _ = &MIGRATIONS;
}
