//! Hostile words wherever a word may be set: they are only words, or they are refused before
//! anything has happened.

use backstitch::{Down, Error, ErrorKind, Migrator};
use backstitch_tests::announce::announce;
use sqlx::Postgres;

use crate::course::{Course, Watched};
use crate::ground::{File, Ground, Product, migrations, scenarios};

scenarios! {
    everywhere: [
        words_are_only_words,
        tables_of_the_history_have_hostile_names,
        migrations_have_hostile_names,
    ],
    postgres: [
        a_name_that_would_be_cut_off_is_refused,
    ],
}

const LENGTH: usize = 2;

/// What people have been known to write.
fn hostile() -> Vec<String> {
    let words = [
        "",
        " ",
        "'",
        "\"",
        "`",
        "''\"\"``",
        "\\",
        "\\'; DROP TABLE log; --",
        "'; DROP TABLE log; --",
        "a\nb\r\nc\td",
        "100 %s %1$s {} ${x} $1 $$ ? :x",
        "/* -- # */",
        "a\0b",
        "\u{1f4a5}\u{1f9d1}\u{200d}\u{1f680} \u{202e}right to left\u{202c} \u{feff}",
        "Z\u{335}\u{321}algo \u{e9}\u{65}\u{301}",
    ];
    let mut hostile: Vec<String> = words.map(str::to_owned).into();
    hostile.push("long ".repeat(2048));
    hostile.push("\u{1f4a5}".repeat(2560));
    hostile
}

type Setting<DB> = for<'m> fn(Migrator<'m, DB>, &str) -> Migrator<'m, DB>;

async fn words_are_only_words<DB: Watched>(ground: Ground<DB>) {
    let settings: [(&str, &str, Setting<DB>); 3] = [
        (
            "namespace",
            "SELECT namespace FROM __migrations__",
            |migrator, word| migrator.namespace(word),
        ),
        (
            "applied_by",
            "SELECT applied_by FROM __migrations__",
            |migrator, word| migrator.applied_by(word),
        ),
        (
            "reason",
            "SELECT reason FROM __migration_rollbacks__",
            |migrator, word| migrator.reason(word),
        ),
    ];
    let course = Course::of(LENGTH);
    let set = course.load::<DB>();
    let (mut kept, mut refused) = (0, 0);
    for (name, question, setting) in settings {
        for word in hostile() {
            let when = format!("{name} {:?}", word.chars().take(40).collect::<String>());
            let migrator = setting(set.migrator(), &word);
            match there_and_back(&migrator, &ground, &when).await {
                Ok(()) => {
                    kept += 1;
                    let stored = ground.ask(question).await;
                    assert_eq!(stored.len(), if name == "reason" { 2 } else { 1 }, "{when}");
                    assert_same(&stored[0][0], &word, &when);
                    migrator
                        .clone()
                        .force()
                        .down(ground.url(), Down::All)
                        .await
                        .expect(&when);
                }
                Err(error) => {
                    refused += 1;
                    assert!(error.to_string().len() > 40, "{when}: {error}");
                }
            }
            for table in ["__migrations__", "__migration_rollbacks__", "log", "t2"] {
                ground.ask(&format!("DROP TABLE IF EXISTS {table}")).await;
            }
        }
    }
    announce(&format!(
        "{kept} hostile words kept and {refused} refused on {:?}",
        ground.engine()
    ));
    assert!(kept > 30, "{kept}");
}

/// Up, nothing to do, down by two, up by one. What is refused must be refused at once.
async fn there_and_back<DB: Watched>(
    migrator: &Migrator<'_, DB>,
    ground: &Ground<DB>,
    when: &str,
) -> Result<(), Error> {
    let report = match migrator.up(ground.url()).await {
        Ok(report) => report,
        Err(error) => {
            assert!(
                !ground.has("log").await,
                "{when}: refused too late\n{error}"
            );
            return Err(error);
        }
    };
    assert_eq!(report.done.len(), LENGTH, "{when}");
    let again = migrator.up(ground.url()).await.expect(when);
    assert!(again.is_up_to_date(), "{when}: {again:?}");
    let status = migrator.status(ground.url()).await.expect(when);
    assert_eq!(
        (status.history.len(), status.trouble),
        (LENGTH, None),
        "{when}"
    );
    let down = migrator
        .clone()
        .force()
        .down(ground.url(), Down::All)
        .await
        .expect(when);
    assert_eq!(down.done.len(), LENGTH, "{when}");
    assert!(!ground.has("log").await, "{when}");
    let first = migrator.clone().target("0001_log").expect("it is there");
    assert_eq!(
        first.up(ground.url()).await.expect(when).done.len(),
        1,
        "{when}"
    );
    Ok(())
}

