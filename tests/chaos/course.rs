//! A chain of migrations each statement of which leaves a trace, and the judge who compares the
//! traces with the history.
//!
//! `0001` makes the table `log`. Each later one makes a table `t2`, `t3` … and writes its number to
//! `log`; its DOWN takes both back. `log` has no key, so that a line that was written twice is seen.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use backstitch::{Lock, Migrations, Migrator, Report};
use backstitch_tests::process::Finished;
use sqlx::{Connection, MySql, Postgres, Sqlite};

use crate::ground::{File, Folder, Ground, Product, Rows, ask, program, until};

/// What the judge has to ask of an engine.
pub(crate) trait Watched: Product {
    /// The tables of the course, in any order.
    const TABLES: &str;
    /// How many others are at work in this database. Who is connected and idle does nothing more.
    const OTHERS: &str;
    /// How many migration locks are taken in this database, where the server tells.
    const LOCKS: &str;
    /// Whether a migration with DDL can be cut in two.
    const CAN_BE_HALF_DONE: bool;
}

impl Watched for Postgres {
    const TABLES: &str = "SELECT tablename FROM pg_tables WHERE schemaname = 'public'";
    const OTHERS: &str = "SELECT count(*) FROM pg_stat_activity WHERE state <> 'idle' \
                          AND datname = current_database() AND pid <> pg_backend_pid() \
                          AND backend_type = 'client backend'";
    const LOCKS: &str = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND database = \
                         (SELECT oid FROM pg_database WHERE datname = current_database())";
    const CAN_BE_HALF_DONE: bool = false;
}

impl Watched for MySql {
    const TABLES: &str =
        "SELECT table_name FROM information_schema.tables WHERE table_schema = DATABASE()";
    const OTHERS: &str = "SELECT COUNT(*) FROM information_schema.PROCESSLIST \
                          WHERE DB = DATABASE() AND ID <> CONNECTION_ID() AND COMMAND <> 'Sleep'";
    // The locks of MariaDB have no list; the next run finds out.
    const LOCKS: &str = Self::OTHERS;
    const CAN_BE_HALF_DONE: bool = true;
}

impl Watched for Sqlite {
    const TABLES: &str = "SELECT name FROM sqlite_master WHERE type = 'table'";
    // The lock of a file goes with the process; taking it is the question.
    const OTHERS: &str = "SELECT 0";
    const LOCKS: &str = "BEGIN IMMEDIATE; ROLLBACK; SELECT 0";
    const CAN_BE_HALF_DONE: bool = false;
}

/// The chain as a folder.
pub(crate) struct Course {
    folder: Folder,
    length: usize,
    lock: Lock,
}

impl Course {
    /// So many migrations, at least one.
    pub(crate) fn of(length: usize) -> Course {
        let folder = Folder::of(&[(
            "0001_log",
            File::new("CREATE TABLE log (id INTEGER NOT NULL)", "DROP TABLE log"),
        )]);
        for n in 2..=length {
            folder.write(&format!("{n:04}_t{n}.sql"), &leg(n).text());
        }
        Course {
            folder,
            length,
            lock: Lock::Auto,
        }
    }

    /// With a lock that is a row, and that ends soon when it is not renewed.
    pub(crate) fn by_lease(mut self) -> Course {
        self.lock = Lock::Lease {
            expires_after: Duration::from_secs(2),
        };
        self
    }

