//! Columns that go with their values; see the page.

use super::finding::Finding;
use super::rebuild::Rebuild;
use super::situation::{Act, Situation};
use super::{Group, Rule};
use crate::change::{Name, Verb};
use crate::options::Level;
use crate::schema::{Column, Key};
use crate::source::Span;

pub(super) const RULE: Rule = Rule {
    code: "drop-column-loses-data",
    group: Group::DataLoss,
    level: Level::Warn,
    engines: &[],
    check,
    page: include_str!("drop_column_loses_data.md"),
};

pub(super) fn check(situation: &Situation<'_>) -> Vec<Finding> {
    let dropped = situation.alterations().filter_map(|one| {
        let Verb::DropColumn { column, .. } = &one.action.verb else {
            return None;
        };
        let found = one.old_column(&column.name)?;
        let is_lost = found.generated.is_none() && !is_copied(one.act, one.key, &column.name);
        is_lost.then(|| finding(one.act, one.action.span, one.name.to_string(), &column.name))
    });
    let rebuilds = situation.rebuilds();
    let left_out = rebuilds.iter().flat_map(|rebuild| {
        let columns = left_out(rebuild).into_iter();
        columns.map(|column| {
            let table = rebuild.table.name.to_string();
            finding(
                rebuild.create,
                rebuild.create.statement.span,
                table,
                &column.name,
            )
        })
    });
    dropped.chain(left_out).collect()
}

/// Whether a statement before has read the column, so that its values are elsewhere now.
pub(super) fn is_copied(act: Act<'_>, table: &Key, column: &Name) -> bool {
    let mut earlier = act.situation.up().take(act.place.index);
    earlier.any(|earlier| {
        let written = earlier.data().map_or(&[][..], |data| &data.columns);
        let moves = written.iter().any(|written| written.name != *column);
        let within = earlier.writes_to(table) && moves;
        let elsewhere = earlier.reads(table) && !earlier.writes_to(table);
        (within || elsewhere) && earlier.mentions(column)
    })
}

fn left_out<'s>(rebuild: &Rebuild<'s>) -> Vec<&'s Column> {
    let (Some(before), Some(after)) = (rebuild.before(), rebuild.after()) else {
        return Vec::new();
    };
    let columns = before.columns.iter();
    columns
        .filter(|column| column.generated.is_none() && after.column(&column.name).is_none())
        .filter(|column| {
            !rebuild
                .copies
                .iter()
                .any(|copy| copy.mentions(&column.name))
        })
        .collect()
}

fn finding(act: Act<'_>, span: Span, table: String, column: &Name) -> Finding {
    act.find(
        span,
        format!("the values of `{table}.{column}` are gone for good"),
    )
    .label("dropped with its values")
    .why(
        "The way back makes the column again and not what was in it; code of the release \
             before, which still names it, fails at once.",
    )
    .help(
        "Drop it in a later release, when no code reads or writes it any more, and say so in \
             the header:\n-- @phase: contract",
    )
}