/// The same word, but for what no engine can keep: the byte NUL.
fn assert_same(stored: &str, word: &str, when: &str) {
    let head = word.split('\0').next().unwrap_or_default();
    match head.len() == word.len() {
        true => assert_eq!(stored, word, "{when}"),
        false => assert!(stored.starts_with(head), "{when}: {stored:?}"),
    }
}

async fn tables_of_the_history_have_hostile_names<DB: Watched>(ground: Ground<DB>) {
    let course = Course::of(LENGTH);
    let set = course.load::<DB>();
    let (mut kept, mut refused) = (0, 0);
    for word in hostile() {
        let when = format!("a table {:?}", word.chars().take(40).collect::<String>());
        let migrator = set
            .migrator()
            .tables(format!("h{word}"), format!("r{word}"));
        match there_and_back(&migrator, &ground, &when).await {
            Ok(()) => {
                kept += 1;
                // A history of another name is another history, however long the names are.
                let other = set
                    .migrator()
                    .tables(format!("h{word}2"), format!("r{word}2"));
                let status = other.status(ground.url()).await.expect(&when);
                assert_eq!(status.history.len(), 0, "{when}: two names are one table");
                migrator
                    .clone()
                    .force()
                    .down(ground.url(), Down::All)
                    .await
                    .expect(&when);
            }
            Err(error) => {
                refused += 1;
                assert!(error.to_string().len() > 40, "{when}: {error}");
            }
        }
        assert!(!ground.has("log").await, "{when}");
    }
    announce(&format!(
        "{kept} hostile tables kept and {refused} refused on {:?}",
        ground.engine()
    ));
    assert!(kept > 8, "{kept}");
}

async fn a_name_that_would_be_cut_off_is_refused(ground: Ground<Postgres>) {
    let set = Course::of(LENGTH).load::<Postgres>();
    for (table, rollbacks, schema, fits) in [
        (55, 63, 63, true),
        (56, 63, 63, false),
        (55, 64, 63, false),
        (55, 63, 64, false),
    ] {
        let migrator = set
            .migrator()
            .tables("h".repeat(table), "r".repeat(rollbacks))
            .schema("s".repeat(schema));
        match there_and_back(&migrator, &ground, "a long name").await {
            Ok(()) => assert!(fits, "{table} {rollbacks} {schema}"),
            Err(error) => {
                assert!(!fits && error.kind() == ErrorKind::Usage, "{error}");
                let shown = error.to_string();
                assert!(shown.contains("64 bytes long"), "{shown}");
                assert!(shown.contains("at most 55"), "{shown}");
            }
        }
        ground.ask("DROP TABLE IF EXISTS log, t2").await;
    }
}

async fn migrations_have_hostile_names<DB: Product>(ground: Ground<DB>) {
    let quote = |name: &str| match DB::SERVER {
        backstitch_tests::servers::Engine::MariaDb => format!("`{}`", name.replace('`', "``")),
        _ => format!("\"{}\"", name.replace('"', "\"\"")),
    };
    let names = [
        "it's",
        "semi;colon",
        "-- no comment",
        "a \" b ` c",
        "100 % \\ $$",
        "e\u{301}\u{e9}",
    ];
    let files: Vec<_> = (1..)
        .zip(names)
        .map(|(n, name)| {
            let (table, text) = (quote(name), name.replace('\\', "/").replace('\'', "''"));
            let up = format!(
                "CREATE TABLE {table} (id INTEGER, word VARCHAR(40));\n\
                 INSERT INTO {table} VALUES ({n}, '{text};\n-- DOWN MIGRATION')"
            );
            let file = File::new(&up, &format!("DROP TABLE {table}"))
                .with(&format!("@name: {name} \u{1f4a5}"));
            (format!("{n:04}_hostile"), file)
        })
        .collect();
    let files: Vec<_> = files
        .iter()
        .map(|(id, file)| (id.as_str(), file.clone()))
        .collect();
    let set = migrations::<DB>(&files);
    assert_eq!(
        set.up(ground.url()).await.expect("up works").done.len(),
        names.len()
    );
    for (n, name) in (1..).zip(names) {
        let table = quote(name);
        let rows = ground.ask(&format!("SELECT id, word FROM {table}")).await;
        let word = format!("{};\n-- DOWN MIGRATION", name.replace('\\', "/"));
        assert_eq!(rows, [[n.to_string(), word]], "{name}");
    }
    let status = set.status(ground.url()).await.expect("status works");
    assert_eq!(status.history[0].name, "it's \u{1f4a5}");
    set.migrator()
        .force()
        .down(ground.url(), Down::All)
        .await
        .expect("down works");
    assert!(!ground.has(&quote("it's")).await);
}
