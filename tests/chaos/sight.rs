//! What cannot be seen, opened or written is told as that, and never taken for what is not there:
//! with the statements that grant what is missing, which are pasted here and must be enough.

use std::time::Duration;

use backstitch::{Error, ErrorKind, Migrations};
use backstitch_tests::process::Process;
use backstitch_tests::url::ServerUrl;
use sqlx::{MySql, Postgres, Sqlite};

use crate::course::{Course, Watched, quiet, says_what_to_do};
use crate::ground::{Ground, Product, scenarios, tables};
use crate::own;

scenarios! {
    postgres: [
        a_history_in_a_schema_that_may_not_be_used,
        a_history_that_may_not_be_read,
        a_history_behind_a_schema_of_ones_own,
        a_search_path_that_leads_elsewhere,
        a_search_path_that_leads_nowhere,
        a_database_that_is_not_to_be_had,
    ],
    mariadb: [
        a_history_that_may_not_be_read_there,
        a_database_that_is_not_to_be_had_there,
    ],
    sqlite: [
        a_file_that_is_no_database,
        a_file_that_this_user_may_not_use,
    ],
}

const LENGTH: usize = 3;

/// A role of the test's own with a password, gone with the value: what it may do goes first.
struct Role<'g> {
    ground: &'g Ground<Postgres>,
    name: String,
}

