use backstitch::engines::MySql;
use backstitch::{Migrations, migrations};

static MIGRATIONS: Migrations<MySql> = migrations!("fail/sql_syntax_on_mysql", dialect = mysql);

fn main() {
    let _ = &MIGRATIONS;
}
