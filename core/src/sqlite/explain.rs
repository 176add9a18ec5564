//! What was found, in words: what is wrong, why it matters, what to write instead.

mod leftover;
mod refusal;

pub(super) use self::leftover::{add_suggestion, incomplete};
pub(super) use self::refusal::{
    broken, constraint, dependent, duplicate, duplicate_column, foreign_keys, misspelt_function,
    other, syntax, unknown_column, unknown_object, unknown_table,
};

use super::catalogue::Object;
use super::refusal::Refusal;
use super::words::{self, Act, Line, written};
use crate::diagnostic::{Diagnostic, Section, Severity};
use crate::dialect::Dialect;
use crate::lex::Lexeme;
use crate::migration::Migration;
use crate::source::{Source, Span};

const SYNTAX_ERROR: &str = "syntax-error";
const STATEMENT_REFUSED: &str = "statement-refused";
const UNKNOWN_TABLE: &str = "unknown-table";
const UNKNOWN_COLUMN: &str = "unknown-column";
const UNKNOWN_OBJECT: &str = "unknown-object";
const UNKNOWN_FUNCTION: &str = "unknown-function";
const DUPLICATE_OBJECT: &str = "duplicate-object";
const DEPENDENT_OBJECT_BLOCKS: &str = "dependent-object-blocks";
const ROLLBACK_INVALID: &str = "rollback-invalid";
const ROLLBACK_INCOMPLETE: &str = "rollback-incomplete";
const ROLLBACK_DRIFT: &str = "rollback-drift";
const ROLLBACK_NOT_REPEATABLE: &str = "rollback-not-repeatable";

/// A section that was played.
pub(super) struct Setting<'p> {
    pub(super) source: &'p Source,
    pub(super) section: Section,
    pub(super) lines: &'p [Line<'p>],
}

/// Where a leftover stands in the story.
pub(super) struct Scene<'p> {
    pub(super) up: Setting<'p>,
    pub(super) down: Setting<'p>,
    /// Before the UP.
    pub(super) was: Option<&'p Object>,
    /// Between the two.
    pub(super) between: Option<&'p Object>,
    /// After the DOWN.
    pub(super) now: Option<&'p Object>,
}

/// What is wrong with a statement, before it is known where that statement stands.
pub(super) struct Complaint {
    code: &'static str,
    severity: Severity,
    message: String,
    /// What is said about the words.
    label: String,
    /// The name that is meant, in lower case, where SQLite does not say the place.
    name: Option<String>,
    offset: Option<usize>,
    others: Vec<(Source, Span, String)>,
    why: &'static str,
    help: String,
    /// The name to write instead.
    instead: Option<String>,
}

impl Complaint {
    fn new(code: &'static str, refusal: &Refusal, message: String) -> Complaint {
        Complaint {
            code,
            severity: Severity::Error,
            message,
            label: String::new(),
            name: None,
            offset: refusal.offset,
            others: Vec::new(),
            why: "SQLite refuses it, and with it the whole migration.",
            help: String::new(),
            instead: None,
        }
    }

    /// An earlier migration took the table away.
    pub(super) fn removed_by(&mut self, migration: &Migration, name: &str, dialect: Dialect) {
        self.label = format!("gone since `{}`", migration.id);
        let taken = words::lines(&migration.up, dialect)
            .iter()
            .find_map(|line| line.place(name).filter(|_| line.act == Act::Alter));
        if let Some(place) = taken {
            let source = migration.source().clone();
            self.others
                .push((source, place, "taken away here".to_owned()));
        }
    }

    /// A later migration makes the table.
    pub(super) fn made_later_by(&mut self, migration: &Migration, name: &str, dialect: Dialect) {
        self.label = format!("made by the later `{}`", migration.id);
        self.help =
            "Give this file a version above that one, or make the table here first.".to_owned();
        self.instead = None;
        let lines = words::lines(&migration.up, dialect);
        let making = lines
            .iter()
            .find(|line| line.made().as_deref() == Some(name));
        if let Some(place) = making.and_then(|line| line.place(name)) {
            let source = migration.source().clone();
            self.others.push((source, place, "made here".to_owned()));
        }
    }

    /// No migration makes the table; somebody else may.
    pub(super) fn perhaps_external(&mut self, name: &str) {
        self.severity = Severity::Warn;
        self.label = "no migration makes it".to_owned();
        self.why =
            "On a new database SQLite refuses it, unless somebody else makes the table first.";
        self.help =
            format!("If others make it, say so in `backstitch.toml`:\nexternal = [\"{name}\"]");
    }