    /// With the lock of this course, and patience.
    pub(crate) fn migrator<'m, DB: Product>(&self, set: &'m Migrations<DB>) -> Migrator<'m, DB> {
        let patience = Duration::from_secs(60);
        set.migrator().lock(self.lock).lock_wait(patience)
    }

    pub(crate) fn load<DB: Product>(&self) -> Migrations<DB> {
        self.folder.load()
    }

    /// Writes a file beside the others.
    pub(crate) fn write(&self, name: &str, text: &str) {
        self.folder.write(name, text);
    }

    /// Takes a file away.
    pub(crate) fn remove(&self, name: &str) {
        std::fs::remove_file(self.folder.path().join(name)).expect("it is there");
    }

    /// A process that goes up (`[]`) or down (`["down"]`).
    pub(crate) fn process(&self, url: &str, words: &[&str]) -> std::process::Command {
        let mut command = program(url, self.folder.path());
        command.args(words);
        if self.lock != Lock::Auto {
            command.arg("lease");
        }
        command
    }

    /// Looks at what is there, once nobody is at it any more.
    pub(crate) async fn traces<DB: Watched>(&self, ground: &Ground<DB>) -> Traces {
        quiet(ground).await;
        Traces::read(ground, self.length).await
    }

    /// Goes up in peace, which must work, and judges the end.
    pub(crate) async fn finish<DB: Watched>(&self, ground: &Ground<DB>, when: &str) -> Report {
        let set = self.load::<DB>();
        let migrator = self.migrator(&set);
        let finished = migrator.up(ground.url()).await;
        let report = finished.unwrap_or_else(|error| panic!("{when}: up does not finish\n{error}"));
        let traces = self.traces(ground).await;
        traces.judge::<DB>(when);
        assert_eq!(traces.applied(), self.length, "{when}: {traces}");
        report
    }

    /// Goes down in peace, which must work, and judges the end.
    pub(crate) async fn undo<DB: Watched>(&self, ground: &Ground<DB>, when: &str) {
        let set = self.load::<DB>();
        let migrator = self.migrator(&set).force();
        let finished = migrator.down(ground.url(), backstitch::Down::All).await;
        finished.unwrap_or_else(|error| panic!("{when}: down does not finish\n{error}"));
        let traces = self.traces(ground).await;
        traces.judge::<DB>(when);
        assert_eq!(traces.applied(), 0, "{when}: {traces}");
    }
}

/// The second migration and those after it.
fn leg(n: usize) -> File {
    File::new(
        &format!("CREATE TABLE t{n} (id INTEGER PRIMARY KEY);\nINSERT INTO log VALUES ({n})"),
        &format!("DELETE FROM log WHERE id = {n};\nDROP TABLE t{n}"),
    )
}

/// Waits until nobody else is at work, and makes sure that nobody has left a lock.
pub(crate) async fn quiet<DB: Watched>(ground: &Ground<DB>) {
    let none = async |question: &str| ground.value(question).await == "0";
    until("nobody is at work", async || none(DB::OTHERS).await).await;
    until("no lock is left", async || none(DB::LOCKS).await).await;
}

/// What the database holds of a course.
pub(crate) struct Traces {
    length: usize,
    /// `state`, `statements_done` and `statements` by version.
    history: BTreeMap<usize, (String, usize, usize)>,
    tables: Vec<String>,
    log: Vec<usize>,
}

impl Traces {
    async fn read<DB: Watched>(ground: &Ground<DB>, length: usize) -> Traces {
        let mut connection = ground.connect().await;
        let tables: Rows = ask::<DB>(&mut connection, DB::TABLES).await;
        let tables: Vec<String> = tables.into_iter().flatten().collect();
        let has = |name: &str| tables.iter().any(|table| table == name);
        let mut history = BTreeMap::new();
        if has("__migrations__") {
            let rows = "SELECT version, state, statements_done, statements FROM __migrations__";
            for row in ask::<DB>(&mut connection, rows).await {
                let number = |index: usize| row[index].parse::<usize>().expect("a number");
                let found = history.insert(number(0), (row[1].clone(), number(2), number(3)));
                assert_eq!(found, None, "two rows of one version");
            }
        }
        let mut log = Vec::new();
        if has("log") {
            let lines = ask::<DB>(&mut connection, "SELECT id FROM log").await;
            let lines = lines.into_iter().flatten();
            log.extend(lines.map(|line| line.parse::<usize>().expect("a number")));
        }
        connection.close().await.expect("it closes");
        Traces {
            length,
            history,
            tables,
            log,
        }
    }

    /// How many migrations are applied, by the history.
    pub(crate) fn applied(&self) -> usize {
        let states = self.history.values();
        states.filter(|(state, ..)| state == "applied").count()
    }

    /// How many rows are neither applied nor of a failure that left nothing.
    pub(crate) fn half_done(&self) -> usize {
        let states = self.history.values();
        states
            .filter(|(state, done, _)| state != "applied" && !(state == "failed" && *done == 0))
            .count()
    }

