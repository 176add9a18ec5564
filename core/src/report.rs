//! Everything that is found out about a folder without a database of its own, in the order in which
//! it is told.
//!
//! The macro and the command line both stop at what [`Report::of`] says, so that they cannot
//! differ. What each check looks at is the business of [`dir`](crate::dir),
//! [`proof`] and [`rule`].

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

use crate::diagnostic::{Diagnostic, Severity};
use crate::dir::{Layout, Loaded, Unread};
use crate::migration::{Migration, ROLLBACK_MISSING, UNKNOWN_DOWN};
use crate::options::Options;
use crate::proof::{self, Checked, Verdict};
use crate::rule;
use crate::set::Set;
#[cfg(feature = "sqlite")]
use crate::sqlite;

/// What the codes begin with of mistakes behind which statements are lost.
const TEARS: [&str; 3] = ["unterminated-", "section-", "sql-before-section"];

/// Expressions nest, and threads of compilers and of tests have small stacks.
const STACK_SIZE: usize = 64 << 20;

/// All of it.
#[derive(Debug)]
pub struct Report {
    /// The migrations that could be read.
    pub set: Set,
    /// What is known about each of them, in the order in which they run.
    pub migrations: Vec<Proved>,
    /// By migration and place; what is about none of them comes first.
    pub diagnostics: Vec<Diagnostic>,
}

/// What is known about one migration.
#[derive(Debug)]
pub struct Proved {
    /// The stem of its file name.
    pub id: String,
    /// As people see it.
    pub path: String,
    /// Whether it is proven, in the word of the JSON.
    pub proof: &'static str,
    /// Why it is not.
    pub because: Vec<String>,
    /// Of the UP and the DOWN.
    pub statements: usize,
    /// Those of them that the model does not read.
    pub opaque: usize,
}

impl Report {
    /// Goes on where reading a folder of this layout ended. `found` is what came to light before,
    /// such as what is wrong with the options.
    pub fn of(
        mut loaded: Loaded,
        layout: Layout,
        options: &Options,
        mut found: Vec<Diagnostic>,
    ) -> Report {
        // Where not everything could be read, a name that is missing may be in the rest.
        if !found.iter().chain(&loaded.diagnostics).any(is_error) {
            found.extend(options.check_since(&loaded.set));
        }
        found.extend(options.check_rules(rule::names()));
        let hole = hole(&loaded);
        let hole = hole.as_ref();
        let mut checked = check(&up_to(&loaded.set, hole), options);
        settle(&mut checked, &mut loaded, layout);
        let errors = errors(&checked);
        let migrations = loaded
            .set
            .migrations
            .iter()
            .map(|one| proved(one, &checked, &errors, hole))
            .collect();
        let mut diagnostics = found;
        diagnostics.extend(loaded.diagnostics);
        diagnostics.extend(checked.diagnostics);
        let versions = loaded.set.migrations.iter();
        let versions = versions.map(|one| (&*one.id, one.version)).collect();
        diagnostics.sort_by_cached_key(|one| order(&versions, one));
        Report {
            set: loaded.set,
            migrations,
            diagnostics,
        }
    }

    /// How many findings have this severity.
    pub fn count(&self, severity: Severity) -> usize {
        let same = |one: &&Diagnostic| one.severity == severity;
        self.diagnostics.iter().filter(same).count()
    }

    /// How many migrations are proven.
    pub fn proven(&self) -> usize {
        let word = Verdict::Proven.name();
        self.migrations
            .iter()
            .filter(|one| one.proof == word)
            .count()
    }

    /// The findings of at least this severity.
    pub fn at_least(&self, level: Severity) -> impl Iterator<Item = &Diagnostic> {
        self.diagnostics
            .iter()
            .filter(move |one| one.severity >= level)
    }
}

/// Checks on a thread with room for what nests.
fn check(set: &Set, options: &Options) -> Checked {
    let checked = std::thread::scope(|scope| {
        let thread = std::thread::Builder::new()
            .name("backstitch check".to_owned())
            .stack_size(STACK_SIZE)
            .spawn_scoped(scope, || ask(set, options));
        thread.map(|thread| thread.join())
    });
    match checked {
        Ok(Ok(checked)) => checked,
        Ok(Err(panic)) => std::panic::resume_unwind(panic),
        Err(_no_thread) => ask(set, options),
    }
}

