//! Each kind of object of MariaDB or MySQL, and what a DOWN that forgets about it leaves.

use backstitch::testing::{Catalogue, catalogue, diff};
use backstitch_tests::servers::{self, Database};
use sqlx::{AssertSqlSafe, Connection, Executor, MySqlConnection};

use crate::Case;

/// Goal: every difference of kind, name or property is seen, and nothing else. Method: in an empty
/// database each, the catalogue is read before an UP and after its wrong DOWN.
#[tokio::test]
async fn each_kind_of_object_is_seen() {
    let Some(database) = Database::create(servers::Engine::MariaDb) else {
        return;
    };
    let connected = MySqlConnection::connect(database.url()).await;
    let mut connection = connected.expect("it is there");
    let name: String = sqlx::query_scalar("SELECT DATABASE()")
        .fetch_one(&mut connection)
        .await
        .expect("it has a name");
    let mut wrong = Vec::new();
    for case in CASES {
        let empty = format!("DROP DATABASE {name}; CREATE DATABASE {name}; USE {name}");
        run(&mut connection, &empty).await;
        run(&mut connection, BASE).await;
        run(&mut connection, case.before).await;
        let before = look(&mut connection).await;
        run(&mut connection, case.up).await;
        run(&mut connection, case.down).await;
        wrong.extend(case.judge(&diff(&before, &look(&mut connection).await)));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

async fn run(connection: &mut MySqlConnection, sql: &str) {
    if sql.is_empty() {
        return;
    }
    let done = connection.execute(sqlx::raw_sql(AssertSqlSafe(sql))).await;
    done.unwrap_or_else(|error| panic!("{sql}\n{error}"));
}

async fn look(connection: &mut MySqlConnection) -> Catalogue {
    let look = catalogue::<sqlx::MySql>(connection).await;
    look.unwrap_or_else(|error| panic!("{error}"))
}

const BASE: &str = "CREATE TABLE users (id int PRIMARY KEY, nick varchar(20) NOT NULL DEFAULT '');
     CREATE TABLE posts (id bigint, author int, title text);
     CREATE VIEW v AS SELECT id FROM users;";

const CASES: &[Case] = &[
    // Nothing is left, by whatever way.
    Case::new("CREATE TABLE t (a int AUTO_INCREMENT PRIMARY KEY)", "DROP TABLE t", &[]),
    Case::new(
        "ALTER TABLE posts DROP COLUMN author",
        "ALTER TABLE posts ADD COLUMN author int AFTER id",
        &[],
    ),
    Case::new("INSERT INTO t VALUES (NULL)", "DELETE FROM t", &[])
        .after("CREATE TABLE t (a int AUTO_INCREMENT PRIMARY KEY)"),
    Case::new("DROP VIEW v", "create view v as select id\nfrom users", &[]),
    // Tables and columns.
    Case::new(
        "CREATE TABLE t (a int PRIMARY KEY, b int, KEY (b), CHECK (a > 0))",
        "",
        &["left over: table t (2 columns, 1 constraint, 2 indexes)"],
    ),
    Case::new(
        "ALTER TABLE posts ENGINE = MyISAM, COMMENT = 'what they write'",
        "",
        &[
            "changed: table posts comment: none → what they write",
            "changed: table posts engine: InnoDB → MyISAM",
        ],
    ),
    Case::new(
        "ALTER TABLE t CONVERT TO CHARACTER SET latin1",
        "",
        &[
            "changed: table t collation: utf8mb4_bin → latin1_swedish_ci",
            "changed: column t.a character set: utf8mb4 → latin1",
            "changed: column t.a collation: utf8mb4_bin → latin1_swedish_ci",
        ],
    )
    .after("CREATE TABLE t (a varchar(9)) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin"),
    Case::new(
        "ALTER TABLE posts PARTITION BY RANGE (id) (PARTITION p0 VALUES LESS THAN (10), PARTITION p1 VALUES LESS THAN MAXVALUE)",
        "",
        &[
            "changed: table posts options: none → partitioned",
            "changed: table posts partition by: none → RANGE `id`",
            "changed: table posts partitions:\n    + p0 10\n    + p1 MAXVALUE",
        ],
    ),
    Case::new(
        "ALTER TABLE users MODIFY nick varchar(30)",
        "",
        &[
            "changed: column users.nick default: '' → none",
            "changed: column users.nick not null: yes → none",
            "changed: column users.nick type: varchar(20) → varchar(30)",
        ],
    ),
    Case::new(
        "ALTER TABLE users ADD born timestamp DEFAULT current_timestamp ON UPDATE current_timestamp COMMENT 'then', \
         ADD size int AS (id + 1) STORED, ADD mood enum('bad', 'good') INVISIBLE",
        "ALTER TABLE users DROP mood",
        &[
            "left over: column users.born (timestamp, default current_timestamp())",
            "left over: column users.size (int(11), generated `id` + 1)",
        ],
    ),
    Case::new(
        "ALTER TABLE users MODIFY id int AUTO_INCREMENT",
        "",
        &["changed: column users.id extra: none → auto_increment"],
    ),
    Case::new(
        "ALTER TABLE posts DROP COLUMN author",
        "ALTER TABLE posts ADD COLUMN author int",
        &["reordered: columns of table posts: id, author, title → id, title, author"],
    ),
    // Keys.
    Case::new(
        "ALTER TABLE users DROP PRIMARY KEY",
        "",
        &["missing: index PRIMARY on users (unique, (id))"],
    ),
    Case::new(
        "CREATE UNIQUE INDEX i ON posts (author, title(10)) COMMENT 'x'; CREATE FULLTEXT INDEX ft ON posts (title)",
        "",
        &[
            "left over: index ft on posts ((title))",
            "left over: index i on posts (unique, (author, title(10)))",
        ],
    ),
    Case::new(
        "DROP INDEX i ON posts",
        "CREATE INDEX i ON posts (id, author)",
        &["changed: index i on posts definition: (author, id) → (id, author)"],
    )
    .after("CREATE INDEX i ON posts (author, id)"),
    // The server makes an index for a foreign key, and does not take it away.
    Case::new(
        "ALTER TABLE posts ADD CONSTRAINT fk FOREIGN KEY (author) REFERENCES users (id) ON DELETE CASCADE",
        "ALTER TABLE posts DROP FOREIGN KEY fk",
        &["left over: index fk on posts ((author))"],
    ),
    Case::new(
        "ALTER TABLE posts DROP FOREIGN KEY fk; ALTER TABLE posts ADD CONSTRAINT fk FOREIGN KEY (author) REFERENCES users (id)",
        "",
        &["changed: constraint fk on posts definition:\n    - foreign key (author) references users (id) on delete set null on update restrict\n    + foreign key (author) references users (id) on delete restrict on update restrict"],
    )
    .after("ALTER TABLE posts ADD CONSTRAINT fk FOREIGN KEY (author) REFERENCES users (id) ON DELETE SET NULL"),
    Case::new(
        "ALTER TABLE posts ADD CONSTRAINT positive CHECK (id > 0)",
        "",
        &["left over: constraint positive on posts (check (`id` > 0))"],
    ),
    // Everything else.
    Case::new("CREATE VIEW w AS SELECT 1 AS one", "", &["left over: view w (1 column)"]),
    Case::new(
        "CREATE OR REPLACE SQL SECURITY INVOKER VIEW v AS SELECT id FROM users WHERE id > 1 WITH CHECK OPTION",
        "",
        &[
            "changed: view v check option: none → CASCADED",
            "changed: view v definition:\n    - select `users`.`id` AS `id` from `users`\n    + select `users`.`id` AS `id` from `users` where `users`.`id` > 1",
            "changed: view v security: none → INVOKER",
        ],
    ),
    Case::new(
        "CREATE TRIGGER tr BEFORE INSERT ON posts FOR EACH ROW SET NEW.id = 1",
        "",
        &["left over: trigger tr on posts (BEFORE INSERT SET NEW.id = 1)"],
    ),
    Case::new(
        "DROP FUNCTION f; CREATE FUNCTION f(a int) RETURNS bigint RETURN 2",
        "",
        &[
            "changed: function f definition: RETURN 1 → RETURN 2",
            "changed: function f deterministic: YES → none",
            "changed: function f parameters: () → (IN a int(11))",
            "changed: function f returns: int(11) → bigint(20)",
        ],
    )
    .after("CREATE FUNCTION f() RETURNS int DETERMINISTIC RETURN 1"),
    Case::new("CREATE PROCEDURE p() SELECT 1", "", &["left over: procedure p (SELECT 1)"]),
    Case::new(
        "CREATE EVENT e ON SCHEDULE EVERY 1 DAY DO DELETE FROM posts",
        "",
        &["left over: event e (DELETE FROM posts)"],
    ),
    Case::new(
        "CREATE SEQUENCE s START WITH 5",
        "",
        &["left over: sequence s (start with 5 minvalue 1 maxvalue 9223372036854775806 increment by 1 cache 1000 nocycle ENGINE=InnoDB)"],
    ),
    Case::new(
        "ALTER DATABASE COLLATE latin1_bin",
        "",
        &[
            "changed: database defaults character set: utf8mb4 → latin1",
            "changed: database defaults collation: utf8mb4_bin → latin1_bin",
        ],
    )
    .after("ALTER DATABASE COLLATE utf8mb4_bin"),
    Case::new(
        "CREATE TABLE `we``ird.one` (`a b` int); CREATE INDEX `in dex` ON posts (author)",
        "",
        &[
            "left over: index in dex on posts ((author))",
            "left over: table we`ird.one (1 column)",
        ],
    ),
];
