//! What was found, in words: what is wrong, why it matters, what to write instead.

use super::catalogue::{Kind, Object};
use super::compare::{Attribute, Fault, Leftover};
use super::inverse::Suggestion;
use super::refusal::Refusal;
use super::words::{self, Act, Line, written};
use crate::diagnostic::{Diagnostic, Section, Severity};
use crate::dialect::Dialect;
use crate::lex::Lexeme;
use crate::migration::{ForeignKeys, Migration};
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

pub(super) fn syntax(refusal: &Refusal, line: &Line<'_>) -> Complaint {
    let mut complaint = Complaint::new(SYNTAX_ERROR, refusal, refusal.message.clone());
    let is_incomplete = refusal.message == "incomplete input";
    if is_incomplete {
        complaint.message = "the statement ends too early".to_owned();
        complaint.offset = line
            .lexemes
            .last()
            .map(|last| (last.span.start - line.statement.span.start) as usize);
        complaint.label = "something is missing behind this".to_owned();
        complaint.help = "Finish the statement.".to_owned();
        return complaint;
    }
    complaint.message = "SQLite cannot read this statement".to_owned();
    complaint.label = match refusal.message.starts_with("unrecognized token") {
        true => "no word of SQL".to_owned(),
        false => "not expected here".to_owned(),
    };
    complaint.help = syntax_help(refusal, line);
    complaint
}

/// What is probably meant, for the mistakes that people bring along from other engines.
fn syntax_help(refusal: &Refusal, line: &Line<'_>) -> String {
    let near = refusal
        .message
        .strip_prefix("near \"")
        .and_then(|rest| rest.strip_suffix("\": syntax error"))
        .unwrap_or_default()
        .to_uppercase();
    let alters = line.begins(&["ALTER", "TABLE"]);
    let starts = [
        "CREATE", "ALTER", "DROP", "INSERT", "UPDATE", "DELETE", "PRAGMA",
    ];
    let text = match near.as_str() {
        "EXISTS" | "IF" if alters => "`ALTER TABLE` of SQLite has no `IF EXISTS`; leave it out.",
        "," if alters => {
            "SQLite takes one action for each `ALTER TABLE`: write a statement for each."
        }
        "ALTER" | "MODIFY" | "TYPE" | "CHANGE" if alters => {
            "SQLite does not change columns: make a new table, copy the rows, drop the old table and rename the new one."
        }
        "TRUNCATE" => "SQLite has no `TRUNCATE`; write `DELETE FROM` without a `WHERE`.",
        "ON" if line.begins(&["DROP", "INDEX"]) => {
            "In SQLite an index has a name of its own; leave out `ON` and the table."
        }
        "OR" if line.begins(&["CREATE", "OR"]) => {
            "SQLite has no `OR REPLACE` here: drop it first, then create it."
        }
        "CASCADE" | "RESTRICT" => "SQLite knows neither `CASCADE` nor `RESTRICT`; leave it out.",
        word if starts.contains(&word) => {
            "A statement begins here: is the semicolon before it missing?"
        }
        _ => "Compare it with the grammar: https://www.sqlite.org/lang.html",
    };
    text.to_owned()
}

pub(super) fn unknown_table(refusal: &Refusal, name: &str, near: Option<String>) -> Complaint {
    let mut complaint = Complaint::new(
        UNKNOWN_TABLE,
        refusal,
        format!("there is no table `{name}`"),
    );
    complaint.name = Some(name.to_ascii_lowercase());
    complaint.label = match &near {
        Some(near) => format!("did you mean `{near}`?"),
        None => "no migration before this one makes it".to_owned(),
    };
    complaint.help = "Make the table first, or take the statement out.".to_owned();
    complaint.instead = near;
    complaint
}

