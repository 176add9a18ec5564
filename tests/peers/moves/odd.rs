//! What real folders and histories hold beside what their tools document: each is taken over, or
//! refused with a message that says what to do.

use backstitch::Tool;
use backstitch_peers::{crlf, put};
use backstitch_tests::servers::Engine;

use crate::place::Place;
use crate::shop::{self, Step};
use crate::tools;

const USERS: &str = "CREATE TABLE users (id integer PRIMARY KEY, login varchar(80) NOT NULL);\n";
const EMAIL: &str = "ALTER TABLE users ADD COLUMN email varchar(80);\n";

/// A project on SQLite with these files in `migrations`.
fn project(files: &[(&str, &str)]) -> Place {
    let place = Place::new(Engine::Sqlite).expect("SQLite is always there");
    write(&place, files);
    place
}

fn write(place: &Place, files: &[(&str, &str)]) {
    let folder = place.folder().join("migrations");
    for (name, text) in files {
        put(&folder, name, text);
    }
}

#[test]
fn odd_names_and_bytes() {
    let marked = format!("\u{feff}{EMAIL}");
    let place = project(&[
        ("1_Users & Groups.sql", &crlf(USERS)),
        ("0003_größe.up.sql", &marked),
        (
            "0003_größe.down.sql",
            "ALTER TABLE users DROP COLUMN email;",
        ),
        ("12_-.sql", "CREATE TABLE \"ÄÖ ü\" (id integer PRIMARY KEY)"),
        ("schema.sql", "no migration"),
        ("README.md", "what this is"),
    ]);
    tools::apply(Tool::Sqlx, &place, &[]);
    place.sql("INSERT INTO users (id, login) VALUES (1, 'ann')");
    place.says("import --from sqlx", "3 migrations of sqlx were written");
    for (file, name, up) in [
        ("0001_users_groups", "Users & Groups", crlf(USERS)),
        ("0003_gr_e", "Größe", EMAIL.to_owned()),
        (
            "0012_migration",
            "12",
            "\"ÄÖ ü\" (id integer PRIMARY KEY)\n".to_owned(),
        ),
    ] {
        let text = place.read(&format!("db/migrations/{file}.sql"));
        assert!(text.starts_with(&format!("-- @name: {name}\n")), "{text}");
        assert!(text.contains(&up), "{text}");
    }
    place.says("adopt --from sqlx", "3 migrations taken over from sqlx");
    place.says("status --check", "healthy");
    place.says("verify", "drift    ok");
    place.says("rollback --steps 2 --force", "2 migrations taken back");
    assert_eq!(place.sql("SELECT * FROM users"), ["1 | ann"]);
}

/// sqlx ran another text: it is told, and taken only by its name.
#[test]
fn a_file_that_was_edited_since() {
    let place = project(&[("0001_users.sql", USERS), ("0002_email.sql", EMAIL)]);
    tools::apply(Tool::Sqlx, &place, &[]);
    write(&place, &[("0002_email.sql", &EMAIL.replace("80", "90"))]);
    place.says("import --from sqlx", "2 migrations of sqlx were written");
    let words = [
        "sqlx ran another text as `0002_email`",
        "adopt --from sqlx --accept 0002_email",
    ];
    place.refuses("adopt --from sqlx", 4, &words);
    let left = ["sqlx has applied 2 of these", "0002_email"];
    place.refuses("status --check", 1, &left);
    let said = place.says("adopt --from sqlx --accept 0002", "2 migrations taken over");
    assert!(
        said.contains("0002_email  by its version, its text differs"),
        "{said}"
    );
    place.says("status --check", "healthy");
}

/// A comment that is no comment here has to be changed, and the migration taken by its name.
#[test]
fn comments_that_mean_something_here() {
    let spoken = format!("-- @author: Ann\n{EMAIL}");
    let place = project(&[("0001_users.sql", USERS), ("0002_email.sql", &spoken)]);
    tools::apply(Tool::Sqlx, &place, &[]);
    place.says(
        "import --from sqlx",
        "0002_email  annotation-unknown: unknown annotation `@author`",
    );
    place.refuses(
        "adopt --from sqlx",
        1,
        &["unknown annotation `@author`", "-- author: Ann"],
    );
    let file = "db/migrations/0002_email.sql";
    let text = place.read(file).replace("-- @author", "-- author");
    put(place.folder(), file, &text);
    place.refuses(
        "adopt --from sqlx",
        4,
        &["ran another text as `0002_email`"],
    );
    place.says(
        "adopt --from sqlx --accept 0002_email",
        "2 migrations taken over",
    );
    place.says("up", "up to date");
}