/// The word of the model, or that of SQLite where it can be asked.
fn ask(set: &Set, options: &Options) -> Checked {
    #[cfg_attr(not(feature = "sqlite"), expect(unused_mut))]
    let mut checked = proof::check(set, options);
    #[cfg(feature = "sqlite")]
    sqlite::overrule(&mut checked, set, options);
    checked
}

/// Makes of what the model says what is to be told.
fn settle(checked: &mut Checked, loaded: &mut Loaded, layout: Layout) {
    let found = &mut checked.diagnostics;
    let before = Before::of(&loaded.diagnostics);
    found.retain(|one| !before.explains(one));
    for one in loaded.diagnostics.iter_mut().chain(&mut *found) {
        if one.code != ROLLBACK_MISSING {
            continue;
        }
        let id = one.migration.as_deref().unwrap_or_default();
        let suggestion = checked.proofs.get(id).map(|proof| &proof.suggestion);
        if let Some(Some(suggestion)) = suggestion {
            one.help = with_down(&one.help, suggestion);
        }
        // Other tools do not ask for a way back, so that it is missing stops nobody.
        if layout != Layout::Annotated {
            one.severity = one.severity.min(Severity::Warn);
        }
    }
    // In files of ours it is for the reader to say whether there has to be a DOWN.
    if layout == Layout::Annotated {
        found.retain(|one| one.code != ROLLBACK_MISSING);
    }
}

/// What was wrong before the statements were looked at, by the ids of the migrations.
struct Before {
    codes: HashSet<(String, &'static str)>,
    /// Where there are errors.
    lines: HashSet<(String, Option<Line>)>,
}

/// A file and the number of a line.
type Line = (String, u32);

impl Before {
    fn of(diagnostics: &[Diagnostic]) -> Before {
        let known = diagnostics
            .iter()
            .filter_map(|one| Some((one.migration.clone()?, one)));
        let errors = known.clone().filter(|(_, one)| is_error(one));
        Before {
            codes: known.map(|(id, one)| (id, one.code)).collect(),
            lines: errors.map(|(id, one)| (id, line(one))).collect(),
        }
    }

    /// Whether a finding is only there because of that.
    fn explains(&self, found: &Diagnostic) -> bool {
        found.migration.as_ref().is_some_and(|id| {
            self.codes.contains(&(id.clone(), found.code))
                || self.lines.contains(&(id.clone(), line(found)))
        })
    }
}

fn line(one: &Diagnostic) -> Option<Line> {
    Some((one.path()?.to_owned(), one.position()?.line))
}

/// The help for a DOWN that is missing, with the one that is known in it.
fn with_down(help: &str, suggestion: &str) -> String {
    let (header, statements) = suggestion
        .split_once("-- DOWN MIGRATION\n")
        .unwrap_or(("", suggestion));
    let help = help.replace(UNKNOWN_DOWN, statements.trim_end());
    match header.trim_end() {
        "" => help,
        header => format!("{help}\nIt needs this line in the header:\n{header}"),
    }
}

/// The first migration of which it is not known what it does: it could not be read, an open string
/// or comment has swallowed its statements, or they stand in no section.
fn hole(loaded: &Loaded) -> Option<Unread> {
    let is_torn =
        |one: &&Diagnostic| is_error(one) && TEARS.iter().any(|code| one.code.starts_with(code));
    let torn_ids: HashSet<&str> = loaded
        .diagnostics
        .iter()
        .filter(is_torn)
        .filter_map(|one| one.migration.as_deref())
        .collect();
    let torn = loaded.set.migrations.iter();
    let torn = torn
        .filter(|one| torn_ids.contains(&*one.id))
        .map(|one| Unread {
            id: one.id.clone(),
            version: one.version,
        });
    let unread = loaded.unread.iter().cloned();
    unread.chain(torn).min_by_key(|hole| hole.version)
}

/// The migrations before it: what comes behind stands on something that nobody knows.
fn up_to<'s>(set: &'s Set, hole: Option<&Unread>) -> Cow<'s, Set> {
    let Some(hole) = hole else {
        return Cow::Borrowed(set);
    };
    let before = set
        .migrations
        .iter()
        .filter(|one| one.version < hole.version);
    Cow::Owned(Set {
        dialect: set.dialect,
        migrations: before.cloned().collect(),
    })
}