    /// Compares what is there with what the history says.
    pub(crate) fn judge<DB: Watched>(&self, when: &str) {
        for n in 1..=self.length {
            let table = if n == 1 {
                "log".to_owned()
            } else {
                format!("t{n}")
            };
            let made = self.tables.contains(&table);
            let lines = self.log.iter().filter(|line| **line == n).count();
            assert!(lines <= 1, "{when}: {n} ran {lines} times\n{self}");
            // The UP makes the table first, the DOWN drops it last: so many statements of the UP
            // are in effect.
            let in_effect = usize::from(made) + lines;
            let all = if n == 1 { 1 } else { 2 };
            let expected = match self.history.get(&n) {
                None => 0..=0,
                Some((state, _, statements)) if state == "applied" => {
                    assert_eq!(*statements, all, "{when}: {n}\n{self}");
                    all..=all
                }
                Some((state, 0, _)) if state == "failed" => 0..=0,
                // The statement behind the last one that is counted may have run.
                Some((state, done, statements)) if DB::CAN_BE_HALF_DONE => match state.as_str() {
                    "reverting" => all.saturating_sub(done + 1)..=statements - done,
                    _ => *done..=(done + 1).min(*statements),
                },
                Some((state, ..)) => panic!("{when}: {n} is {state}\n{self}"),
            };
            assert!(
                expected.contains(&in_effect),
                "{when}: {in_effect} statements of {n} are in effect, not {expected:?}\n{self}"
            );
            let in_order = made || lines == 0;
            assert!(
                in_order,
                "{when}: {n} has its line but not its table\n{self}"
            );
        }
    }
}

impl fmt::Display for Traces {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "history: {:?}", self.history)?;
        writeln!(f, "tables: {:?}", self.tables)?;
        writeln!(f, "log: {:?}", self.log)
    }
}

/// Whoever is called at night is told what to do next, whatever it is that went wrong.
pub(crate) fn says_what_to_do(error: &backstitch::Error, when: &str) {
    let mut found = error.diagnostics().iter();
    let is_said = found.all(|one| !one.message.is_empty() && !one.help.is_empty());
    assert!(is_said, "{when}: it does not say what to do\n{error}");
}

/// The ids that a process says it has done; it must have ended well.
pub(crate) fn ids(finished: &Finished, when: &str) -> Vec<String> {
    let (out, err) = (&finished.stdout, &finished.stderr);
    assert_eq!(finished.code, Some(0), "{when}: {out}{err}");
    let line = out.lines().find_map(|line| line.strip_prefix("done"));
    let line = line.unwrap_or_else(|| panic!("{when}: it does not say what it did: {out}"));
    line.split_whitespace().map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::{BTreeMap, MySql, Postgres, Traces};

    /// Two migrations; the tables and lines that are there, and the state of the second.
    fn traces(tables: &[&str], log: &[usize], second: Option<(&str, usize)>) -> Traces {
        let mut history = BTreeMap::from([(1, ("applied".to_owned(), 1, 1))]);
        if let Some((state, done)) = second {
            history.insert(2, (state.to_owned(), done, 2));
        }
        Traces {
            length: 2,
            history,
            tables: tables.iter().map(|&table| table.to_owned()).collect(),
            log: log.to_vec(),
        }
    }

    #[test]
    fn the_judge_is_content_with_what_agrees() {
        traces(&["log"], &[], None).judge::<Postgres>("nothing of it");
        traces(&["log", "t2"], &[2], Some(("applied", 2))).judge::<Postgres>("all of it");
        for (tables, log, state, done) in [
            (&["log", "t2"][..], &[][..], "applying", 1),
            (&["log", "t2"], &[2], "applying", 1),
            (&["log", "t2"], &[], "reverting", 1),
            (&["log"], &[], "reverting", 1),
        ] {
            traces(tables, log, Some((state, done))).judge::<MySql>("half of it");
        }
    }

    /// The canaries: each of these is a loss, or worse.
    #[test]
    fn the_judge_sees_what_does_not() {
        for (tables, log, second) in [
            (&["log", "t2"][..], &[][..], None),
            (&["log"], &[], Some(("applied", 2))),
            (&["log", "t2"], &[], Some(("applied", 2))),
            (&["log", "t2"], &[2, 2], Some(("applied", 2))),
            (&["log"], &[2], Some(("applying", 1))),
            (&["log"], &[], Some(("applying", 1))),
            (&["log", "t2"], &[2], Some(("applying", 0))),
            (&["log", "t2"], &[2], Some(("reverting", 1))),
            (&[], &[], None),
        ] {
            let traces = traces(tables, log, second);
            let judged = std::panic::catch_unwind(|| traces.judge::<MySql>("broken"));
            assert!(judged.is_err(), "{traces}");
        }
    }
}
