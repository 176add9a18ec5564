use backstitch::engines::MySql;
use backstitch::{Migrations, migrations};

static MIGRATIONS: Migrations<MySql> = migrations!("fail/client_command_of_mysql", dialect = mysql);

fn main() {
    let _ = &MIGRATIONS;
}