/// What is wrong with each migration, in a sentence each.
fn errors(checked: &Checked) -> HashMap<&str, Vec<&str>> {
    let mut errors: HashMap<&str, Vec<&str>> = HashMap::new();
    for one in &checked.diagnostics {
        if let (Some(id), Severity::Error) = (&one.migration, one.severity) {
            errors.entry(id).or_default().push(&one.message);
        }
    }
    errors
}

fn proved(
    migration: &Migration,
    checked: &Checked,
    errors: &HashMap<&str, Vec<&str>>,
    hole: Option<&Unread>,
) -> Proved {
    let scripts = [Some(&migration.up), migration.down.as_ref()];
    let statements = scripts.into_iter().flatten();
    let proof = checked.proofs.get(&migration.id);
    let unread = || match hole {
        Some(hole) if hole.id == migration.id => "it could not be read".to_owned(),
        Some(hole) if hole.version <= migration.version => {
            format!("`{}` before it could not be read", hole.id)
        }
        Some(_) | None => "it was not replayed".to_owned(),
    };
    let verdict = proof.map_or_else(
        || Verdict::Unproven(vec![unread()]),
        |proof| proof.verdict.clone(),
    );
    Proved {
        id: migration.id.clone(),
        path: migration.source().path().to_owned(),
        proof: verdict.name(),
        because: because(migration, verdict, errors.get(&*migration.id)),
        statements: statements.map(|script| script.statements.len()).sum(),
        opaque: proof.map_or(0, |proof| proof.opaque),
    }
}

fn because(migration: &Migration, verdict: Verdict, errors: Option<&Vec<&str>>) -> Vec<String> {
    match verdict {
        Verdict::Proven => Vec::new(),
        Verdict::Unproven(reasons) => reasons,
        Verdict::Broken(_) => {
            let errors = errors.into_iter().flatten();
            errors.map(|error| (*error).to_owned()).collect()
        }
        Verdict::Missing => vec!["there is no DOWN".to_owned()],
        Verdict::Irreversible => migration.irreversible.iter().cloned().collect(),
    }
}

/// By what findings are sorted: those of a migration stand where it does.
fn order(versions: &HashMap<&str, u64>, diagnostic: &Diagnostic) -> (u64, String, u32, u32) {
    let id = diagnostic.migration.as_deref().unwrap_or_default();
    let place = diagnostic.position();
    (
        versions.get(id).copied().unwrap_or_default(),
        diagnostic.path().unwrap_or_default().to_owned(),
        place.map_or(0, |place| place.line),
        place.map_or(0, |place| place.column),
    )
}

