//! What compiles, and without a warning. Each folder is also read at run time: both must hold the
//! same.

#![deny(deprecated)]

use backstitch::engines::{MySql, Postgres, Sqlite};
use backstitch::{Engine, LoadOptions, Migrations, migrations};
use backstitch_core::Dialect;

/// What is embedded is what `Migrations::load` reads from the folder.
fn check<DB: Engine>(embedded: &Migrations<DB>, folder: &str, dialect: Dialect, ids: &[&str]) {
    let options = LoadOptions {
        dialect: Some(dialect),
        ..LoadOptions::default()
    };
    let loaded = Migrations::<DB>::load(folder, options).expect("the folder is without mistakes");
    assert_eq!(embedded.set(), loaded.set());
    assert_eq!(embedded.digest(), loaded.digest());
    assert_eq!(embedded.digest(), embedded.set().digest());
    let found: Vec<_> = embedded.iter().map(|migration| &migration.id).collect();
    assert_eq!(found, ids);
}

#[test]
fn postgres_in_a_static() {
    static MIGRATIONS: Migrations<Postgres> = migrations!("ui/pass/postgres", dialect = postgres);
    let ids = ["0001_users", "0002_touch", "0003_user_email"];
    check(&MIGRATIONS, "ui/pass/postgres", Dialect::Postgres, &ids);
}

#[test]
fn sqlite_in_a_const_block() {
    static MIGRATIONS: Migrations<Sqlite> =
        const { migrations!("ui/pass/sqlite", dialect = sqlite) };
    let ids = ["0001_users", "0002_touch", "0003_rebuild"];
    check(&MIGRATIONS, "ui/pass/sqlite", Dialect::Sqlite, &ids);
}

#[test]
fn mysql_in_a_local_variable_without_a_type() {
    let migrations = migrations!("ui/pass/mysql", dialect = mysql);
    check::<MySql>(
        &migrations,
        "ui/pass/mysql",
        Dialect::MySql,
        &["0001_users", "0002_touch"],
    );
}

#[test]
fn mariadb_as_an_argument() {
    let ids = ["0001_users"];
    check(
        &migrations!("ui/pass/mariadb", dialect = mariadb),
        "ui/pass/mariadb",
        Dialect::MariaDb,
        &ids,
    );
}

#[test]
fn the_options_name_folder_and_engine() {
    let migrations = migrations!(options = "ui/pass/options.toml");
    check::<Sqlite>(
        &migrations,
        "ui/pass/sqlite",
        Dialect::Sqlite,
        &["0001_users", "0002_touch", "0003_rebuild"],
    );
}

#[test]
fn the_macro_wins_over_the_options() {
    let migrations = migrations!(
        "ui/pass/postgres",
        dialect = postgres,
        options = "ui/pass/options.toml",
    );
    let ids = ["0001_users", "0002_touch", "0003_user_email"];
    check::<Postgres>(&migrations, "ui/pass/postgres", Dialect::Postgres, &ids);
}

/// The warning is the point: the expectation is checked by the compiler.
#[test]
#[expect(deprecated)]
fn an_empty_folder_compiles_with_a_warning() {
    check::<Sqlite>(
        &migrations!("ui/pass/empty", dialect = sqlite),
        "ui/pass/empty",
        Dialect::Sqlite,
        &[],
    );
}

/// Each of these options silences an error or a warning that stands in `fail` without it.
#[test]
fn the_options_say_what_counts() {
    let migrations = migrations!(options = "ui/pass/chosen/backstitch.toml");
    let ids = [
        "0001_users",
        "0002_shipped",
        "0003_countries",
        "0004_places",
        "0005_logs",
    ];
    check::<Postgres>(&migrations, "ui/pass/chosen", Dialect::Postgres, &ids);
}

/// The model of no other crate knows the function; SQLite itself does not either.
#[test]
fn what_only_the_application_knows_compiles() {
    let migrations = migrations!("ui/pass/application", dialect = sqlite);
    check::<Sqlite>(
        &migrations,
        "ui/pass/application",
        Dialect::Sqlite,
        &["0001_users"],
    );
}

#[test]
fn any_text_is_embedded_as_it_is() {
    let migrations = migrations!("ui/pass/text", dialect = postgres);
    let ids = [
        "0001_letters",
        "0002_line_ends",
        "0003_byte_order_mark",
        "0004_quotes",
    ];
    check::<Postgres>(&migrations, "ui/pass/text", Dialect::Postgres, &ids);

    let text = |id| {
        migrations
            .set()
            .get(id)
            .expect("it is embedded")
            .source()
            .text()
    };
    assert!(text("0001_letters").contains("'Größe 寸法 🧵'"));
    assert!(
        text("0002_line_ends").contains("\r\n"),
        "git has changed the file"
    );
    assert!(
        text("0003_byte_order_mark").starts_with('\u{feff}'),
        "git has changed the file"
    );
}

#[test]
fn a_folder_can_come_out_of_another_macro() {
    macro_rules! of {
        ($folder:literal) => {
            migrations!($folder, dialect = mariadb)
        };
    }
    check::<MySql>(
        &of!("ui/pass/mariadb"),
        "ui/pass/mariadb",
        Dialect::MariaDb,
        &["0001_users"],
    );
}