/// What brings its own transaction is told, and taken over without it when that is asked for.
#[test]
fn a_transaction_around_all_of_it() {
    let up = format!("BEGIN;\n{USERS}COMMIT;\n");
    let down = "-- All.\nBEGIN TRANSACTION;\nDROP TABLE users;\nEND;\n";
    let place = project(&[
        ("000001_users.up.sql", &up),
        ("000001_users.down.sql", down),
    ]);
    place.sql("CREATE TABLE schema_migrations (version uint64, dirty bool)");
    place.sql("INSERT INTO schema_migrations VALUES (1, 0)");
    place.sql(USERS);
    let words = "it brings its own transaction, which a migration has already";
    let said = place.says("import --from golang-migrate", words);
    assert!(said.contains("import with `--unwrap`"), "{said}");
    place.refuses("check", 1, &["transaction-control"]);

    place.says(
        "import --from golang-migrate --unwrap --to db/again",
        "1 migration of golang-migrate was",
    );
    let text = place.read("db/again/0001_users.sql");
    assert!(
        text.contains(&format!("(forward changes)\n{USERS}\n-- DOWN")),
        "{text}"
    );
    assert!(
        text.ends_with("(rollback changes)\n-- All.\nDROP TABLE users;\n"),
        "{text}"
    );
    assert!(!text.contains("@transaction"), "{text}");
    place.says("check", "all proven");
    place.says("adopt --from golang-migrate", "1 migration taken over");
    place.says("rollback", "1 migration taken back");
}

#[test]
fn programs_among_the_files() {
    for (tool, users, program, email, table) in [
        (
            Tool::Goose,
            (
                "00001_users.sql",
                format!("-- +goose Up\n{USERS}-- +goose Down\nDROP TABLE users;\n"),
            ),
            ("00002_fill.go", "package migrations"),
            ("00003_email.sql", format!("-- +goose Up\n{EMAIL}")),
            "CREATE TABLE goose_db_version (id integer PRIMARY KEY, version_id integer, \
             is_applied integer, tstamp text); \
             INSERT INTO goose_db_version VALUES (1, 0, 1, ''), (2, 1, 1, ''), (3, 2, 1, ''), \
             (4, 3, 1, '')",
        ),
        (
            Tool::Refinery,
            ("V1__users.sql", USERS.to_owned()),
            (
                "V2__fill.rs",
                "pub fn migration() -> String { String::new() }",
            ),
            ("V3__email.sql", EMAIL.to_owned()),
            "CREATE TABLE refinery_schema_history (version integer PRIMARY KEY, name text, \
             applied_on text, checksum text); \
             INSERT INTO refinery_schema_history VALUES (1, 'users', '', '1'), \
             (2, 'fill', '', '2'), (3, 'email', '', '3')",
        ),
    ] {
        let place = project(&[(users.0, &users.1), program, (email.0, &email.1)]);
        place.sql(USERS);
        place.sql(EMAIL);
        place.sql(table);
        let said = place.says(&format!("import --from {tool}"), "2 migrations of");
        assert!(
            said.contains("is a program: write db/migrations/0002_fill.sql"),
            "{said}"
        );
        let words = format!("{tool} has applied version 2");
        place.refuses(
            &format!("adopt --from {tool}"),
            4,
            &[words.as_str(), "where it was a program"],
        );

        put(
            place.folder(),
            "db/migrations/0002_fill.sql",
            "-- @name: Fill\n-- @description: A program of old did it.\n\
             -- @timestamp: 2026-01-05T10:00:00Z\n-- @rollbackSafe: true\n\n\
             -- UP MIGRATION\nSELECT 1;\n\n-- DOWN MIGRATION\nSELECT 1;\n",
        );
        let accept = match tool {
            // It keeps checksums, and these here are made up.
            Tool::Refinery => " --accept 0001 --accept 0002 --accept 0003",
            _ => "",
        };
        place.says(
            &format!("adopt --from {tool}{accept}"),
            "3 migrations taken over",
        );
        place.says("status --check", "healthy");
    }
}

#[test]
fn a_folder_that_is_not_the_tools() {
    let dbmate = format!("-- migrate:up\n{USERS}-- migrate:down\nDROP TABLE users;\n");
    let place = project(&[("0001_users.sql", &dbmate)]);
    for tool in ["sqlx", "goose", "diesel", "refinery", "golang-migrate"] {
        let words = [
            format!("`migrations` is a folder of dbmate, not of {tool}"),
            "backstitch import --from dbmate migrations".to_owned(),
        ];
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        place.refuses(&format!("import --from {tool} --engine sqlite"), 1, &words);
    }
    let words = [
        "there is no folder `nowhere`",
        "import --from sqlx path/to/migrations",
    ];
    place.refuses("import --from sqlx nowhere --engine sqlite", 1, &words);
    put(place.folder(), "empty/README.md", "soon");
    let words = ["there are no migrations in `empty`"];
    place.refuses("import --from sqlx empty --engine sqlite", 1, &words);
    assert!(!place.folder().join("db").exists());
    place.says("import --from dbmate", "1 migration of dbmate was written");
    let words = ["is annotated already"];
    place.refuses("import --from sqlx db/migrations --to other", 1, &words);
}

