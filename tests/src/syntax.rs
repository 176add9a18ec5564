//! Our word on the grammar of statements against an engine's.

use std::fmt;
use std::path::Path;

use backstitch_core::dir::{self, Layout};
use backstitch_core::migration;
use backstitch_core::options::Options;
use backstitch_core::proof;
use backstitch_core::set::Set;
use backstitch_core::source::Source;
use backstitch_core::{Dialect, Severity};

use crate::corpus;
use crate::grammar::{Answer, Grammar};
use crate::mutation::{Dice, mutate};

/// The statements of a chain, in the order in which they run.
#[derive(Clone, Debug)]
pub struct Chain {
    /// What to call it.
    pub name: String,
    /// Its dialect.
    pub dialect: Dialect,
    /// Its statements.
    pub statements: Vec<Statement>,
}

/// A statement of a chain.
#[derive(Clone, Debug)]
pub struct Statement {
    /// The migration.
    pub id: String,
    /// Its text.
    pub text: String,
    /// Whether it stands in an UP; that of a DOWN finds what the UP has made, and does not run.
    pub is_up: bool,
}

/// How often we agree with the engine.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    /// How many statements without a mistake were looked at.
    pub as_they_stand: usize,
    /// How many with a mistake the engine takes for SQL.
    pub parsed: usize,
    /// Those among both that we refuse.
    pub wrongly_refused: Vec<Line>,
    /// How many the engine takes for no SQL.
    pub syntax: usize,
    /// Those among them that we do not refuse.
    pub missed: Vec<Line>,
    /// Those that the engine refuses for another reason than their grammar, and we for that.
    pub refused_otherwise: Vec<Line>,
    /// How many the engine refuses for another reason.
    pub other: usize,
}

/// A statement with a mistake, and what is said about it.
#[derive(Clone, Debug)]
pub struct Line {
    /// Chain and migration.
    pub place: String,
    /// What was done to which token.
    pub mistake: String,
    /// What the engine says.
    pub engine: String,
    /// What we say.
    pub ours: String,
    /// The statement.
    pub text: String,
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text: String = self.text.split_whitespace().collect::<Vec<_>>().join(" ");
        let text: String = text.chars().take(1500).collect();
        write!(
            f,
            "{} {}\n    engine: {}\n    ours: {}\n    {text}",
            self.place, self.mistake, self.engine, self.ours
        )
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let caught = self.syntax - self.missed.len();
        write!(
            f,
            "no SQL to the engine {}, of those refused {caught} ({:.1} %); SQL to the engine {} and \
             {} without a mistake, of those refused {}; refused for another reason {}, of those as no SQL {}",
            self.syntax,
            100.0 * caught as f64 / self.syntax.max(1) as f64,
            self.parsed,
            self.as_they_stand,
            self.wrongly_refused.len(),
            self.other,
            self.refused_otherwise.len(),
        )
    }
}

/// The chains of an engine in the corpus.
pub fn chains_of_corpus(folder: &Path, engine: &str) -> Vec<Chain> {
    let dialect = Dialect::from_name(engine).expect("the corpus names engines as we do");
    corpus::chains(folder, engine)
        .iter()
        .map(|chain| load(&chain.dir, &chain.name, dialect, Layout::UpDown))
        .collect()
}

/// The chain in a folder.
pub fn load(folder: &Path, name: &str, dialect: Dialect, layout: Layout) -> Chain {
    let set = dir::load(folder, name, dialect, layout).set;
    let mut statements = Vec::new();
    for migration in &set.migrations {
        let scripts = [
            (true, Some(&migration.up)),
            (false, migration.down.as_ref()),
        ];
        for (is_up, script) in scripts {
            let Some(script) = script else { continue };
            statements.extend(script.statements.iter().map(|statement| Statement {
                id: migration.id.clone(),
                text: statement.span.of(script.source.text()).to_owned(),
                is_up,
            }));
        }
    }
    Chain {
        name: name.to_owned(),
        dialect,
        statements,
    }
}

/// Makes a mistake in `count` statements of the chains, and asks the engine and us.
pub async fn measure(mut grammar: Grammar, chains: &[Chain], seed: u64, count: usize) -> Tally {
    let mut dice = Dice::new(seed);
    let total: usize = chains.iter().map(|chain| chain.statements.len()).sum();
    let mut picked = vec![0_usize; total];
    for _ in 0..count {
        picked[dice.below(total)] += 1;
    }
    let mut picked = picked.into_iter();
    let mut tally = Tally::default();
    for chain in chains {
        grammar.forget();
        for statement in &chain.statements {
            for _ in 0..picked.next().unwrap_or_default() {
                compare(&mut grammar, chain, statement, &mut dice, &mut tally).await;
            }
            if statement.is_up {
                grammar.play(&statement.text);
            }
        }
    }
    tally
}

async fn compare(
    grammar: &mut Grammar,
    chain: &Chain,
    statement: &Statement,
    dice: &mut Dice,
    tally: &mut Tally,
) {
    let Some(mutant) = mutate(&statement.text, chain.dialect, dice) else {
        return;
    };
    let line = |engine: &str, ours: &Option<String>| Line {
        place: format!("{}/{}", chain.name, statement.id),
        mistake: format!("{:?} `{}`", mutant.mistake, mutant.token),
        engine: engine.to_owned(),
        ours: ours.clone().unwrap_or_default(),
        text: mutant.text.clone(),
    };
    match grammar.ask(&statement.text).await {
        // What was no SQL before shows nothing: a template, or words of another engine.
        Answer::Syntax(_) => return,
        Answer::Refused(_) => {}
        Answer::Parsed => {
            tally.as_they_stand += 1;
            let ours = refusal(&statement.text, chain.dialect);
            if ours.is_some() {
                tally.wrongly_refused.push(Line {
                    mistake: "as it stands".to_owned(),
                    text: statement.text.clone(),
                    ..line("it is SQL", &ours)
                });
            }
        }
    }
    let answer = grammar.ask(&mutant.text).await;
    let ours = refusal(&mutant.text, chain.dialect);
    match (&answer, &ours) {
        (Answer::Parsed, _) => tally.parsed += 1,
        (Answer::Syntax(_), _) => tally.syntax += 1,
        (Answer::Refused(_), _) => tally.other += 1,
    }
    match (&answer, &ours) {
        (Answer::Parsed, Some(_)) => tally.wrongly_refused.push(line("it is SQL", &ours)),
        (Answer::Syntax(message), None) => tally.missed.push(line(message, &ours)),
        (Answer::Refused(message), Some(_)) => tally.refused_otherwise.push(line(message, &ours)),
        _ => {}
    }
}

/// What is refused for what it does, not for how it is written.
const OF_MEANING: &[&str] = &["rollback-missing", "client-command", "transaction-control"];

/// Why we say that a text is no SQL, if we do.
pub fn refusal(text: &str, dialect: Dialect) -> Option<String> {
    let source = Source::new("m.up.sql", text.to_owned());
    let (migration, found) = migration::parse_up_down("0001_m", &source, None, dialect);
    let (set, _) = Set::new(dialect, migration.into_iter().collect());
    let checked = proof::check(&set, &Options::default());
    let of_model = checked.diagnostics.into_iter();
    let of_model = of_model.filter(|found| found.code == "syntax-error");
    found
        .into_iter()
        .filter(|found| !OF_MEANING.contains(&found.code))
        .chain(of_model)
        .find(|found| found.severity == Severity::Error)
        .map(|found| format!("{}: {}", found.code, found.message))
}