fn is_error(diagnostic: &Diagnostic) -> bool {
    diagnostic.severity == Severity::Error
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dialect::Dialect;
    use crate::migration;
    use crate::source::Source;

    /// What is said of these files, as `code` of each finding that is not a remark.
    fn codes(dialect: Dialect, files: &[(&str, &str)]) -> Vec<&'static str> {
        let found = report(dialect, files).diagnostics.into_iter();
        let found = found.filter(|one| one.severity > Severity::Info);
        found.map(|one| one.code).collect()
    }

    fn report(dialect: Dialect, files: &[(&str, &str)]) -> Report {
        let (mut migrations, mut diagnostics) = (Vec::new(), Vec::new());
        for (id, text) in files {
            let header = "-- @name: a\n-- @description: b\n-- @timestamp: 2026-01-05T10:00:00Z\n\
                          -- @rollbackSafe: false\n";
            let source = Source::new(format!("{id}.sql"), format!("{header}{text}"));
            let (migration, found) = migration::parse(id, &source, dialect);
            migrations.extend(migration);
            diagnostics.extend(found);
        }
        let (set, _) = Set::new(dialect, migrations);
        let loaded = Loaded {
            set,
            diagnostics,
            unread: Vec::new(),
            files: Vec::new(),
        };
        Report::of(loaded, Layout::Annotated, &Options::default(), Vec::new())
    }

    const USERS: (&str, &str) = (
        "0001_users",
        "-- UP MIGRATION\nCREATE TABLE people (id INTEGER PRIMARY KEY, login TEXT NOT NULL);\n\
         -- DOWN MIGRATION\nDROP TABLE people;",
    );

    #[test]
    fn what_follows_from_a_mistake_is_not_told() {
        let check = |text: &str, expected: &[&str]| {
            let files = [USERS, ("0002_step", text)];
            assert_eq!(codes(Dialect::Postgres, &files), expected, "{text}");
        };
        check(
            "-- UP MIGRATION\nCOPY people FROM STDIN;\n-- DOWN MIGRATION\nDELETE FROM people WHERE id = 1;",
            &["client-command"],
        );
        check(
            "-- UP MIGRATION\n-- DOWN MIGRATION\nDROP TABLE x;",
            &["section-empty"],
        );
        check(
            "-- @irreversible:\n-- UP MIGRATION\nCREATE TABLE a (id INTEGER PRIMARY KEY);",
            &["annotation-empty"],
        );
    }

    #[test]
    fn behind_a_file_that_is_torn_nothing_is_judged() {
        let torn = (
            "0002_torn",
            "CREATE TABLE a (id INTEGER);\n-- DOWN MIGRATION\nDROP TABLE a;",
        );
        let later = (
            "0003_later",
            "-- UP MIGRATION\nALTER TABLE a ADD b INTEGER;\n-- DOWN MIGRATION\nALTER TABLE a DROP b;",
        );
        let report = report(Dialect::Postgres, &[USERS, torn, later]);
        let errors = report.at_least(Severity::Error).map(|one| one.code);
        assert_eq!(errors.collect::<Vec<_>>(), ["section-missing"]);
        let words: Vec<_> = report.migrations.iter().map(|one| one.proof).collect();
        assert_eq!(words, ["proven", "unproven", "unproven"]);
    }

    #[test]
    fn a_missing_way_back_is_told_once_and_suggested() {
        for dialect in Dialect::ALL {
            let files = [
                USERS,
                (
                    "0002_more",
                    "-- UP MIGRATION\nCREATE TABLE more (id INTEGER PRIMARY KEY);",
                ),
            ];
            let report = report(dialect, &files);
            let missing: Vec<_> = report.at_least(Severity::Error).collect();
            assert_eq!(missing.len(), 1, "{dialect:?}: {missing:#?}");
            assert_eq!(missing[0].code, ROLLBACK_MISSING);
            let help = &missing[0].help;
            assert!(
                help.contains("-- DOWN MIGRATION\nDROP TABLE more;\n"),
                "{help}"
            );
        }
    }

    /// The DOWN of another tool is a file of its own.
    #[test]
    fn each_place_stands_in_the_file_of_its_section() {
        let up = Source::new("m.up.sql", "");
        let text = "-- a\nDELETE FROM people;\nALTER TABLE people ADD COLUMN age INTEGER;";
        let down = Source::new("m.down.sql", text);
        let (migration, _) = migration::parse_up_down("1_a", &up, Some(&down), Dialect::MySql);
        let (set, _) = Set::new(Dialect::MySql, migration.into_iter().collect());
        let loaded = Loaded {
            set,
            diagnostics: Vec::new(),
            unread: Vec::new(),
            files: Vec::new(),
        };
        let report = Report::of(loaded, Layout::UpDown, &Options::default(), Vec::new());
        let mut found = report.diagnostics.iter();
        let found = found.find(|one| one.code == "implicit-commit");
        let labels = &found.expect("it is found").labels;
        let words = labels
            .iter()
            .map(|label| label.span.of(label.source.text()));
        let words: Vec<_> = words.collect();
        assert_eq!(
            words,
            [
                "ALTER TABLE people ADD COLUMN age INTEGER",
                "DELETE FROM people"
            ]
        );
    }

    /// With a step that is not linear this takes minutes.
    #[test]
    fn many_mistakes_take_time_in_proportion() {
        let began = std::time::Instant::now();
        let wrong = |at: usize| {
            format!("-- @ü: ü\nDELETE FROM nobody_{at};\nALTER TABLE people DROP COLUMN c{at};\n")
        };
        let wrong: String = (0..2_000).map(wrong).collect();
        let text = format!("-- UP MIGRATION\n{wrong}");
        let report = report(Dialect::Postgres, &[USERS, ("0002_wrong", &text)]);
        assert!(report.diagnostics.len() > 4_000);
        let took = began.elapsed();
        assert!(took < std::time::Duration::from_secs(120), "{took:?}");
    }
}
