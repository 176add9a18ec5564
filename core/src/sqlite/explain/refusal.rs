//! What SQLite has refused, as a complaint.

use super::{
    Complaint, DEPENDENT_OBJECT_BLOCKS, DUPLICATE_OBJECT, STATEMENT_REFUSED, SYNTAX_ERROR,
    UNKNOWN_COLUMN, UNKNOWN_FUNCTION, UNKNOWN_OBJECT, UNKNOWN_TABLE,
};
use crate::diagnostic::Severity;
use crate::source::{Source, Span};
use crate::sqlite::refusal::Refusal;
use crate::sqlite::words::{Line, written};

pub(in crate::sqlite) fn syntax(refusal: &Refusal, line: &Line<'_>) -> Complaint {
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

pub(in crate::sqlite) fn unknown_table(
    refusal: &Refusal,
    name: &str,
    near: Option<String>,
) -> Complaint {
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

pub(in crate::sqlite) fn unknown_object(
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

pub(in crate::sqlite) fn unknown_column(
    refusal: &Refusal,
    name: &str,
    near: Option<String>,
) -> Complaint {
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

pub(in crate::sqlite) fn duplicate(
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

pub(in crate::sqlite) fn duplicate_column(refusal: &Refusal, name: &str) -> Complaint {
    let message = format!("the table has a column `{name}` already");
    let mut complaint = Complaint::new(DUPLICATE_OBJECT, refusal, message);
    complaint.name = Some(name.to_ascii_lowercase());
    complaint.label = "the name is taken".to_owned();
    complaint.help = "Take another name, or take the statement out.".to_owned();
    complaint
}

pub(in crate::sqlite) fn dependent(refusal: &Refusal, name: &str) -> Complaint {
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

pub(in crate::sqlite) fn broken(refusal: &Refusal, name: &str) -> Complaint {
    let message = format!("`{name}` is broken, and SQLite looks at all views and triggers here");
    let mut complaint = Complaint::new(DEPENDENT_OBJECT_BLOCKS, refusal, message);
    complaint.label = format!("SQLite says: {}", refusal.message);
    complaint.help = format!(
        "Drop `{name}` where what it needs goes away, and make it again after this statement."
    );
    complaint
}

pub(in crate::sqlite) fn constraint(refusal: &Refusal) -> Complaint {
    let message = "the rows that the migrations insert do not allow this".to_owned();
    let mut complaint = Complaint::new(STATEMENT_REFUSED, refusal, message);
    complaint.label = format!("SQLite says: {}", refusal.message);
    complaint.why = "It fails on a new database, where there are no other rows.";
    complaint.help = "Change or delete the offending rows first.".to_owned();
    complaint
}

/// A statement that fails with foreign keys and runs without.
pub(in crate::sqlite) fn foreign_keys(refusal: &Refusal) -> Complaint {
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

pub(in crate::sqlite) fn other(refusal: &Refusal) -> Complaint {
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

pub(in crate::sqlite) fn misspelt_function(name: &str, near: &str) -> Complaint {
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