pub(super) fn unknown_object(
    refusal: &Refusal,
    kind: &str,
    name: &str,
    near: Option<String>,
) -> Complaint {
    let mut complaint = Complaint::new(
        UNKNOWN_OBJECT,
        refusal,
        format!("there is no {kind} `{name}`"),
    );
    complaint.name = Some(name.to_ascii_lowercase());
    complaint.label = match &near {
        Some(near) => format!("did you mean `{near}`?"),
        None => "not there at this point".to_owned(),
    };
    complaint.help = match kind {
        "index" => "Take the statement out; an index goes along with its table.".to_owned(),
        "trigger" => "Take the statement out; a trigger goes along with its table.".to_owned(),
        _ => "Take the statement out.".to_owned(),
    };
    complaint.instead = near;
    complaint
}

pub(super) fn unknown_column(refusal: &Refusal, name: &str, near: Option<String>) -> Complaint {
    let mut complaint = Complaint::new(
        UNKNOWN_COLUMN,
        refusal,
        format!("there is no column `{name}`"),
    );
    complaint.name = Some(name.to_ascii_lowercase());
    complaint.label = match &near {
        Some(near) => format!("did you mean `{near}`?"),
        None => "not a column at this point".to_owned(),
    };
    complaint.help = "Add the column first, or take the statement out.".to_owned();
    complaint.instead = near;
    complaint
}

pub(super) fn duplicate(
    refusal: &Refusal,
    name: &str,
    making: Option<(Source, Span)>,
) -> Complaint {
    let message = format!("there is something called `{name}` already");
    let mut complaint = Complaint::new(DUPLICATE_OBJECT, refusal, message);
    complaint.label = "the name is taken".to_owned();
    complaint.help = format!("Take another name, or drop `{name}` first.");
    complaint.name = Some(name.to_ascii_lowercase());
    let making = making.map(|(source, place)| (source, place, "made here".to_owned()));
    complaint.others.extend(making);
    complaint
}

pub(super) fn duplicate_column(refusal: &Refusal, name: &str) -> Complaint {
    let message = format!("the table has a column `{name}` already");
    let mut complaint = Complaint::new(DUPLICATE_OBJECT, refusal, message);
    complaint.name = Some(name.to_ascii_lowercase());
    complaint.label = "the name is taken".to_owned();
    complaint.help = "Take another name, or take the statement out.".to_owned();
    complaint
}

pub(super) fn dependent(refusal: &Refusal, name: &str) -> Complaint {
    let message = match refusal.message.strip_prefix("error in ") {
        Some(rest) => {
            let object = rest.split(" after ").next().unwrap_or(rest);
            let (kind, name) = object.split_once(' ').unwrap_or(("object", object));
            format!("the {kind} `{name}` is in the way")
        }
        None => refusal.message.replace('"', "`"),
    };
    let mut complaint = Complaint::new(DEPENDENT_OBJECT_BLOCKS, refusal, message);
    complaint.label = format!("SQLite says: {}", refusal.message);
    complaint.help = match refusal.message.split_whitespace().nth(2) {
        Some(kind @ ("index" | "trigger" | "view")) => {
            format!(
                "Drop it before this statement:\nDROP {} {};",
                kind.to_uppercase(),
                written(name)
            )
        }
        _ => {
            "Make a new table without it, copy the rows, drop the old table and rename the new one."
                .to_owned()
        }
    };
    complaint
}

pub(super) fn broken(refusal: &Refusal, name: &str) -> Complaint {
    let message = format!("`{name}` is broken, and SQLite looks at all views and triggers here");
    let mut complaint = Complaint::new(DEPENDENT_OBJECT_BLOCKS, refusal, message);
    complaint.label = format!("SQLite says: {}", refusal.message);
    complaint.help = format!(
        "Drop `{name}` where what it needs goes away, and make it again after this statement."
    );
    complaint
}

pub(super) fn constraint(refusal: &Refusal) -> Complaint {
    let message = "the rows that the migrations insert do not allow this".to_owned();
    let mut complaint = Complaint::new(STATEMENT_REFUSED, refusal, message);
    complaint.label = format!("SQLite says: {}", refusal.message);
    complaint.why = "It fails on a new database, where there are no other rows.";
    complaint.help = "Change or delete the offending rows first.".to_owned();
    complaint
}

