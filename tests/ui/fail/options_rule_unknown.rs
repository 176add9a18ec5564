use backstitch::engines::Postgres;
use backstitch::{Migrations, migrations};

static MIGRATIONS: Migrations<Postgres> = migrations!(
    "fail/good",
    options = "fail/options_rule_unknown/backstitch.toml"
);

fn main() {
    let _ = &MIGRATIONS;
}
