//! Our word on migrations that nobody has written, and what an engine does with them.

use backstitch::Engine;
use backstitch::testing::{Catalogue, catalogue, diff};
use backstitch_core::diagnostic::Section;
use backstitch_core::migration;
use backstitch_core::options::Options;
use backstitch_core::proof::{self, Checked, Verdict};
use backstitch_core::source::Source;
use backstitch_core::{Dialect, Set, Severity, sqlite};
use sqlx::{AssertSqlSafe, Connection, Executor};

use crate::generate::{Pool, Theme};
use crate::mutation::{Dice, mutate};
use crate::servers::{self, Database};

/// The statements of an UP or a DOWN.
pub type Script = Vec<String>;

/// A migration, and what was there before it.
#[derive(Clone, Debug, Default)]
pub struct Case {
    /// The UPs before.
    pub chain: Vec<Script>,
    /// Its UP.
    pub up: Script,
    /// Its DOWN.
    pub down: Script,
}

impl Case {
    /// Reads what [`Disagreement`] shows: `before`, `up` or `down` and a statement on each line, a
    /// blank line behind each case.
    pub fn read(text: &str) -> Vec<Case> {
        let mut cases = vec![Case::default()];
        for line in text.lines().map(str::trim) {
            let case = cases.last_mut().expect("there is one");
            let (what, statement) = line.split_once(' ').unwrap_or_default();
            let statement = statement.trim().trim_end_matches(';').to_owned();
            match what {
                "before" => case.chain.push(vec![statement]),
                "up" => case.up.push(statement),
                "down" => case.down.push(statement),
                _ if line.is_empty() && !case.up.is_empty() => cases.push(Case::default()),
                _ => {}
            }
        }
        cases.retain(|case| !case.up.is_empty());
        cases
    }
}

/// What the engine does with it.
#[derive(Clone, Debug)]
pub enum Truth {
    /// The DOWN gives back what was there, and the UP runs again.
    Reverts,
    /// It does, and the UP does not run again.
    NotAgain(String),
    /// It does not: the first difference.
    Differs(String),
    /// It does not run.
    Refused(String),
}

/// What we say without a database.
#[derive(Clone, Debug)]
pub struct Word {
    /// About the way back.
    pub verdict: Verdict,
    /// The first error in the UP that is not about the way back.
    pub of_up: Option<String>,
    /// The first error.
    pub error: Option<String>,
    /// The DOWN that we suggest where there is none.
    pub suggestion: Option<String>,
}

/// How we are wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Wrong {
    /// The engine takes what we refuse.
    FalseError,
    /// The DOWN does not give back the schema, or does not run, and we say that it is proven.
    FalseProof,
    /// It does, and the UP does not run again.
    ProvenNotAgain,
}

/// A case on which we are wrong.
#[derive(Clone, Debug)]
pub struct Disagreement {
    /// How.
    pub wrong: Wrong,
    /// Where.
    pub case: Case,
    /// What we say and what the engine does, in words.
    pub why: String,
}

/// What came out of a run.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    /// How many migrations the engine took.
    pub migrations: usize,
    /// How many ways back were tried.
    pub downs: usize,
    /// How many of them gave back the schema, and how many of these are proven.
    pub reverting: [usize; 2],
    /// How many did not, and how many of these are broken to us.
    pub broken: [usize; 2],
    /// Statements of UPs that the engine refuses and we do not, with what it says.
    pub unsaid: Vec<[String; 2]>,
    /// Where we are wrong.
    pub disagreements: Vec<Disagreement>,
    /// What gives back the schema and is not proven.
    pub unproven: Vec<Disagreement>,
}

/// Which word of ours is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Opinion {
    /// That of the model.
    Model,
    /// That of SQLite in memory over it.
    Played,
}

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

/// What we say of a case.
///
/// # Panics
/// When the statements cannot be read as a migration.
pub fn word(case: &Case, dialect: Dialect, opinion: Opinion) -> Word {
    let down = match case.down.is_empty() {
        true => nothing(),
        false => case.down.clone(),
    };
    word_on(case, &down, dialect, opinion)
}

/// The same, where no DOWN is no file.
fn word_on(case: &Case, down: &Script, dialect: Dialect, opinion: Opinion) -> Word {
    let mut all = Vec::new();
    let mut found = Vec::new();
    let idle = nothing();
    let before = case.chain.iter().map(|up| (up, &idle));
    for (at, (up, down)) in before.chain([(&case.up, down)]).enumerate() {
        let id = format!("{:04}_m", at + 1);
        let up = Source::new(format!("{id}.up.sql"), text(up));
        let down = (!down.is_empty()).then(|| Source::new(format!("{id}.down.sql"), text(down)));
        let (migration, told) = migration::parse_up_down(&id, &up, down.as_ref(), dialect);
        all.push(migration.expect("a migration"));
        found = told;
    }
    let (set, _) = Set::new(dialect, all);
    let last = set.migrations.last().expect("there is one").id.clone();
    let mut checked: Checked = proof::check(&set, &Options::default());
    if opinion == Opinion::Played {
        sqlite::overrule(&mut checked, &set, &Options::default());
    }
    let told = checked.diagnostics.into_iter();
    found.extend(told.filter(|one| one.migration.as_ref() == Some(&last)));
    found.retain(|one| one.severity == Severity::Error);
    let say = |one: &backstitch_core::Diagnostic| format!("{}: {}", one.code, one.message);
    let of_up = found
        .iter()
        .find(|one| one.section == Some(Section::Up) && !one.code.starts_with("rollback"));
    let proof = checked.proofs.remove(&last).expect("each has one");
    Word {
        verdict: proof.verdict,
        of_up: of_up.map(say),
        error: found.first().map(say),
        suggestion: proof.suggestion,
    }
}

