//! A database in which chains are tried.

use backstitch::Engine;
use backstitch::testing::{Catalogue, catalogue, diff};
use backstitch_core::Dialect;
use backstitch_core::proof::Verdict;
use sqlx::{AssertSqlSafe, Connection, Executor};

use super::{
    Case, Disagreement, Opinion, Script, Tally, Truth, Wrong, alike, spoiled, statements, without,
    word, word_on, wrong,
};
use crate::generate::{Pool, Theme};
use crate::mutation::Dice;
use crate::servers::{self, Database};

/// A database in which chains are tried.
pub struct Arena<DB: Engine> {
    connection: DB::Connection,
    database: Database,
    dialect: Dialect,
    opinion: Opinion,
    /// What has run, and what is there since.
    stands: Option<(Vec<Script>, Catalogue)>,
}

impl<DB: Engine> std::fmt::Debug for Arena<DB> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.database.url())
    }
}

impl<DB: Engine> Arena<DB>
where
    for<'c> &'c mut DB::Connection: Executor<'c, Database = DB>,
    for<'c> &'c mut DB::Connection: backstitch::Connect<'c, DB>,
{
    /// An empty one; None without the server.
    ///
    /// # Panics
    /// When the server does not answer.
    pub async fn open(server: servers::Engine, dialect: Dialect, opinion: Opinion) -> Option<Self> {
        let database = Database::create(server)?;
        let connection = <DB::Connection as Connection>::connect(database.url())
            .await
            .expect("the database is there");
        Some(Arena {
            connection,
            database,
            dialect,
            opinion,
            stands: None,
        })
    }

    /// Makes a chain of so many migrations, and tries ways back for each.
    pub async fn play(&mut self, pool: &Pool, seed: u64, length: usize, tally: &mut Tally) {
        let mut dice = Dice::new(seed);
        let mut chain: Vec<Script> = Vec::new();
        let base = pool.base(&mut dice);
        let (base, _) = self.accepted(&chain, base).await;
        chain.push(base);
        for _ in 0..length {
            let before = self.stand(&chain).await;
            let mut themes: Vec<Theme> = Vec::new();
            let mut wanted = Vec::new();
            for _ in 0..=dice.below(3) {
                if themes.is_empty() || dice.below(3) > 0 {
                    themes.push(pool.theme(&before, self.quote(), &mut dice));
                }
                let theme = themes.last_mut().expect("there is one");
                wanted.push(pool.statement(theme, &mut dice));
            }
            let (up, refused) = self.accepted(&chain, wanted).await;
            for (statement, why) in refused {
                let case = Case {
                    chain: chain.clone(),
                    up: vec![statement.clone()],
                    down: Vec::new(),
                };
                if word(&case, self.dialect, self.opinion).of_up.is_none() {
                    tally.unsaid.push([why, statement]);
                }
            }
            if up.is_empty() {
                continue;
            }
            tally.migrations += 1;
            let case = Case {
                chain: chain.clone(),
                up: up.clone(),
                down: Vec::new(),
            };
            let mut downs = vec![Vec::new()];
            let suggestion = word_on(&case, &case.down, self.dialect, self.opinion).suggestion;
            if let Some(suggestion) = suggestion.and_then(|text| statements(&text, self.dialect)) {
                downs.push(suggestion.clone());
                for _ in 0..2 {
                    downs.extend(spoiled(&suggestion, self.dialect, &mut dice));
                }
            }
            for _ in 0..3 {
                let mut down = Vec::new();
                for theme in themes.iter_mut().rev() {
                    for _ in 0..=dice.below(2) {
                        down.push(pool.statement(theme, &mut dice));
                    }
                }
                downs.push(down);
            }
            for down in downs {
                let case = Case {
                    down,
                    ..case.clone()
                };
                self.compare(case, tally).await;
            }
            chain.push(up);
        }
    }

    async fn compare(&mut self, case: Case, tally: &mut Tally) {
        let Some(truth) = self.truth(&case).await else {
            return;
        };
        let word = word(&case, self.dialect, self.opinion);
        tally.downs += 1;
        let proven = word.verdict == Verdict::Proven;
        match &truth {
            Truth::Reverts | Truth::NotAgain(_) => {
                tally.reverting[0] += 1;
                tally.reverting[1] += usize::from(proven);
            }
            Truth::Differs(_) | Truth::Refused(_) => {
                tally.broken[0] += 1;
                let caught = matches!(word.verdict, Verdict::Broken(_));
                tally.broken[1] += usize::from(caught);
            }
        }
        match wrong(&truth, &word) {
            Some((wrong, why)) => tally.disagreements.push(Disagreement { wrong, case, why }),
            None if matches!(truth, Truth::Reverts) && !proven => {
                let why = format!("{:?}", word.verdict);
                let wrong = Wrong::FalseError;
                tally.unproven.push(Disagreement { wrong, case, why });
            }
            None => {}
        }
    }

    /// Leaves out whatever is not needed for being wrong in the same way.
    pub async fn shrink(&mut self, of: &Disagreement) -> Disagreement {
        let mut smallest = of.clone();
        let mut at = 0;
        while let Some(case) = without(&smallest.case, at) {
            match self.judge(&case).await {
                Some((wrong, why)) if wrong == of.wrong && alike(&why, &of.why) => {
                    smallest = Disagreement { wrong, case, why };
                }
                _ => at += 1,
            }
        }
        smallest
    }

    /// Whether we are wrong on a case, and how.
    pub async fn judge(&mut self, case: &Case) -> Option<(Wrong, String)> {
        if case.up.is_empty() {
            return None;
        }
        let truth = self.truth(case).await?;
        wrong(&truth, &word(case, self.dialect, self.opinion))
    }

    /// What the engine does; None when it does not take the UP.
    pub async fn truth(&mut self, case: &Case) -> Option<Truth> {
        let before = self.stand(&case.chain).await;
        if self.run_all(&case.up).await.is_err() {
            self.leave().await;
            return None;
        }
        let truth = match self.run_all(&case.down).await {
            Err(why) => Truth::Refused(why),
            Ok(()) => {
                let differences = diff(&before, &self.snapshot().await);
                match differences.iter().find(|one| !one.is_order()) {
                    Some(first) => Truth::Differs(first.to_string()),
                    None => match self.run_all(&case.up).await {
                        Ok(()) => Truth::Reverts,
                        Err(why) => Truth::NotAgain(why),
                    },
                }
            }
        };
        self.leave().await;
        Some(truth)
    }

    /// Which of the statements the engine takes, one after the other, and why not the others.
    async fn accepted(
        &mut self,
        chain: &[Script],
        wanted: Script,
    ) -> (Script, Vec<(String, String)>) {
        self.stand(chain).await;
        let (mut taken, mut refused) = (Vec::new(), Vec::new());
        for statement in wanted {
            let savepoint = self.is_transactional();
            if savepoint {
                self.must("SAVEPOINT one").await;
            }
            match self.run(&statement).await {
                Ok(()) => taken.push(statement),
                Err(why) => {
                    if savepoint {
                        self.must("ROLLBACK TO one").await;
                    }
                    if taken.is_empty() {
                        refused.push((statement, why));
                    }
                }
            }
        }
        self.leave().await;
        (taken, refused)
    }

    /// Goes to where these UPs have run, and says what is there.
    async fn stand(&mut self, chain: &[Script]) -> Catalogue {
        if let Some((at, catalogue)) = &self.stands
            && at == chain
        {
            return catalogue.clone();
        }
        self.forget().await;
        for up in chain {
            // What is left out while shrinking may be needed further on: then the rest goes without.
            for statement in up {
                if self.is_transactional() {
                    self.must("SAVEPOINT one").await;
                }
                if self.run(statement).await.is_err() && self.is_transactional() {
                    self.must("ROLLBACK TO one").await;
                }
            }
            self.reset().await;
        }
        if self.is_transactional() {
            self.must("SAVEPOINT base").await;
        }
        let catalogue = self.snapshot().await;
        self.stands = Some((chain.to_vec(), catalogue.clone()));
        catalogue
    }

    /// Undoes what was done since.
    async fn leave(&mut self) {
        match self.is_transactional() {
            true => {
                self.must("ROLLBACK TO base").await;
                self.must("SAVEPOINT base").await;
            }
            // Nothing takes DDL back.
            false => self.stands = None,
        }
        self.reset().await;
    }

    async fn forget(&mut self) {
        if self.is_transactional() {
            let _ = self.run("ROLLBACK").await;
            self.must("BEGIN").await;
            return;
        }
        let name = self
            .database
            .url()
            .rsplit('/')
            .next()
            .expect("a database")
            .to_owned();
        for statement in ["DROP DATABASE IF EXISTS", "CREATE DATABASE", "USE"] {
            self.must(&format!("{statement} {name}")).await;
        }
    }

    async fn reset(&mut self) {
        match self.dialect {
            Dialect::Postgres => self.must("RESET ALL").await,
            Dialect::MySql | Dialect::MariaDb => self.must("SET foreign_key_checks = 1").await,
            Dialect::Sqlite => {}
        }
    }

    async fn snapshot(&mut self) -> Catalogue {
        let savepoint = self.is_transactional();
        if savepoint {
            self.must("SAVEPOINT look").await;
        }
        let held = catalogue::<DB>(&mut self.connection).await;
        if savepoint {
            // It has settings of its own.
            self.must("ROLLBACK TO look").await;
        }
        held.expect("the catalogue can be read")
    }

    async fn run_all(&mut self, script: &[String]) -> Result<(), String> {
        for statement in script {
            self.run(statement).await?;
        }
        self.reset().await;
        Ok(())
    }

    async fn run(&mut self, statement: &str) -> Result<(), String> {
        let query = sqlx::raw_sql(AssertSqlSafe(statement.to_owned()));
        let done = self.connection.execute(query).await;
        done.map(|_| ()).map_err(|error| error.to_string())
    }

    async fn must(&mut self, statement: &str) {
        if let Err(why) = self.run(statement).await {
            panic!("{statement}: {why}");
        }
    }

    fn is_transactional(&self) -> bool {
        !self.dialect.has_sibling()
    }

    fn quote(&self) -> char {
        if self.dialect.has_sibling() { '`' } else { '"' }
    }
}