/// A statement that fails with foreign keys and runs without.
pub(super) fn foreign_keys(refusal: &Refusal) -> Complaint {
    let message = "this fails where foreign keys are on".to_owned();
    let mut complaint = Complaint::new(STATEMENT_REFUSED, refusal, message);
    complaint.severity = Severity::Warn;
    complaint.label = format!("SQLite says: {}", refusal.message);
    complaint.why = "They are on unless the connection says otherwise.";
    complaint.help =
        "If the end is consistent, switch them off for this migration, in the header:\n\
                      -- @foreignKeys: off"
            .to_owned();
    complaint
}

pub(super) fn other(refusal: &Refusal) -> Complaint {
    let message = "SQLite refuses this statement".to_owned();
    let mut complaint = Complaint::new(STATEMENT_REFUSED, refusal, message);
    complaint.label = format!("SQLite says: {}", refusal.message);
    complaint.help = refused_help(&refusal.message).to_owned();
    complaint
}

fn refused_help(message: &str) -> &'static str {
    const HELP: &[(&str, &str)] = &[
        (
            "Cannot add a NOT NULL column",
            "Give it a default that is not null.",
        ),
        (
            "Cannot add a UNIQUE column",
            "Add the column without `UNIQUE`, and make a unique index on it.",
        ),
        (
            "Cannot add a PRIMARY KEY column",
            "Make a new table with the key, copy the rows, drop the old table and rename the new one.",
        ),
        (
            "Cannot add a column with non-constant default",
            "Add it without a default and fill it with an `UPDATE`.",
        ),
        (
            "cannot add a STORED column",
            "Write `VIRTUAL`, or make a new table.",
        ),
        ("use DROP TABLE", "It is a table: write `DROP TABLE`."),
        ("use DROP VIEW", "It is a view: write `DROP VIEW`."),
        (
            "because it is a view",
            "A view has no rows of its own; change the table behind it.",
        ),
        ("values for", "Name the columns, one for each value."),
        (
            "values were supplied",
            "Name the columns, one for each value.",
        ),
    ];
    let known = HELP.iter().find(|(words, _)| message.contains(words));
    known.map_or(
        "Write it in a way that SQLite accepts, or take it out.",
        |(_, help)| help,
    )
}

