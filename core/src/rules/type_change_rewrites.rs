//! `ALTER COLUMN … TYPE` that writes every row; see the page.

use super::data_type::DataType;
use super::finding::{Finding, Strength, Work};
use super::moment::Moment;
use super::situation::{Alteration, Situation};
use super::volatile::type_name;
use super::{Group, Rule};
use crate::change::{ColumnChange, Fragment, Ident, Type, Verb};
use crate::dialect::Family;
use crate::options::Level;
use crate::schema::{Body, Class, PartOf};

pub(super) const RULE: Rule = Rule {
    code: "type-change-rewrites",
    group: Group::Locking,
    level: Level::Warn,
    engines: &[Family::Postgres],
    check,
    page: include_str!("type_change_rewrites.md"),
};

fn check(situation: &Situation<'_>) -> Vec<Finding> {
    situation
        .alterations()
        .filter_map(|one| judge(&one))
        .collect()
}

/// What the engine has to do.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Cost {
    Nothing,
    Indexes,
    Rows,
}

fn judge(alteration: &Alteration<'_>) -> Option<Finding> {
    let Verb::AlterColumn { column, change } = &alteration.action.verb else {
        return None;
    };
    let ColumnChange::Type {
        data_type,
        collation,
        using,
    } = change
    else {
        return None;
    };
    let old = alteration.old_column(&column.name)?;
    let moment = alteration.act.before();
    let mut cost = cost(&old.data_type, data_type, moment);
    if using
        .as_ref()
        .is_some_and(|using| !is_bare_cast(using, column, data_type))
    {
        cost = Cost::Rows;
    }
    if cost == Cost::Nothing && *collation != old.collation {
        cost = Cost::Indexes;
    }
    match cost {
        Cost::Nothing => None,
        Cost::Indexes if !is_indexed(alteration, column) => None,
        Cost::Indexes => Some(
            finding(alteration, column, &old.data_type, data_type)
                .strength(Strength::Remark)
                .blocks(alteration.key, Work::Build),
        ),
        Cost::Rows => Some(
            finding(alteration, column, &old.data_type, data_type)
                .blocks(alteration.key, Work::Rewrite),
        ),
    }
}

/// What it takes to turn the values of one type into those of another.
fn cost(old: &str, new: &Type, moment: Moment<'_>) -> Cost {
    if *old == *new.text {
        return Cost::Nothing;
    }
    let name = type_name(&new.text, moment.situation.dialect());
    let domain = moment
        .named(Class::Type, &name)
        .and_then(|key| moment.get(&key));
    if let Some(Body::Domain(domain)) = domain.map(|found| &found.body) {
        let is_plain = !domain.not_null && domain.checks.is_empty() && *domain.data_type == *old;
        return if is_plain { Cost::Nothing } else { Cost::Rows };
    }
    let (old, new) = (DataType::parse(old), DataType::parse(&new.text));
    if old.is_array || new.is_array {
        return Cost::Rows;
    }
    let grows = |at: usize| match (old.number(at), new.number(at)) {
        (_, None) => true,
        (None, Some(_)) => false,
        (Some(old), Some(new)) => new >= old,
    };
    let zoneless = |base: &str| {
        base.replace(" with time zone", "")
            .replace(" without time zone", "")
    };
    let free = match (old.base.as_str(), new.base.as_str()) {
        ("character varying", "character varying") => grows(0),
        ("character varying" | "text", "text") => true,
        ("text", "character varying") => new.arguments.is_empty(),
        ("character varying" | "text", "citext") | ("citext", "text") => return Cost::Indexes,
        ("citext", "character varying") if new.arguments.is_empty() => return Cost::Indexes,
        ("numeric", "numeric") => {
            new.arguments.is_empty()
                || grows(0) && !old.arguments.is_empty() && old.number(1) == new.number(1)
        }
        ("bit varying", "bit varying") => grows(0),
        ("bit", "bit varying") => grows(0),
        ("cidr", "inet") => true,
        // The connection of the runner stands at UTC, where both are the same number.
        (from, to) if zoneless(from) == "timestamp" && zoneless(to) == "timestamp" => grows(0),
        (from, to) if from == to && (zoneless(from) == "time" || from.starts_with("interval")) => {
            grows(0)
        }
        _ => false,
    };
    if free { Cost::Nothing } else { Cost::Rows }
}

/// `USING x` and `USING x::type` say nothing that would not happen anyway.
fn is_bare_cast(using: &Fragment, column: &Ident, data_type: &Type) -> bool {
    let name = column.name.as_str();
    let cast = using
        .text
        .strip_prefix(name)
        .map(|rest| rest.trim_start_matches("::"));
    match cast {
        Some("") => true,
        Some(cast) => using.text.contains("::") && same_type(cast, &data_type.text),
        None => false,
    }
}

/// Whether two spellings of a type have the same arguments; the words for one type are many.
fn same_type(cast: &str, data_type: &str) -> bool {
    DataType::parse(cast).arguments == DataType::parse(data_type).arguments
}

fn is_indexed(alteration: &Alteration<'_>, column: &Ident) -> bool {
    let indexes = alteration.act.before().indexes(alteration.key);
    let by_index = indexes.iter().any(|(_, index)| {
        index.parts.iter().any(|part| match &part.what {
            PartOf::Column(name) => *name == column.name,
            PartOf::Expression(text) => {
                text.mentions(&column.name, alteration.act.situation.dialect())
            }
        })
    });
    let mut constraints = alteration.table.constraints.values();
    by_index
        || constraints.any(|constraint| match &constraint.rule {
            crate::schema::Rule::PrimaryKey(..) | crate::schema::Rule::Unique(..) => {
                constraint.rule.columns().contains(&column.name)
            }
            _ => false,
        })
}

fn finding(alteration: &Alteration<'_>, column: &Ident, old: &str, new: &Type) -> Finding {
    let table = alteration.name;
    let name = &column.name;
    alteration
        .find(format!(
            "turning `{name}` into `{}` writes `{table}` anew",
            new.text
        ))
        .label(format!("it is `{old}` so far"))
        .why(
            "Values of the one type are stored differently from those of the other, so the table \
             and its indexes are written anew while nobody can read or write it.",
        )
        .help(format!(
            "Add a column of the new type, keep both in step by a trigger or in the code, fill it \
             in batches, and drop `{name}` in a later release."
        ))
}