    /// The complaint about this statement.
    pub(super) fn diagnostic(self, setting: &Setting<'_>, line: &Line<'_>) -> Diagnostic {
        let place = self.place(setting, line);
        let is_way_back = setting.section == Section::Down && self.severity == Severity::Error;
        let (code, message, why) = match is_way_back {
            true if self.code != SYNTAX_ERROR => (
                ROLLBACK_INVALID,
                format!("the DOWN does not run: {}", self.message),
                "It is found out when a release has to be taken back, and then it is too late.",
            ),
            _ => (self.code, self.message.clone(), self.why),
        };
        let is_named = self.name.as_ref().is_some_and(|name| line.mentions(name));
        let help = match &self.instead {
            Some(instead) if is_named => corrected(setting, line, place, instead),
            Some(_) | None => self.help,
        };
        let mut diagnostic = Diagnostic::new(code, self.severity, message)
            .at(setting.source, place, self.label)
            .why(why)
            .help(help)
            .section(setting.section);
        for (source, place, text) in self.others {
            diagnostic = diagnostic.at(&source, place, text);
        }
        diagnostic
    }

    /// The words that SQLite stumbles over.
    fn place(&self, setting: &Setting<'_>, line: &Line<'_>) -> Span {
        let start = line.statement.span.range().start;
        let token = self.offset.and_then(|offset| {
            line.lexemes
                .iter()
                .find(|lexeme| lexeme.span.range().contains(&(start + offset)))
        });
        // The place that SQLite reports is sometimes that of a word near the name.
        let is_name = |token: &&Lexeme<'_>| self.name.is_none() || words::name(token) == self.name;
        let named = || self.name.as_ref().and_then(|name| line.place(name));
        let place = match token.filter(is_name) {
            Some(token) => Some(token.span),
            None => named().or(token.map(|token| token.span)),
        };
        place.unwrap_or_else(|| setting.source.first_line(line.statement.span))
    }
}

/// The statement with another name in it, where it is short enough to be read.
fn corrected(setting: &Setting<'_>, line: &Line<'_>, place: Span, instead: &str) -> String {
    let range = line.statement.span.range();
    let text = setting.source.text();
    let (head, tail) = (
        &text[range.start..place.range().start],
        &text[place.range().end..range.end],
    );
    let sentence = format!("{head}{}{tail};", written(instead));
    match sentence.len() > 200 || sentence.lines().count() > 4 {
        true => format!("Did you mean `{instead}`?"),
        false => format!("Did you mean:\n{sentence}"),
    }
}

/// The DOWN gives back all but the order of columns.
pub(super) fn reordered(down: &Setting<'_>, tables: &[String]) -> Diagnostic {
    let names = tables.join("`, `");
    let message = format!("after the DOWN the columns of `{names}` stand in another order");
    let place = place_of(down, &tables[0].to_ascii_lowercase(), None);
    Diagnostic::new(ROLLBACK_DRIFT, Severity::Info, message)
        .at(down.source, place, "")
        .why("It shows in `SELECT *` and in an `INSERT` that names no columns.")
        .help("Name the columns wherever they are used; then their order does not count.")
        .section(Section::Down)
}

/// The UP fails when it runs after the DOWN, for this reason.
pub(super) fn not_again(mut failed: Diagnostic) -> Diagnostic {
    failed.code = ROLLBACK_NOT_REPEATABLE;
    failed.severity = Severity::Warn;
    failed.message = format!(
        "the UP does not run again after the DOWN: {}",
        failed.message
    );
    failed.why =
        "The DOWN gives back the schema and leaves rows behind that are in the way.".to_owned();
    failed.help = "Delete in the DOWN what the UP inserts.".to_owned();
    failed
}

/// The statement of a section that is about `name`.
fn place_of(setting: &Setting<'_>, name: &str, column: Option<&str>) -> Span {
    place_of_all(setting, &[Some(name.to_owned()), None], column)
}

/// The statement of a section that is about an object, its table and its column, in that order of
/// importance: the last one, because it is what counts.
fn place_of_all(setting: &Setting<'_>, names: &[Option<String>; 2], column: Option<&str>) -> Span {
    let column = column.map(str::to_ascii_lowercase);
    let changes = |line: &&Line<'_>| line.act != Act::Data || line.begins(&["CREATE"]);
    for name in names.iter().flatten() {
        let about: Vec<_> = setting
            .lines
            .iter()
            .filter(|line| line.mentions(name))
            .collect();
        let of_column = column.as_ref().and_then(|column| {
            about
                .iter()
                .rev()
                .filter(|line| changes(line))
                .find(|line| line.mentions(column))
        });
        let line = of_column.or_else(|| about.iter().rev().find(|line| changes(line)));
        if let Some(line) = line.or(about.last()) {
            return setting.source.first_line(line.statement.span);
        }
    }
    match setting.lines.last() {
        Some(line) => setting.source.first_line(line.statement.span),
        None => Span::default(),
    }
}

/// The statement that makes an object.
fn place_of_making(setting: &Setting<'_>, name: &str) -> Option<Span> {
    let mut lines = setting.lines.iter().rev();
    let line = lines.find(|line| line.made().as_deref() == Some(name))?;
    Some(setting.source.first_line(line.statement.span))
}

/// The statement that drops an object or its table.
fn place_of_drop(setting: &Setting<'_>, names: &[Option<String>; 2]) -> Option<Span> {
    let line = names.iter().flatten().find_map(|name| {
        setting
            .lines
            .iter()
            .rev()
            .find(|line| line.begins(&["DROP"]) && line.mentions(name))
    })?;
    Some(setting.source.first_line(line.statement.span))
}
