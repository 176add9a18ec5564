use backstitch::engines::Postgres;
use backstitch::{Migrations, migrations};

static MIGRATIONS: Migrations<Postgres> = migrations!("fail/good");

fn main() {
    let _ = &MIGRATIONS;
}