impl<'g> Role<'g> {
    async fn new(ground: &'g Ground<Postgres>) -> Role<'g> {
        let name = own_name(ground);
        ground
            .ask(&format!("CREATE ROLE {name} LOGIN PASSWORD 'secret'"))
            .await;
        Role { ground, name }
    }

    fn url(&self) -> String {
        url_of(self.ground, &self.name, "secret")
    }

    async fn end(self) {
        let name = &self.name;
        self.ground
            .ask(&format!("DROP OWNED BY {name}; DROP ROLE {name}"))
            .await;
    }
}

fn url_of<DB: Product>(ground: &Ground<DB>, user: &str, password: &str) -> String {
    ServerUrl {
        credentials: Some(format!("{user}:{password}")),
        ..ServerUrl::parse(ground.url())
    }
    .to_string()
}

/// A name that no other test has, for what is not kept inside of a database.
fn own_name(ground: &Ground<impl Product>) -> String {
    let database = ServerUrl::parse(ground.url()).database;
    format!("s{}", &database[database.len() - 12..])
}

/// Every verb that looks refuses, and says the same.
async fn all_refuse<DB: Watched>(set: &Migrations<DB>, url: &str, code: &str) -> Error {
    let hasty = set.migrator().lock_wait(Duration::ZERO);
    let errors = [
        set.up(url).await.map(drop).expect_err("up"),
        set.plan(url).await.map(drop).expect_err("plan"),
        set.status(url).await.map(drop).expect_err("status"),
        hasty.wait(url).await.map(drop).expect_err("wait"),
        set.migrator()
            .history(url)
            .await
            .map(drop)
            .expect_err("history"),
        set.down(url, backstitch::Down::Steps(1))
            .await
            .map(drop)
            .expect_err("down"),
    ];
    for error in &errors {
        says_what_to_do(error, code);
        assert_eq!(error.diagnostics()[0].code, code, "{error}");
        assert!(!granted(error).is_empty(), "{error}");
    }
    let [first, ..] = errors;
    first
}

/// The statements that an error says would grant what is missing.
fn granted(error: &Error) -> Vec<String> {
    let help = error.diagnostics()[0].help.lines().map(str::trim);
    let lines = help.filter(|line| line.starts_with("GRANT "));
    lines.map(str::to_owned).collect()
}

async fn paste<DB: Product>(ground: &Ground<DB>, error: &Error) {
    let grants = granted(error);
    assert!(!grants.is_empty(), "nothing to paste: {error}");
    for statement in grants {
        assert!(statement.ends_with(';'), "{error}");
        ground.ask(&statement).await;
    }
}

async fn a_history_in_a_schema_that_may_not_be_used(ground: Ground<Postgres>) {
    let role = Role::new(&ground).await;
    let (course, name) = (Course::of(LENGTH), role.name.clone());
    course.finish(&ground, "by its owner").await;
    ground
        .ask(&format!(
            "REVOKE ALL ON SCHEMA public FROM PUBLIC; GRANT SELECT ON __migrations__ TO {name}"
        ))
        .await;
    let set = course.load::<Postgres>();
    for own_schema in [false, true] {
        // With a schema of its own everything would run anew in there.
        if own_schema {
            ground
                .ask(&format!("CREATE SCHEMA AUTHORIZATION {name}"))
                .await;
        }
        let error = all_refuse(&set, &role.url(), "history-hidden").await;
        assert_eq!(error.kind(), ErrorKind::Database, "{error}");
        let shown = error.to_string();
        assert!(shown.contains("in the schema `public`"), "{shown}");
        assert_eq!(
            granted(&error),
            [format!("GRANT USAGE ON SCHEMA public TO {name};")]
        );
        quiet(&ground).await;
        let made = format!("SELECT count(*) FROM pg_tables WHERE schemaname = '{name}'");
        assert_eq!(ground.value(&made).await, "0");
    }
    // Whoever says which schema is meant is believed.
    let apart = set.migrator().schema(name.as_str());
    let status = apart
        .status(role.url().as_str())
        .await
        .expect("it is asked for");
    assert_eq!((status.history.len(), status.pending.len()), (0, LENGTH));

    let error = set.status(role.url().as_str()).await.expect_err("hidden");
    paste(&ground, &error).await;
    let report = set.up(role.url().as_str()).await.expect("it may look now");
    assert!(report.is_up_to_date());
    role.end().await;
}

async fn a_history_that_may_not_be_read(ground: Ground<Postgres>) {
    let role = Role::new(&ground).await;
    let course = Course::of(LENGTH);
    let set = course.load::<Postgres>();
    let first = set.migrator().target("0001_log").expect("it is there");
    first.up(ground.url()).await.expect("up works");
    ground
        .ask(&format!(
            "REVOKE ALL ON SCHEMA public FROM PUBLIC; GRANT USAGE ON SCHEMA public TO {0}; \
             GRANT ALL ON log TO {0}",
            role.name
        ))
        .await;
    let error = all_refuse(&set, &role.url(), "database-refused").await;
    let shown = error.to_string();
    assert!(
        shown.contains("permission denied for table __migrations__"),
        "{shown}"
    );
    paste(&ground, &error).await;
    let status = set
        .status(role.url().as_str())
        .await
        .expect("it may look now");
    assert_eq!(status.pending.len(), LENGTH - 1);

    // To write is more than to look, and the migrations need a place for their tables.
    ground
        .ask(&format!("GRANT CREATE ON SCHEMA public TO {}", role.name))
        .await;
    let error = set
        .up(role.url().as_str())
        .await
        .expect_err("it may not write");
    says_what_to_do(&error, "the history may not be written");
    course
        .traces(&ground)
        .await
        .judge::<Postgres>("not written");
    paste(&ground, &error).await;
    let report = set.up(role.url().as_str()).await.expect("it may write now");
    assert_eq!(report.done.len(), LENGTH - 1);
    role.end().await;
}

/// What a search path leads to need not be where it has new tables made.
async fn a_history_behind_a_schema_of_ones_own(ground: Ground<Postgres>) {
    let role = Role::new(&ground).await;
    let name = role.name.clone();
    tables::<Postgres>(2)
        .up(ground.url())
        .await
        .expect("up works");
    ground
        .ask(&format!(
            "CREATE SCHEMA AUTHORIZATION {name}; GRANT ALL ON __migrations__, \
             __migration_rollbacks__, __migration_repairs__ TO {name}"
        ))
        .await;
    let url = role.url();
    let set = tables::<Postgres>(3);
    let status = set.status(url.as_str()).await.expect("status works");
    assert_eq!(status.pending, ["0003_t3"]);
    let report = set.up(url.as_str()).await.expect("up works");
    assert_eq!(report.done.len(), 1);
    let histories = "SELECT string_agg(schemaname, ' ') FROM pg_tables \
                     WHERE tablename = '__migrations__'";
    assert_eq!(ground.value(histories).await, "public");
    // And the two of them keep each other out by one lock.
    let report = set.up(ground.url()).await.expect("there is nothing to do");
    assert!(report.is_up_to_date());
    let migrator = set.migrator();
    let held = migrator.hold(ground.url(), async {
        let hasty = set.migrator().lock_wait(Duration::ZERO);
        hasty.down(url.as_str(), backstitch::Down::Steps(1)).await
    });
    let error = held.await.expect("it is held").expect_err("it is held");
    assert_eq!(error.kind(), ErrorKind::Locked, "{error}");
    role.end().await;
}

async fn a_search_path_that_leads_elsewhere(ground: Ground<Postgres>) {
    tables::<Postgres>(2)
        .up(ground.url())
        .await
        .expect("up works");
    ground.ask("CREATE SCHEMA elsewhere").await;
    let url = format!("{}?options=-csearch_path%3Delsewhere", ground.url());
    let set = tables::<Postgres>(2);
    let status = set.status(url.as_str()).await.expect("status works");
    assert_eq!((status.history.len(), status.pending.len()), (0, 2));
    assert_eq!(status.elsewhere, ["public"]);
    let hasty = set.migrator().lock_wait(Duration::ZERO);
    let error = hasty
        .wait(url.as_str())
        .await
        .expect_err("nobody migrates there");
    assert_eq!(error.kind(), ErrorKind::NotMigrated, "{error}");
    assert!(
        error.to_string().contains("one in the schema `public`"),
        "{error}"
    );
    // A tenant of its own: that is no mistake.
    set.up(url.as_str()).await.expect("it makes its own");
    let status = set.status(url.as_str()).await.expect("status works");
    assert_eq!((status.history.len(), status.elsewhere.len()), (2, 0));
}

async fn a_search_path_that_leads_nowhere(ground: Ground<Postgres>) {
    let url = format!("{}?options=-csearch_path%3Dnowhere", ground.url());
    let error = tables::<Postgres>(1).up(url.as_str()).await;
    let error = error.expect_err("there is no schema to make it in");
    says_what_to_do(&error, "nowhere");
    let shown = error.to_string();
    assert!(shown.contains("no schema has been selected"), "{shown}");
    assert!(
        shown.contains("search_path") && shown.contains(".schema(..)"),
        "{shown}"
    );
}

async fn a_database_that_is_not_to_be_had(ground: Ground<Postgres>) {
    let role = Role::new(&ground).await;
    let set = tables::<Postgres>(1);
    let parsed = ServerUrl::parse(ground.url());
    let missing = parsed
        .with_database("there_is_no_such_database")
        .to_string();
    let error = set.up(missing.as_str()).await.expect_err("it is not there");
    assert!(error.to_string().contains("CREATE DATABASE"), "{error}");
    // A server that trusts everybody, as one for tests may, lets any password in.
    let wrong = url_of(&ground, &role.name, "wrong");
    if let Err(error) = set.status(wrong.as_str()).await {
        assert!(error.to_string().contains("user and password"), "{error}");
        assert!(!error.to_string().contains("wrong@"), "{error}");
    }
    let database = &parsed.database;
    ground
        .ask(&format!(
            "REVOKE CONNECT ON DATABASE \"{database}\" FROM PUBLIC"
        ))
        .await;
    let error = set.up(role.url().as_str()).await.expect_err("it may not");
    says_what_to_do(&error, "no right to connect");
    assert!(
        error.to_string().contains("permission denied for database"),
        "{error}"
    );
    role.end().await;
}

async fn a_history_that_may_not_be_read_there(ground: Ground<MySql>) {
    let user = own_name(&ground);
    let course = Course::of(LENGTH);
    let set = course.load::<MySql>();
    let first = set.migrator().target("0001_log").expect("it is there");
    first.up(ground.url()).await.expect("up works");
    let database = ground.value("SELECT DATABASE()").await;
    ground
        .ask(&format!(
            "CREATE USER {user}@'%' IDENTIFIED BY 'secret'; \
             GRANT SELECT, INSERT ON {database}.log TO {user}@'%'"
        ))
        .await;
    let url = url_of(&ground, &user, "secret");
    let error = all_refuse(&set, &url, "database-refused").await;
    assert!(
        error.to_string().contains("SELECT command denied"),
        "{error}"
    );
    paste(&ground, &error).await;
    let status = set.status(url.as_str()).await.expect("it may look now");
    assert_eq!(status.pending.len(), LENGTH - 1);
    let error = set.up(url.as_str()).await.expect_err("it may not write");
    says_what_to_do(&error, "the history may not be written");
    paste(&ground, &error).await;
    let report = set.up(url.as_str()).await.expect("it may write now");
    assert_eq!(report.done.len(), LENGTH - 1);
    ground.ask(&format!("DROP USER {user}@'%'")).await;
}

async fn a_database_that_is_not_to_be_had_there(ground: Ground<MySql>) {
    let user = own_name(&ground);
    ground
        .ask(&format!("CREATE USER {user}@'%' IDENTIFIED BY 'secret'"))
        .await;
    let set = tables::<MySql>(1);
    let parsed = ServerUrl::parse(ground.url());
    let cases = [
        (url_of(&ground, &user, "secret"), "GRANT ALL ON"),
        (url_of(&ground, &user, "wrong"), "user and password"),
        (
            parsed
                .with_database("there_is_no_such_database")
                .to_string(),
            "CREATE DATABASE",
        ),
        (
            parsed.with_database("").to_string(),
            "mysql://user@host/database",
        ),
    ];
    for (url, words) in cases {
        let error = set.up(url.as_str()).await.expect_err(words);
        says_what_to_do(&error, words);
        assert!(error.to_string().contains(words), "{words}\n{error}");
        assert!(!error.to_string().contains("wrong@"), "{error}");
    }
    ground.ask(&format!("DROP USER {user}@'%'")).await;
}

async fn a_file_that_is_no_database(_ground: Ground<Sqlite>) {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let at = |name: &str| format!("sqlite:{}", folder.path().join(name).display());
    let text = "This is a letter, and not a database, although somebody has given its name.\n";
    std::fs::write(folder.path().join("letter"), text.repeat(20)).expect("it can be written");
    std::fs::create_dir(folder.path().join("folder")).expect("it can be made");
    let set = tables::<Sqlite>(1);
    let cases = [
        (
            at("letter"),
            "file is not a database",
            "bring a backup back",
        ),
        (
            at("letter?mode=ro"),
            "file is not a database",
            "bring a backup back",
        ),
        (at("folder"), "is a folder", "name the right place"),
        (at("missing"), "?mode=rwc", "name the right place"),
        (
            at("no/where?mode=rwc"),
            "There is no folder",
            "name the right place",
        ),
    ];
    for (url, what, help) in cases {
        let error = set.up(url.as_str()).await.expect_err(what);
        says_what_to_do(&error, what);
        let shown = error.to_string();
        assert!(
            shown.contains(what) && shown.contains(help),
            "{what}\n{shown}"
        );
    }
    let letter = std::fs::read_to_string(folder.path().join("letter")).expect("it is there");
    assert_eq!(letter, text.repeat(20), "it was written to");
}

/// By a program that runs as nobody where the tests run as root, whom no right stops.
async fn a_file_that_this_user_may_not_use(_ground: Ground<Sqlite>) {
    use std::os::unix::fs::PermissionsExt;
    let folder = own::folder();
    let course = Course::of(LENGTH);
    let allow = |name: &str, mode: u32| {
        let path = folder.path().join(name);
        let mode = std::fs::Permissions::from_mode(mode);
        std::fs::set_permissions(path, mode).expect("it is ours");
    };
    let command = course.process("", &[]);
    let program = folder.path().join("program");
    std::fs::copy(command.get_program(), &program).expect("it can be copied");
    allow("program", 0o755);
    allow("", 0o755);
    let sources = command
        .get_args()
        .nth(1)
        .expect("the folder of the migrations");
    own::run(
        std::path::Path::new("mkdir"),
        &["open".to_owned(), "closed".to_owned()],
        folder.path(),
    );
    let migrations = folder.path().join("migrations");
    std::fs::create_dir(&migrations).expect("it can be made");
    for entry in std::fs::read_dir(sources).expect("it is there").flatten() {
        let copy = migrations.join(entry.file_name());
        std::fs::copy(entry.path(), copy).expect("it can be copied");
    }
    let run = |url: &str| {
        let mut command = std::process::Command::new(&program);
        command.arg(url).arg(&migrations);
        Process::start(own::as_nobody(command)).wait()
    };
    let at = |name: &str| format!("sqlite:{}", folder.path().join(name).display());

    for name in ["open/unreadable", "open/unwritable", "closed/there"] {
        let set = course.load::<Sqlite>();
        let first = set.migrator().target("0001_log").expect("it is there");
        let url = format!("{}?mode=rwc", at(name));
        first.up(url.as_str()).await.expect("up works");
    }
    allow("open/unreadable", 0o000);
    allow("open/unwritable", 0o444);
    allow("closed/there", 0o666);
    allow("closed", 0o555);
    for (name, what, help) in [
        (
            "open/unreadable",
            "cannot be opened",
            "name the right place",
        ),
        (
            "open/unwritable",
            "readonly database",
            "write to the file and its folder",
        ),
        (
            "closed/there",
            "readonly database",
            "write to the folder of the file",
        ),
        (
            "closed/new?mode=rwc",
            "may write to the folder",
            "name the right place",
        ),
    ] {
        let end = run(&at(name));
        assert_eq!(end.code, Some(1), "{name}: {}", end.stdout);
        let shown = end.stdout.replace('\n', " ");
        assert!(
            shown.contains(what) && shown.contains(help),
            "{name}\n{}",
            end.stdout
        );
    }
    // All of it is there once it may be.
    for (name, mode) in [("closed", 0o777), ("open/unwritable", 0o666)] {
        allow(name, mode);
    }
    for name in ["open/unwritable", "closed/there"] {
        let end = run(&at(name));
        assert_eq!(end.code, Some(0), "{name}: {}{}", end.stdout, end.stderr);
    }
}
