//! Indexes that are dropped before another one serves their queries; see the page.

use super::finding::Finding;
use super::moment::Moment;
use super::situation::{Act, Situation};
use super::{Group, Rule};
use crate::change::{Change, Kind, Verb};
use crate::dialect::Family;
use crate::options::Level;
use crate::schema::{Body, Index, Key, Part};

pub(super) const RULE: Rule = Rule {
    code: "drop-index-before-replacement",
    group: Group::Locking,
    level: Level::Warn,
    engines: &[Family::Postgres, Family::MySql],
    check,
    page: include_str!("drop_index_before_replacement.md"),
};

fn check(situation: &Situation<'_>) -> Vec<Finding> {
    // In one transaction nobody sees what is between; files of other tools begin their own.
    let begins = |act: Act<'_>| {
        let first = act.lexemes().first().copied();
        first.is_some_and(|first| first.is("BEGIN") || first.is("START"))
    };
    if situation.is_one_transaction() || situation.up().next().is_some_and(begins) {
        return Vec::new();
    }
    let drops = situation.up().filter(|act| drops_index(*act));
    let found = drops.flat_map(|act| {
        let gone = gone(act).into_iter();
        gone.filter_map(move |(key, index)| {
            let maker = replacement(act, index)?;
            Some(finding(act, key, maker))
        })
    });
    found.collect()
}

fn drops_index(act: Act<'_>) -> bool {
    match &act.step.change {
        Change::Drop(drop) => drop.targets.iter().any(|target| target.kind == Kind::Index),
        Change::AlterTable(alter) => {
            let mut actions = alter.actions.iter();
            actions.any(|action| matches!(action.verb, Verb::DropIndex { .. }))
        }
        _ => false,
    }
}

/// The indexes that were there before the migration, are gone behind the statement, and leave
/// nothing that serves their queries.
fn gone<'s>(act: Act<'s>) -> Vec<(&'s Key, &'s Index)> {
    let situation = act.situation;
    let gone = act.written().filter_map(|key| {
        situation.start().get(key)?;
        let Body::Index(index) = &act.before().get(key)?.body else {
            return None;
        };
        let table = &index.table;
        let is_kept = act.after().table(table).is_some() && act.after().get(key).is_none();
        let is_small = situation.is_small(table);
        (is_kept && !is_small && !is_served(act.after(), index)).then_some((key, index))
    });
    gone.collect()
}

/// Whether an index begins with the same column.
fn is_served(moment: Moment<'_>, gone: &Index) -> bool {
    let indexes = moment.indexes(&gone.table).into_iter();
    let mut whole = indexes.filter(|(_, index)| index.condition.is_none());
    whole.any(|(_, index)| leading(&index.parts) == leading(&gone.parts))
        || moment.table(&gone.table).is_some_and(|table| {
            let mut columns = table.constraints.values().map(|one| match &one.rule {
                crate::schema::Rule::PrimaryKey(parts, _)
                | crate::schema::Rule::Unique(parts, _) => leading(parts),
                _ => None,
            });
            columns.any(|column| column.is_some() && column == leading(&gone.parts))
        })
}

fn leading(parts: &[Part]) -> Option<&crate::schema::PartOf> {
    parts.first().map(|part| &part.what)
}

/// The later statement that makes one which serves them again.
fn replacement<'s>(act: Act<'s>, gone: &Index) -> Option<Act<'s>> {
    let mut later = act.situation.up().skip(act.place.index + 1);
    later.find(|later| !is_served(later.before(), gone) && is_served(later.after(), gone))
}

fn finding(act: Act<'_>, key: &Key, maker: Act<'_>) -> Finding {
    let source = act.situation.source(act.place.section);
    act.find_whole(format!(
        "no index stands in for `{}` until a later one is built",
        key.name
    ))
    .label("queries read the whole table from here on")
    .also(
        source.first_line(maker.statement.span),
        "serves them again, once it is built",
    )
    .why(
        "Each statement takes effect at once here. In between, every query that used the index \
             reads all rows, for as long as the new one is built.",
    )
    .help("Make the new index first, under another name, and drop the old one behind it.")
}