pub(super) fn misspelt_function(name: &str, near: &str) -> Complaint {
    Complaint {
        code: UNKNOWN_FUNCTION,
        severity: Severity::Warn,
        message: format!("SQLite has no function `{name}`"),
        label: format!("did you mean `{near}`?"),
        name: Some(name.to_ascii_lowercase()),
        offset: None,
        others: Vec::new(),
        why: "Unless the application registers it, SQLite refuses the statement.",
        help: String::new(),
        instead: Some(near.to_owned()),
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

/// The DOWN does not give back this.
pub(super) fn incomplete(scene: &Scene<'_>, leftover: &Leftover, dialect: Dialect) -> Diagnostic {
    let subject = format!("{} `{}`", leftover.kind.name(), leftover.name);
    let is_untouched = match (scene.was, scene.between) {
        (Some(was), Some(between)) => super::compare::is_same(&was.sql, &between.sql, dialect),
        (None, None) => true,
        _ => false,
    };
    let column = match &leftover.fault {
        Fault::Changed(attributes) => attributes
            .iter()
            .find_map(|attribute| attribute.column.clone()),
        Fault::Left | Fault::Lost => None,
    };
    let name = leftover.name.to_ascii_lowercase();
    let belongs = [scene.was, scene.between, scene.now]
        .into_iter()
        .flatten()
        .next();
    let table = belongs.map(|object| object.table.clone());
    let names = [Some(name.clone()), table.clone()];
    let find = |setting: &Setting<'_>| {
        let happens_here = setting.section == Section::Up || is_untouched;
        let happening = match leftover.fault {
            Fault::Lost if happens_here => place_of_drop(setting, &names),
            Fault::Left => place_of_making(setting, &name),
            Fault::Lost | Fault::Changed(_) => None,
        };
        happening.unwrap_or_else(|| place_of_all(setting, &names, column.as_deref()))
    };
    let (message, up_label, down_label) = match &leftover.fault {
        Fault::Left => (
            format!("the DOWN leaves the {subject}"),
            "made here",
            match scene
                .down
                .lines
                .iter()
                .any(|line| line.made().as_ref() == Some(&name))
            {
                true => "made here",
                false => "not dropped here",
            },
        ),
        Fault::Lost => (
            format!("the DOWN does not bring back the {subject}"),
            "taken away here",
            if is_untouched {
                "taken away here"
            } else {
                "not made again here"
            },
        ),
        Fault::Changed(attributes) => (
            format!(
                "the DOWN does not restore the {subject}: {}",
                shown(attributes)
            ),
            "changed here",
            if is_untouched {
                "changed here"
            } else {
                "not changed back here"
            },
        ),
    };
    let mut diagnostic = Diagnostic::error(ROLLBACK_INCOMPLETE, message);
    if !is_untouched {
        diagnostic = diagnostic.at(scene.up.source, find(&scene.up), up_label);
    }
    diagnostic
        .at(scene.down.source, find(&scene.down), down_label)
        .why("After this rollback the schema is not the one that the release before was written for.")
        .help(remedy(leftover, scene))
        .section(if is_untouched { Section::Down } else { Section::Up })
}

/// The attributes of an object in one line.
fn shown(attributes: &[Attribute]) -> String {
    let words: Vec<_> = attributes
        .iter()
        .map(|attribute| match &attribute.column {
            Some(column) => format!("column `{column}` {}", attribute.words),
            None => attribute.words.clone(),
        })
        .collect();
    words.join("; ")
}

/// The statement to paste for this alone.
fn remedy(leftover: &Leftover, scene: &Scene<'_>) -> String {
    let name = written(&leftover.name);
    match (&leftover.fault, scene.was) {
        (Fault::Left, _) => {
            format!("Add to the DOWN:\nDROP {} {name};", leftover.kind.words())
        }
        (Fault::Lost, Some(was)) => format!("Add to the DOWN:\n{};", was.sql),
        (Fault::Changed(_), Some(was)) if leftover.kind != Kind::Table => format!(
            "Make it as it was:\nDROP {} {name};\n{};",
            leftover.kind.words(),
            was.sql
        ),
        (Fault::Changed(_), Some(was)) => format!("This is what it was:\n{};", was.sql),
        (Fault::Lost | Fault::Changed(_), None) => String::new(),
    }
}

/// Puts a whole DOWN into the help of the first error, in place of its own.
pub(super) fn add_suggestion(
    found: &mut [Diagnostic],
    suggestion: Option<&Suggestion>,
    foreign_keys: ForeignKeys,
) {
    let first = found
        .iter_mut()
        .find(|diagnostic| diagnostic.severity == Severity::Error);
    let (Some(first), Some(suggestion)) = (first, suggestion) else {
        return;
    };
    let head = match (suggestion.foreign_keys, foreign_keys) {
        (ForeignKeys::Off, ForeignKeys::Unchanged) => {
            "With `-- @foreignKeys: off` in the header this DOWN gives back the schema:"
        }
        _ => "This DOWN gives back the schema:",
    };
    let statements: Vec<_> = suggestion
        .statements
        .iter()
        .map(|statement| format!("\n{statement};"))
        .collect();
    let whole = format!("{head}\n-- DOWN MIGRATION{}", statements.concat());
    first.help = match first.code {
        ROLLBACK_INCOMPLETE => whole,
        _ if first.help.is_empty() => whole,
        _ => format!("{}\n{whole}", first.help),
    };
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
