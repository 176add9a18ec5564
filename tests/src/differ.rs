//! Our word on migrations that nobody has written, and what an engine does with them.

mod arena;

pub use self::arena::Arena;

use backstitch_core::diagnostic::Section;
use backstitch_core::migration;
use backstitch_core::options::Options;
use backstitch_core::proof::{self, Checked, Verdict};
use backstitch_core::source::Source;
use backstitch_core::{Dialect, Set, Severity, sqlite};

use crate::mutation::{Dice, mutate};

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
