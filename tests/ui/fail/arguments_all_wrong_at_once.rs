use backstitch::engines::Postgres;
use backstitch::{Migrations, migrations};

static MIGRATIONS: Migrations<Postgres> =
    migrations!(migrations, dialect = postgress, enginee = postgres);

fn main() {
    let _ = &MIGRATIONS;
}
