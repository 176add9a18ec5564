use backstitch::engines::Postgres;
use backstitch::{Migrations, migrations};

static MIGRATIONS: Migrations<Postgres> = migrations!("fail/good", engine = postgres);

fn main() {
    let _ = &MIGRATIONS;
}
