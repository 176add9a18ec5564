//! Each kind of object of SQLite, and what a DOWN that forgets about it leaves.

use backstitch::testing::{Catalogue, catalogue, diff};
use sqlx::{AssertSqlSafe, Connection, Executor, SqliteConnection};

use crate::Case;

/// Goal: every difference of kind, name or property is seen, and nothing else. Method: the
/// catalogue is read before an UP and after its wrong DOWN.
#[tokio::test]
async fn each_kind_of_object_is_seen() {
    let mut wrong = Vec::new();
    for case in CASES {
        let memory = SqliteConnection::connect("sqlite::memory:").await;
        let mut connection = memory.expect("memory is there");
        run(&mut connection, BASE).await;
        run(&mut connection, case.before).await;
        let before = look(&mut connection).await;
        run(&mut connection, case.up).await;
        run(&mut connection, case.down).await;
        wrong.extend(case.judge(&diff(&before, &look(&mut connection).await)));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

async fn run(connection: &mut SqliteConnection, sql: &str) {
    let done = connection.execute(sqlx::raw_sql(AssertSqlSafe(sql))).await;
    done.unwrap_or_else(|error| panic!("{sql}\n{error}"));
}

async fn look(connection: &mut SqliteConnection) -> Catalogue {
    let look = catalogue::<sqlx::Sqlite>(connection).await;
    look.unwrap_or_else(|error| panic!("{error}"))
}

const BASE: &str = "CREATE TABLE users (id INTEGER PRIMARY KEY, nick TEXT NOT NULL DEFAULT '');
     CREATE TABLE posts (id INTEGER PRIMARY KEY, author INT REFERENCES users(id) ON DELETE CASCADE, title TEXT);
     CREATE INDEX i ON posts (title);
     CREATE VIEW v AS SELECT id FROM users;
     CREATE TRIGGER tr AFTER DELETE ON posts BEGIN DELETE FROM users; END;";

const CASES: &[Case] = &[
    // Nothing is left, by whatever way.
    Case::new("CREATE TABLE t (a INTEGER PRIMARY KEY AUTOINCREMENT)", "DROP TABLE t", &[]),
    Case::new(
        "ALTER TABLE users RENAME COLUMN nick TO name; ALTER TABLE users RENAME TO people",
        "ALTER TABLE people RENAME TO users; ALTER TABLE users RENAME COLUMN name TO nick",
        &[],
    ),
    Case::new(
        "DROP INDEX i; DROP VIEW v; DROP TRIGGER tr",
        "CREATE INDEX IF NOT EXISTS [I] ON `posts`(\"title\" ASC); -- as it was\n\
         create view v as\n  select \"id\" from Users;\n\
         create trigger tr after delete on posts\nbegin\n  delete from \"users\";\nend",
        &[],
    ),
    // The rebuild of a table, as the documentation of SQLite advises it.
    Case::new(
        "ALTER TABLE posts ADD COLUMN body TEXT",
        "CREATE TABLE new (\n  id integer,\n  author int,\n  title text,\n  PRIMARY KEY (id),\n  \
         CONSTRAINT fk FOREIGN KEY (author) REFERENCES users ON DELETE CASCADE ON UPDATE NO ACTION\n);\n\
         INSERT INTO new SELECT id, author, title FROM posts; DROP TABLE posts; \
         ALTER TABLE new RENAME TO posts; CREATE INDEX i ON posts (title); \
         CREATE TRIGGER tr AFTER DELETE ON posts BEGIN DELETE FROM users; END",
        &[],
    ),
    Case::new(
        "ALTER TABLE posts ADD COLUMN body TEXT",
        "CREATE TABLE new (id INTEGER PRIMARY KEY, title VARCHAR(20), author INT NOT NULL);\n\
         INSERT INTO new SELECT id, title, author FROM posts; DROP TABLE posts; \
         ALTER TABLE new RENAME TO posts",
        &[
            "reordered: columns of table posts: id, author, title → id, title, author",
            "changed: column posts.author not null: none → yes",
            "changed: column posts.title type: text → varchar(20)",
            "missing: constraint foreign key (author) references users (id) on delete cascade on posts",
            "missing: index i on posts ((title))",
            "missing: trigger tr on posts (after delete on posts begin delete from users; end)",
        ],
    ),
    // Tables and columns.
    Case::new(
        "CREATE TABLE t (a INT UNIQUE, b CHECK (b > 0))",
        "",
        &["left over: table t (2 columns, 2 constraints)"],
    ),
    Case::new(
        "DROP TABLE posts",
        "",
        &["missing: table posts (3 columns, 2 constraints, 1 index, 1 trigger)"],
    ),
    Case::new(
        "DROP TABLE t; CREATE TABLE t (a INT PRIMARY KEY, b TEXT) STRICT",
        "",
        &["changed: table t options: without rowid → strict"],
    )
    .after("CREATE TABLE t (a INT PRIMARY KEY, b TEXT) WITHOUT ROWID"),
    Case::new(
        "ALTER TABLE posts ADD body TEXT COLLATE NOCASE DEFAULT 'A b' REFERENCES users(nick)",
        "",
        &[
            "left over: column posts.body (text, default 'A b')",
            "left over: constraint foreign key (body) references users (nick) on posts",
        ],
    ),
    Case::new(
        "ALTER TABLE posts ADD length INT AS (length(title)) VIRTUAL",
        "",
        &["left over: column posts.length (int, generated (length(title)))"],
    ),
    Case::new(
        "ALTER TABLE users DROP COLUMN nick",
        "ALTER TABLE users ADD COLUMN nick TEXT NOT NULL DEFAULT 'none'",
        &["changed: column users.nick default: '' → 'none'"],
    ),
    Case::new(
        "DROP TABLE t; CREATE TABLE t (a INTEGER PRIMARY KEY, b INT CONSTRAINT positive CHECK (b > 1) UNIQUE ON CONFLICT IGNORE)",
        "",
        &[
            "changed: constraint positive on t definition: check (b > 0) → check (b > 1)",
            "left over: constraint primary key (a) on t",
            "missing: constraint primary key (a) autoincrement on t",
            "left over: constraint unique (b) on conflict ignore on t",
        ],
    )
    .after("CREATE TABLE t (a INTEGER PRIMARY KEY AUTOINCREMENT, b INT CONSTRAINT positive CHECK (b > 0))"),
    // Everything else.
    Case::new(
        "DROP INDEX i; CREATE UNIQUE INDEX i ON posts (title DESC, lower(author)) WHERE id > 1",
        "",
        &[
            "changed: index i on posts definition: (title) → (title desc, lower(author)) where id > 1",
            "changed: index i on posts unique: none → yes",
        ],
    ),
    Case::new(
        "DROP VIEW v; CREATE VIEW v AS SELECT id, 'A' FROM users",
        "",
        &["changed: view v definition: as select id from users → as select id, 'A' from users"],
    ),
    Case::new(
        "CREATE TRIGGER vt INSTEAD OF INSERT ON v BEGIN SELECT 1; END",
        "",
        &["left over: trigger vt on v (instead of insert on v begin select 1; end)"],
    ),
    Case::new("PRAGMA user_version = 7", "", &["changed: setting user_version value: 0 → 7"]),
    Case::new(
        "CREATE TABLE \"we\"\"ird.One\" (\"a b\" INT, [c,d] TEXT); CREATE INDEX \"In dex\" ON posts (title)",
        "",
        &[
            "left over: index in dex on posts ((title))",
            "left over: table we\"ird.one (2 columns)",
        ],
    ),
];
