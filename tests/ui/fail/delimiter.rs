use backstitch::engines::MySql;
use backstitch::{Migrations, migrations};

static MIGRATIONS: Migrations<MySql> = migrations!("fail/delimiter", dialect = mysql);

fn main() {
    let _ = &MIGRATIONS;
}
