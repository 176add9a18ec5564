use backstitch::engines::Postgres;
use backstitch::{Migrations, migrations};

static MIGRATIONS: Migrations<Postgres> =
    migrations!("fail/client_command_of_psql", dialect = postgres);

fn main() {
    let _ = &MIGRATIONS;
}
