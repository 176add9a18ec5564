use backstitch::engines::Postgres;
use backstitch::{Migrations, migrations};

static MIGRATIONS: Migrations<Postgres> = migrations!("fail/good", dialect = postgress);

fn main() {
    let _ = &MIGRATIONS;
}