fn wrong(truth: &Truth, word: &Word) -> Option<(Wrong, String)> {
    if let Some(error) = &word.of_up {
        return Some((Wrong::FalseError, format!("{error} || the UP runs")));
    }
    let proven = word.verdict == Verdict::Proven;
    match (truth, &word.error) {
        (Truth::Reverts | Truth::NotAgain(_), Some(error)) => {
            Some((Wrong::FalseError, format!("{error} || reverts")))
        }
        // Rows are no part of the schema.
        (Truth::NotAgain(why), None) if proven && !is_of_rows(why) => {
            Some((Wrong::ProvenNotAgain, why.clone()))
        }
        (Truth::Differs(why), _) if proven => Some((Wrong::FalseProof, why.clone())),
        (Truth::Refused(why), _) if proven && !is_of_rows(why) => {
            Some((Wrong::FalseProof, format!("refused: {why}")))
        }
        _ => None,
    }
}

fn is_of_rows(why: &str) -> bool {
    const OF_ROWS: &[&str] = &[
        "duplicate key value",
        "Duplicate entry",
        "constraint failed",
        "contains null values",
        "violates",
        // What savepoints do to PostgreSQL.
        "unprocessed inval messages",
        "pending trigger events",
    ];
    OF_ROWS.iter().any(|words| why.contains(words))
}

/// Whether two explanations are one, but for names.
fn alike(one: &str, other: &str) -> bool {
    kind_of(one) == kind_of(other)
}

/// The first words of an explanation, which hold no names.
pub fn kind_of(why: &str) -> String {
    let why = why.replace("error returned from database: ", "");
    let why = why.replace("error returned from database: ", "");
    let parts: Vec<&str> = why.split(['`', '"', '\'']).step_by(2).collect();
    let joined = parts.join("…");
    let words: Vec<&str> = joined.split_whitespace().take(4).collect();
    words.join(" ")
}

/// The case without its `at`-th statement; those of the DOWN come first, and those of the first
/// UP last: much hangs on them.
fn without(case: &Case, at: usize) -> Option<Case> {
    let mut at = at;
    let (mut down, mut up) = (case.down.clone(), case.up.clone());
    let mut chain = case.chain.clone();
    let scripts = [&mut down, &mut up].into_iter();
    let script = scripts.chain(chain.iter_mut().rev()).find(|script| {
        let is_here = at < script.len();
        if !is_here {
            at -= script.len();
        }
        is_here
    });
    script?.remove(at);
    chain.retain(|up| !up.is_empty());
    Some(Case { chain, up, down })
}

/// A DOWN with one mistake, or with one thing otherwise.
fn spoiled(down: &Script, dialect: Dialect, dice: &mut Dice) -> Option<Script> {
    let mut spoiled = down.clone();
    let at = dice.below(down.len());
    match dice.below(6) {
        0 => {
            spoiled.remove(at);
        }
        1 => spoiled.insert(at, down[at].clone()),
        2 => spoiled.swap(at, dice.below(down.len())),
        _ => spoiled[at] = mutate(&down[at], dialect, dice)?.text,
    }
    (!spoiled.is_empty() && spoiled != *down).then_some(spoiled)
}

/// The statements of a DOWN section.
fn statements(suggestion: &str, dialect: Dialect) -> Option<Script> {
    let (header, section) = suggestion.split_once("-- DOWN MIGRATION\n")?;
    // What runs outside of a transaction is not tried here.
    if header.contains("foreignKeys") {
        return None;
    }
    let source = Source::new("m.up.sql", section.to_owned());
    let (migration, _) = migration::parse_up_down("0001_m", &source, None, dialect);
    let script = migration?.up;
    let each = script.statements.iter();
    let each = each.map(|one| one.span.of(section).to_owned());
    Some(each.collect::<Script>()).filter(|script| !script.is_empty())
}

fn nothing() -> Script {
    vec!["SELECT 1".to_owned()]
}

fn text(script: &Script) -> String {
    script.iter().map(|one| format!("{one};\n")).collect()
}

/// As one reads it.
impl std::fmt::Display for Disagreement {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        writeln!(f, "{:?}: {}", self.wrong, self.why)?;
        let before = self.case.chain.iter().map(|up| ("before", up));
        let all = before.chain([("up", &self.case.up), ("down", &self.case.down)]);
        for (what, script) in all {
            for statement in script {
                writeln!(f, "  {what:6} {statement};")?;
            }
        }
        Ok(())
    }
}
