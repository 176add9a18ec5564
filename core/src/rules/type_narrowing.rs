//! Types that cannot hold what the column may hold; see the page.

use super::data_type::DataType;
use super::finding::Finding;
use super::situation::{Alteration, Situation};
use super::{Group, Rule};
use crate::change::{ColumnChange, Fragment, Ident, Name, Verb};
use crate::options::Level;
use crate::schema;

pub(super) const RULE: Rule = Rule {
    code: "type-narrowing",
    group: Group::DataLoss,
    level: Level::Warn,
    engines: &[],
    check,
    page: include_str!("type_narrowing.md"),
};

/// What happens to values that the new type cannot hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// There are none.
    Fit,
    /// The statement fails on them.
    Fail,
    /// They are cut or rounded without a word.
    Lost,
}

pub(super) fn check(situation: &Situation<'_>) -> Vec<Finding> {
    let found = situation.alterations().filter_map(|one| {
        let (column, old, new, fate) = narrowed(&one)?;
        Some(finding(&one, column, &old, &new, fate))
    });
    found.collect()
}

/// The column that the action narrows, its type before and after, and what becomes of the values.
pub(super) fn narrowed<'s>(
    alteration: &Alteration<'s>,
) -> Option<(&'s Ident, String, String, Fate)> {
    let (column, new, using) = new_type(&alteration.action.verb)?;
    let old = alteration.old_column(&column.name)?;
    let mut fate = fate(&old.data_type, new);
    // `USING left(x, 10)` makes them fit.
    if fate == Fate::Fail && using.is_some_and(computes) {
        fate = Fate::Lost;
    }
    let is_narrowed = fate != Fate::Fit && !is_bounded(alteration, &column.name);
    is_narrowed.then(|| (column, old.data_type.to_string(), new.to_owned(), fate))
}

/// The column and the type that an action gives it.
pub(super) fn new_type(verb: &Verb) -> Option<(&Ident, &str, Option<&Fragment>)> {
    match verb {
        Verb::AlterColumn {
            column,
            change: ColumnChange::Type {
                data_type, using, ..
            },
        } => Some((column, &data_type.text, using.as_ref())),
        Verb::Redefine {
            column, definition, ..
        } => Some((column, &definition.data_type.as_ref()?.text, None)),
        _ => None,
    }
}

fn computes(using: &Fragment) -> bool {
    using.text.contains('(') && !using.text.contains("::")
}

/// What happens to values of the one type that the other cannot hold; `Fit` where it is not known.
pub(super) fn fate(old: &str, new: &str) -> Fate {
    let (old, new) = (DataType::parse(old), DataType::parse(new));
    if old.is_array || new.is_array || old == new {
        return Fate::Fit;
    }
    if let (Some(before), Some(after)) = (old.integer_len(), new.integer_len()) {
        let shrinks = after < before
            || (old.is_unsigned != new.is_unsigned && (after <= before || new.is_unsigned));
        return if shrinks { Fate::Fail } else { Fate::Fit };
    }
    if let (Some(before), Some(after)) = (old.text_len(), new.text_len()) {
        return if after < before {
            Fate::Fail
        } else {
            Fate::Fit
        };
    }
    match (old.base.as_str(), new.base.as_str()) {
        ("bit" | "bit varying", "bit" | "bit varying") if shorter(&old, &new, 0) => Fate::Fail,
        ("numeric" | "decimal", "numeric" | "decimal") => numeric(&old, &new),
        ("numeric" | "decimal", "smallint" | "integer" | "int" | "bigint") => match old.number(1) {
            Some(0) => Fate::Fail,
            _ => Fate::Lost,
        },
        ("double precision" | "double", "real" | "float") => Fate::Lost,
        (
            "double precision" | "double" | "real" | "float",
            "smallint" | "integer" | "int" | "bigint",
        ) => Fate::Lost,
        (from, "date") if from.starts_with("timestamp") || from == "datetime" => Fate::Lost,
        (from, to) if from.starts_with("timestamp") && to.starts_with("time ") => Fate::Lost,
        (from, to) if is_clock(from) && is_clock(to) && shorter(&old, &new, 0) => Fate::Lost,
        _ => Fate::Fit,
    }
}

fn is_clock(base: &str) -> bool {
    base.starts_with("time") || base == "datetime"
}

fn shorter(old: &DataType, new: &DataType, at: usize) -> bool {
    new.number(at)
        .is_some_and(|new| old.number(at).is_none_or(|old| new < old))
}

fn numeric(old: &DataType, new: &DataType) -> Fate {
    let scale = |of: &DataType| of.number(1).unwrap_or(0);
    if new.arguments.is_empty() {
        return Fate::Fit;
    }
    if old.arguments.is_empty() || scale(new) < scale(old) {
        return Fate::Lost;
    }
    let whole = |of: &DataType| of.number(0).unwrap_or(0).saturating_sub(scale(of));
    if whole(new) < whole(old) {
        Fate::Fail
    } else {
        Fate::Fit
    }
}

/// Whether a check says something about how long or large the values are.
fn is_bounded(alteration: &Alteration<'_>, name: &Name) -> bool {
    let dialect = alteration.act.situation.dialect();
    let mut constraints = alteration.table.constraints.values();
    constraints.any(|constraint| match &constraint.rule {
        schema::Rule::Check(check) => {
            let has = |word: &str| check.text.contains(word);
            check.mentions(name, dialect) && (has("length") || has("between") || has("<"))
        }
        _ => false,
    })
}

fn finding(
    alteration: &Alteration<'_>,
    column: &Ident,
    old: &str,
    new: &str,
    fate: Fate,
) -> Finding {
    let name = &column.name;
    let why = match fate {
        Fate::Fit | Fate::Fail => {
            "The statement fails on the first row that does not fit, or cuts it where the server \
             is not strict: what runs on the few rows of a test fails on those of production."
        }
        Fate::Lost => {
            "What does not fit is cut or rounded without a word, and no way back restores it."
        }
    };
    alteration
        .find(format!(
            "`{new}` cannot hold every value that `{name}` may hold"
        ))
        .label(format!("it is `{old}` so far"))
        .why(why)
        .help(
            "Let a check before the migration show that every value fits:\n\
             -- CHECK BEFORE: every value fits",
        )
}
