//! Whether a statement that SQLite refuses is wrong, or whether only the application can tell.

use std::cell::OnceCell;
use std::collections::{BTreeSet, HashMap};

use super::catalogue::{Key, Kind};
use super::explain;
use super::play::{Part, Played, setting};
use super::refusal::{Reason, Refusal};
use super::stage::{Stage, Theatre};
use super::table;
use super::words::{self, Act, Line};
use crate::diagnostic::{Diagnostic, Section, did_you_mean};
use crate::external::{self, External};
use crate::options::Options;
use crate::set::Set;
use crate::source::{Source, Span};

/// The histories of tools that run migrations: made by the tool, sometimes altered by a migration.
const HISTORIES: &[&str] = &[
    "__diesel_schema_migrations",
    "__migration_rollbacks__",
    "__migrations__",
    "_sqlx_migrations",
    "alembic_version",
    "databasechangelog",
    "django_migrations",
    "flyway_schema_history",
    "goose_db_version",
    "gorp_migrations",
    "knex_migrations",
    "migrations",
    "refinery_schema_history",
    "schema_migration",
    "schema_migrations",
];

/// A refusal, judged.
pub(super) enum Verdict {
    /// The statement is wrong.
    Wrong(Box<Diagnostic>),
    /// It may be right, for this reason.
    Unknown(String),
}

/// What is known of the migrations so far, and what is not.
pub(super) struct Knowledge<'s> {
    set: &'s Set,
    /// What others make, in lower case.
    externals: Vec<External>,
    /// Objects of which it is not known what they are by now, in lower case.
    pub(super) unsure: BTreeSet<String>,
    /// Whether there may be other rows than those that are known.
    pub(super) are_rows_unsure: bool,
    /// Which migration took an object away.
    pub(super) removed: HashMap<Key, usize>,
    /// Which migrations make an object of a name, by index.
    makers: OnceCell<HashMap<String, Vec<usize>>>,
}