/// A hole in the history would be worse than nothing.
#[test]
fn files_that_cannot_be_read() {
    let place = project(&[("0001_users.sql", USERS)]);
    let file = place.folder().join("migrations/0002_latin.sql");
    std::fs::write(file, b"CREATE TABLE gr\xf6\xdfe (id integer);").expect("writable");
    place.refuses(
        "import --from sqlx",
        1,
        &["the file is not UTF-8", "0002_latin.sql"],
    );
    assert!(!place.folder().join("db").exists());

    let place = project(&[("0001_users.sql", USERS), ("0001_again.sql", EMAIL)]);
    let words = "version-duplicate: `0001_again` and `0001_users` have the same version";
    place.says("import --from sqlx", words);
}

/// What is older than `since` has shipped: no rule stops it, and the proof still tells.
#[test]
fn rules_are_for_what_is_new() {
    let Some(place) = Place::new(Engine::Postgres) else {
        return;
    };
    let index = "CREATE INDEX users_email ON users (email);\n";
    let opaque = "DO $$ BEGIN EXECUTE (SELECT current_setting('a.b')); END $$;\n";
    write(
        &place,
        &[
            ("0001_users.sql", USERS),
            ("0002_email.sql", EMAIL),
            ("0003_email_index.sql", index),
            ("0004_opaque.up.sql", opaque),
            ("0004_opaque.down.sql", opaque),
        ],
    );
    let rules = "[rules]\nindex-not-concurrent = \"deny\"\nunproven-rollback = \"deny\"\n";
    put(place.folder(), "backstitch.toml", rules);
    place.says("import --from sqlx", "since = \"after 0004_opaque\"");
    assert!(place.read("backstitch.toml").ends_with(rules));
    let said = place.says("check", "3 proven");
    assert!(
        said.contains("unproven: db/migrations/0004_opaque.sql"),
        "{said}"
    );
    let json = place.says("check --format json --level info", "");
    assert!(
        json.contains("index-not-concurrent") && json.contains("\"errors\": 0"),
        "{json}"
    );

    let new = "new logins --sql 'CREATE INDEX users_login ON users (login)'";
    place.refuses(new, 1, &["error[index-not-concurrent]", "0005_logins.sql"]);
}

/// What golang-migrate left half done is not taken over.
#[test]
fn a_dirty_row() {
    for engine in crate::ENGINES {
        let Some((place, _)) = migrated(Tool::GolangMigrate, engine) else {
            continue;
        };
        place.sql("UPDATE schema_migrations SET dirty = TRUE");
        let words = [
            "golang-migrate left version 14 half done",
            "0014_order_notes",
        ];
        place.refuses("adopt --from golang-migrate", 1, &words);
        let half = ["golang-migrate has applied 13 of these", "13 pending"];
        place.refuses("status --check", 1, &half);
        place.sql("UPDATE schema_migrations SET dirty = FALSE");
        place.says("adopt --from golang-migrate", "13 migrations taken over");
    }
}

/// goose keeps what was taken back: the last row of a version counts.
#[test]
fn rows_that_are_not_applied() {
    for engine in crate::ENGINES {
        let Some((place, steps)) = migrated(Tool::Goose, engine) else {
            continue;
        };
        let newest = steps.last().expect("a dozen");
        place.sql(newest.down.as_ref().expect("it has one"));
        place.sql("INSERT INTO goose_db_version (version_id, is_applied) VALUES (14, FALSE)");
        let said = place.says(
            "adopt --from goose",
            "12 migrations taken over from goose, 1 pending",
        );
        let mut lines = said
            .lines()
            .filter(|line| line.contains("0014_order_notes"));
        assert!(lines.any(|line| line.ends_with(" pending")), "{said}");
        place.says("up", "1 migration applied");
        place.says("status --check", "healthy");
    }
}

/// refinery writes no row for what has failed: it stays pending, and says what is in its way.
#[test]
fn a_run_that_has_failed() {
    for engine in crate::ENGINES {
        let Some(place) = Place::new(engine) else {
            continue;
        };
        let torn =
            "CREATE TABLE bills (id integer PRIMARY KEY);\nINSERT INTO nothing VALUES (1);\n";
        let files = [
            ("V1__users.sql", USERS),
            ("V2__email.sql", EMAIL),
            ("V3__bills.sql", torn),
        ];
        write(&place, &files);
        tools::refinery(&place).expect_err("the third one fails");
        place.says(
            "import --from refinery",
            "3 migrations of refinery were written",
        );
        let said = place.says(
            "adopt --from refinery",
            "2 migrations taken over from refinery, 1 pending",
        );
        assert!(said.contains("0002_email  same text in its UP"), "{said}");
        place.refuses("status --check", 3, &["0003_bills"]);
        let words = match engine {
            // DDL commits by itself there.
            Engine::MariaDb => ["bills' already exists", "0003_bills.sql"],
            _ => ["nothing", "0003_bills.sql"],
        };
        place.refuses("up", 1, &words);
    }
}

/// The shop, as the tool has applied it, imported.
fn migrated(tool: Tool, engine: Engine) -> Option<(Place, Vec<Step>)> {
    let place = Place::new(engine)?;
    let steps = shop::steps(tool, engine);
    shop::write(&steps, tool, place.folder());
    tools::apply(tool, &place, &steps);
    place.sql(shop::DATA);
    place.says(&format!("import --from {tool}"), "13 migrations of");
    Some((place, steps))
}
