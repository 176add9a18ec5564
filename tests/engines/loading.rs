//! Migrations that are read at run time behave as those that the compiler embeds.

use backstitch::{Down, ErrorKind, Layout, LoadOptions, Migrations};
use sqlx::{Postgres, Sqlite};

use crate::ground::{File, Folder, Ground, Product, load, scenarios};

scenarios! {
    everywhere: [
        the_plain_layout_goes_up_and_down,
        all_that_is_wrong_with_the_files_is_one_error,
        another_dialect_is_refused,
    ],
    postgres: [
        what_is_embedded_is_what_is_read,
    ],
    sqlite: [
        what_is_embedded_is_what_is_read_for_sqlite,
    ],
}

async fn the_plain_layout_goes_up_and_down<DB: Product>(ground: Ground<DB>) {
    let folder = Folder::of(&[]);
    folder.write(
        "0001_a.up.sql",
        "CREATE TABLE a (id INTEGER PRIMARY KEY);\nINSERT INTO a VALUES (1);\n",
    );
    folder.write("0001_a.down.sql", "DROP TABLE a;\n");
    folder.write("0002_only_up.up.sql", "INSERT INTO a VALUES (2);\n");
    folder.write(
        "0003_bad.up.sql",
        "INSERT INTO a VALUES (3);\nINSERT INTO nowhere VALUES (3);\n",
    );
    let options = LoadOptions {
        layout: Layout::UpDown,
        ..LoadOptions::default()
    };
    let set: Migrations<DB> = load(folder.path(), options);
    let error = set.up(ground.url()).await.expect_err("the third is wrong");
    assert!(
        error.to_string().contains("0003_bad.up.sql:2:13\n"),
        "{error}"
    );
    assert_eq!(error.report().done.len(), 2);
    folder.write("0003_bad.up.sql", "INSERT INTO a VALUES (3);\n");
    folder.write("0003_bad.down.sql", "DELETE FROM a WHERE id = 3;\n");
    let set: Migrations<DB> = load(folder.path(), options);
    assert_eq!(set.up(ground.url()).await.expect("up works").done.len(), 1);
    let migrator = set.migrator().force();
    migrator
        .down(ground.url(), Down::Steps(1))
        .await
        .expect("down works");
    let error = migrator
        .down(ground.url(), Down::Steps(1))
        .await
        .expect_err("it has no way back");
    assert_eq!(error.kind(), ErrorKind::Rollback);
    assert_eq!(error.migration(), Some("0002_only_up"));
    assert_eq!(ground.value("SELECT COUNT(*) FROM a").await, "2");
}

async fn all_that_is_wrong_with_the_files_is_one_error<DB: Product>(_ground: Ground<DB>) {
    let folder = Folder::of(&[("0001_a", File::table("a")), ("0001_b", File::table("b"))]);
    folder.write(
        "0002_c.sql",
        &File::table("c").text().replace("-- @name: A test\n", ""),
    );
    let error =
        Migrations::<DB>::load(folder.path(), LoadOptions::default()).expect_err("two things");
    assert_eq!(error.kind(), ErrorKind::Files);
    assert_eq!(error.diagnostics().len(), 2, "{error}");
    let error = Migrations::<DB>::load(folder.path().join("nowhere"), LoadOptions::default());
    assert_eq!(error.expect_err("no folder").kind(), ErrorKind::Files);
}

async fn another_dialect_is_refused<DB: Product>(_ground: Ground<DB>) {
    use backstitch_core::Dialect;
    let folder = Folder::of(&[("0001_a", File::table("a"))]);
    let all = [
        Dialect::Postgres,
        Dialect::Sqlite,
        Dialect::MySql,
        Dialect::MariaDb,
    ];
    let fine = all.into_iter().filter(|dialect| {
        let options = LoadOptions {
            dialect: Some(*dialect),
            ..LoadOptions::default()
        };
        Migrations::<DB>::load(folder.path(), options).is_ok()
    });
    assert_eq!(fine.count(), if DB::DDL_ROLLS_BACK { 1 } else { 2 });
}

async fn what_is_embedded_is_what_is_read(ground: Ground<Postgres>) {
    static EMBEDDED: Migrations<Postgres> =
        backstitch::migrations!("../migrations/todo/postgres", dialect = postgres);
    same(&ground, &EMBEDDED, "../migrations/todo/postgres").await;
}

async fn what_is_embedded_is_what_is_read_for_sqlite(ground: Ground<Sqlite>) {
    static EMBEDDED: Migrations<Sqlite> =
        backstitch::migrations!("../migrations/todo/sqlite", dialect = sqlite);
    same(&ground, &EMBEDDED, "../migrations/todo/sqlite").await;
}

async fn same<DB: Product>(ground: &Ground<DB>, embedded: &Migrations<DB>, folder: &str) {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let loaded: Migrations<DB> = load(&folder, LoadOptions::default());
    assert_eq!(loaded.digest(), embedded.digest());
    let count = loaded.iter().count();
    let report = embedded.up(ground.url()).await.expect("up works");
    assert_eq!(report.done.len(), count);
    assert!(
        loaded
            .up(ground.url())
            .await
            .expect("up works")
            .is_up_to_date()
    );
    let applied_by = ground.value("SELECT applied_by FROM __migrations__").await;
    assert!(
        applied_by.contains("(backstitch-tests 0.1.0)"),
        "{applied_by}"
    );
    let back = loaded
        .migrator()
        .force()
        .down(ground.url(), Down::All)
        .await;
    assert_eq!(back.expect("down works").done.len(), count);
    loaded.up(ground.url()).await.expect("up works");
    assert!(
        embedded
            .up(ground.url())
            .await
            .expect("up works")
            .is_up_to_date()
    );
}