impl<'s> Knowledge<'s> {
    pub(super) fn new(set: &'s Set, options: &Options) -> Knowledge<'s> {
        Knowledge {
            set,
            externals: externals(set, options),
            unsure: BTreeSet::new(),
            are_rows_unsure: false,
            removed: HashMap::new(),
            makers: OnceCell::new(),
        }
    }

    /// Judges the refusal of `line`, which stands in `part` and was played on `stage`.
    pub(super) fn judge(
        &self,
        stage: &Stage,
        refusal: &Refusal,
        line: &Line<'_>,
        part: Part<'_>,
        played: &Played,
    ) -> Verdict {
        let because = |words: &str| Verdict::Unknown(words.to_owned());
        if line.statement.unchecked.is_some() {
            return because("it has a statement that is marked as not checked");
        }
        let is_unsure = |name: &String| self.unsure.contains(name) || played.unsure.contains(name);
        // What is no SQL is none whatever the tables are.
        if refusal.reason != Reason::Syntax
            && let Some(name) = line.names().find(is_unsure)
        {
            return Verdict::Unknown(format!("it is not known what `{name}` is by now"));
        }
        let are_rows_unsure = self.are_rows_unsure || played.are_rows_unsure;
        let is_about_rows = line.act == Act::Data && refusal.offset.is_none();
        let complaint = match &refusal.reason {
            Reason::Outside(words) => return because(words),
            Reason::UnknownFunction(name) | Reason::UnknownCollation(name) => {
                return Verdict::Unknown(format!("it needs `{name}`, which SQLite does not have"));
            }
            Reason::Constraint | Reason::ForeignKeys if are_rows_unsure => {
                return because("its rows are not known");
            }
            Reason::Other if are_rows_unsure && is_about_rows => {
                return because("its rows are not known");
            }
            Reason::Syntax if suits_another_build(line) => {
                return because("another build of SQLite may read it");
            }
            Reason::UnknownTable(name) => {
                return self.judge_table(stage, name, refusal, line, part);
            }
            Reason::Broken(_, name) => {
                if !self.is_their_own_fault(refusal, part.index) {
                    return because("a view or trigger needs what others may make");
                }
                explain::broken(refusal, name)
            }
            Reason::Duplicate(name) => {
                explain::duplicate(refusal, name, self.making(name, line, part))
            }
            Reason::UnknownObject(kind, name) => {
                if self.is_external(name, part.index) {
                    return because("it needs what others make");
                }
                let objects = stage.objects();
                let known = objects
                    .values()
                    .filter(|object| object.kind.name() == *kind);
                let near = did_you_mean(name, known.map(|object| object.name.as_str()));
                explain::unknown_object(refusal, kind, name, near.map(str::to_owned))
            }
            Reason::UnknownColumn(name) if self.is_external_column(name, line) => {
                return because("it needs a column that others make");
            }
            Reason::UnknownColumn(name) => {
                let columns = columns(stage, line, self.set);
                let near = did_you_mean(name, columns.iter().map(String::as_str));
                explain::unknown_column(refusal, name, near.map(str::to_owned))
            }
            Reason::DuplicateColumn(name) => explain::duplicate_column(refusal, name),
            Reason::Dependent(name) => explain::dependent(refusal, name),
            Reason::Constraint | Reason::ForeignKeys => explain::constraint(refusal),
            Reason::Syntax => explain::syntax(refusal, line),
            Reason::Other => explain::other(refusal),
        };
        Verdict::Wrong(Box::new(complaint.diagnostic(&setting(part), line)))
    }

    /// A table that nobody makes may be made by somebody else, unless its name is only misspelt or
    /// only the way back knows of it.
    fn judge_table(
        &self,
        stage: &Stage,
        name: &str,
        refusal: &Refusal,
        line: &Line<'_>,
        part: Part<'_>,
    ) -> Verdict {
        let lower = name.to_ascii_lowercase();
        if self.is_external(&lower, part.index) {
            return Verdict::Unknown("it needs a table that others make".to_owned());
        }
        let dialect = self.set.dialect;
        let near = self.near(stage, name, part.index);
        let removed = self.removed.get(&Key::of(Kind::Table, name)).copied();
        let makers = self.makers().get(&lower);
        let later =
            makers.and_then(|makers| makers.iter().copied().find(|index| *index > part.index));
        let up = || words::lines(&part.migration.up, dialect);
        let is_of_down =
            part.section == Section::Down && !up().iter().any(|line| line.mentions(&lower));
        let is_made_elsewhere =
            makers.is_some_and(|makers| makers.iter().any(|index| *index != part.index));
        let is_theirs = near.is_none() && !is_made_elsewhere && !is_of_down;

        let mut complaint = explain::unknown_table(refusal, name, near);
        let migration = |index: usize| &self.set.migrations[index];
        if let Some(index) = removed {
            complaint.removed_by(migration(index), &lower, dialect);
        } else if let Some(index) = later {
            complaint.made_later_by(migration(index), &lower, dialect);
        }
        if is_theirs {
            complaint.perhaps_external(&lower);
        }
        Verdict::Wrong(Box::new(complaint.diagnostic(&setting(part), line)))
    }

    /// The table or view that was probably meant: one that is there, or one that was made before.
    fn near(&self, stage: &Stage, name: &str, until: usize) -> Option<String> {
        let objects = stage.objects();
        let tables = objects
            .values()
            .filter(|object| matches!(object.kind, Kind::Table | Kind::View));
        let near = did_you_mean(name, tables.map(|object| object.name.as_str()));
        let earlier = || {
            let makers = self.makers().iter();
            let made = makers.filter(|(_, makers)| makers.iter().any(|index| *index < until));
            let still =
                made.filter(|(name, _)| !self.removed.contains_key(&Key::of(Kind::Table, name)));
            let mut names: Vec<_> = still.map(|(name, _)| name.as_str()).collect();
            names.sort_unstable();
            did_you_mean(name, names)
        };
        near.or_else(earlier).map(str::to_owned)
    }

    /// Whether the table of a name that no migration before this one makes is somebody else's.
    fn is_external(&self, name: &str, until: usize) -> bool {
        let name = name.to_ascii_lowercase();
        let is_history = HISTORIES.contains(&name.as_str());
        let is_made = || {
            let makers = self.makers().get(&name);
            makers.is_some_and(|makers| makers.iter().any(|index| *index < until))
        };
        let mut tables = self.externals.iter().filter(|one| {
            use external::Kind::{Any, Table, View};
            matches!(one.kind, Any | Table | View)
        });
        let is_theirs = tables.any(|one| one.is_called(&name));
        is_theirs || name.starts_with("sqlite_") || is_history && !is_made()
    }

    /// Whether others give a table that the statement names a column of that name.
    fn is_external_column(&self, name: &str, line: &Line<'_>) -> bool {
        let name = name.rsplit('.').next().unwrap_or(name).to_ascii_lowercase();
        let mut columns = self.externals.iter();
        columns.any(|one| {
            let table = one.within.last();
            one.kind == external::Kind::Column
                && one.is_called(&name)
                && table.is_some_and(|table| line.mentions(table))
        })
    }

    /// Whether a broken view or trigger misses something that the migrations themselves make.
    fn is_their_own_fault(&self, refusal: &Refusal, until: usize) -> bool {
        let Some((_, missing)) = refusal.message.rsplit_once("no such table: ") else {
            return true;
        };
        let missing = missing.trim_start_matches("main.").to_ascii_lowercase();
        !self.is_external(&missing, until) && self.makers().contains_key(&missing)
    }

    /// Where an object of this name was made last before `line`.
    fn making(&self, name: &str, line: &Line<'_>, part: Part<'_>) -> Option<(Source, Span)> {
        let name = name.to_ascii_lowercase();
        let dialect = self.set.dialect;
        let last = |lines: &[Line<'_>]| {
            let mut lines = lines.iter().rev();
            lines
                .find(|line| line.made().as_ref() == Some(&name))?
                .place(&name)
        };
        let here = part
            .lines
            .iter()
            .position(|other| other.statement == line.statement);
        if let Some(place) = last(&part.lines[..here.unwrap_or(0)]) {
            return Some((part.source().clone(), place));
        }
        let is_done = |index: &usize| {
            *index < part.index || *index == part.index && part.section == Section::Down
        };
        let makers = self.makers().get(&name)?;
        let migration = &self.set.migrations[makers.iter().rev().copied().find(is_done)?];
        let place = last(&words::lines(&migration.up, dialect))?;
        Some((migration.source().clone(), place))
    }

    /// Made when it is asked for, which few sets do.
    fn makers(&self) -> &HashMap<String, Vec<usize>> {
        self.makers.get_or_init(|| {
            let mut makers: HashMap<String, Vec<usize>> = HashMap::new();
            for (index, migration) in self.set.migrations.iter().enumerate() {
                for line in words::lines(&migration.up, self.set.dialect) {
                    if let Some(name) = line.made() {
                        makers.entry(name).or_default().push(index);
                    }
                }
            }
            makers
        })
    }
}

/// A warning where a function that SQLite does not have reads like one that it has.
pub(super) fn misspelt(
    theatre: &Theatre,
    stage: &Stage,
    part: Part<'_>,
    line: &Line<'_>,
    name: &str,
) -> Option<Diagnostic> {
    if theatre.is_collation(name) {
        return None;
    }
    let known = stage
        .texts("SELECT DISTINCT name FROM pragma_function_list", 0)
        .ok()?;
    let known = known.iter().map(String::as_str);
    let near = did_you_mean(
        name,
        known.filter(|known| !known.eq_ignore_ascii_case(name)),
    )?;
    Some(explain::misspelt_function(name, near).diagnostic(&setting(part), line))
}

/// What the options and headers say that others make, in lower case.
fn externals(set: &Set, options: &Options) -> Vec<External> {
    let assumed = set.migrations.iter().flat_map(|one| &one.assumes);
    let texts = options.external.iter().chain(assumed);
    texts
        .filter_map(|text| External::parse(&text.to_ascii_lowercase()).ok())
        .collect()
}

/// The columns of the tables that a statement names.
fn columns(stage: &Stage, line: &Line<'_>, set: &Set) -> Vec<String> {
    let objects = stage.objects();
    let named: BTreeSet<_> = line
        .names()
        .map(|name| Key::of(Kind::Table, &name))
        .collect();
    let tables = named.iter().filter_map(|key| objects.get(key));
    let definitions = tables.filter_map(|table| table::read(stage, table, set.dialect));
    definitions
        .flat_map(|definition| definition.columns)
        .map(|column| column.name)
        .collect()
}

/// What SQLite learnt after the release that is linked here, and what it reads when it is built
/// with other options.
fn suits_another_build(line: &Line<'_>) -> bool {
    let is_constraint = line.has("CONSTRAINT") && (line.has("ADD") || line.has("DROP"));
    let is_nullability =
        line.has("COLUMN") && line.has("NULL") && (line.has("SET") || line.has("DROP"));
    let alters = line.begins(&["ALTER", "TABLE"]) && !line.has("EXISTS");
    // SQLITE_ENABLE_UPDATE_DELETE_LIMIT
    let limits = (line.begins(&["UPDATE"]) || line.begins(&["DELETE"])) && line.has("LIMIT");
    alters && (is_constraint || is_nullability) || limits
}
