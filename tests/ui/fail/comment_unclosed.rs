use backstitch::engines::Postgres;
use backstitch::{Migrations, migrations};

static MIGRATIONS: Migrations<Postgres> = migrations!("fail/comment_unclosed", dialect = postgres);

fn main() {
    let _ = &MIGRATIONS;
}
