//! What `check` has found, in the order in which it is told.

use std::collections::{HashMap, HashSet};

use backstitch_core::dir::{Layout, Loaded, Unread};
use backstitch_core::options::Options;
use backstitch_core::proof::{self, Checked, Verdict};
use backstitch_core::{Diagnostic, Dialect, Migration, Set, Severity, sqlite};

/// What the model says of a migration without a way back.
const ROLLBACK_MISSING: &str = "rollback-missing";

/// All of it.
#[derive(Debug)]
pub(crate) struct Report {
    pub(crate) engine: Dialect,
    /// In the order in which they run.
    pub(crate) migrations: Vec<Proved>,
    /// By migration and place; what is about none of them comes first.
    pub(crate) diagnostics: Vec<Diagnostic>,
}

/// What is known about one migration.
#[derive(Debug)]
pub(crate) struct Proved {
    pub(crate) id: String,
    /// As people see it.
    pub(crate) path: String,
    /// Whether it is proven, in the word of the JSON.
    pub(crate) proof: &'static str,
    /// Why it is not.
    pub(crate) because: Vec<String>,
    /// Of the UP and the DOWN.
    pub(crate) statements: usize,
    /// Those of them that the model does not read.
    pub(crate) opaque: usize,
}

impl Report {
    /// Goes on where reading a folder of this layout ended. `found` is what came to light before.
    pub(crate) fn of(
        loaded: Loaded,
        layout: Layout,
        options: &Options,
        found: Vec<Diagnostic>,
    ) -> Report {
        let hole = hole(&loaded);
        let hole = hole.as_ref();
        let readable = up_to(&loaded.set, hole);
        let mut checked = proof::check(&readable, options);
        sqlite::overrule(&mut checked, &readable, options);
        settle(&mut checked.diagnostics, &loaded, layout);
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
            engine: loaded.set.dialect,
            migrations,
            diagnostics,
        }
    }

    /// How many findings have this severity.
    pub(crate) fn count(&self, severity: Severity) -> usize {
        let same = |one: &&Diagnostic| one.severity == severity;
        self.diagnostics.iter().filter(same).count()
    }

    /// How many migrations are proven.
    pub(crate) fn proven(&self) -> usize {
        let word = Verdict::Proven.name();
        self.migrations
            .iter()
            .filter(|one| one.proof == word)
            .count()
    }

    /// The findings of at least this severity.
    pub(crate) fn at_least(&self, level: Severity) -> impl Iterator<Item = &Diagnostic> {
        self.diagnostics
            .iter()
            .filter(move |one| one.severity >= level)
    }
}

/// Makes of what the model says what is to be told.
fn settle(found: &mut Vec<Diagnostic>, loaded: &Loaded, layout: Layout) {
    let said: HashSet<_> = loaded
        .diagnostics
        .iter()
        .map(|one| (&one.migration, one.code))
        .collect();
    found.retain(|one| !said.contains(&(&one.migration, one.code)));
    // Other tools do not ask for a way back, so that it is missing stops nobody.
    let missing = found.iter_mut().filter(|one| one.code == ROLLBACK_MISSING);
    for one in missing.filter(|_| layout != Layout::Annotated) {
        one.severity = one.severity.min(Severity::Warn);
    }
}

/// The first migration of which it is not known what it does: it could not be read, or an open
/// string or comment has swallowed its statements.
fn hole(loaded: &Loaded) -> Option<Unread> {
    let torn_ids: HashSet<&str> = loaded
        .diagnostics
        .iter()
        .filter(|one| one.code.starts_with("unterminated-"))
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
fn up_to(set: &Set, hole: Option<&Unread>) -> Set {
    let is_before = |one: &&Migration| hole.is_none_or(|hole| one.version < hole.version);
    Set {
        dialect: set.dialect,
        migrations: set.migrations.iter().filter(is_before).cloned().collect(),
    }
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
