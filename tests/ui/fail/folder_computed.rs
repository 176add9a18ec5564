use backstitch::engines::Postgres;
use backstitch::{Migrations, migrations};

static MIGRATIONS: Migrations<Postgres> = migrations!(concat!("fail/", "good"), dialect = postgres);

fn main() {
    let _ = &MIGRATIONS;
}
