//! A way back that makes the shape again and not what was in it; see the page.

use super::drop_column_loses_data;
use super::drop_table_loses_data;
use super::finding::{Finding, Strength};
use super::situation::{Act, Situation};
use super::type_narrowing::{Fate, narrowed};
use super::{Group, Rule};
use crate::annotation;
use crate::change::{Data, DataVerb};
use crate::options::Level;
use crate::schema::Key;
use crate::source::Span;

pub(super) const RULE: Rule = Rule {
    code: "rollback-lossy",
    group: Group::Rollback,
    level: Level::Warn,
    engines: &[],
    check,
    page: include_str!("rollback_lossy.md"),
};

fn check(situation: &Situation<'_>) -> Vec<Finding> {
    let migration = situation.migration;
    let said = said_safe(situation);
    if migration.down.is_none() || (said.is_some() && !migration.rollback_safe) {
        return Vec::new();
    }
    let mut found = losses(situation);
    for finding in &mut found {
        explain(finding, said);
    }
    found
}

/// Where the header says whether rolling back is safe. Folders of other tools do not say it.
fn said_safe(situation: &Situation<'_>) -> Option<Span> {
    let source = situation.migration.source();
    let (key, value) = annotation::locate(source, situation.dialect(), "rollbackSafe")?;
    Some(key.to(value))
}

/// What the UP destroys and the DOWN does not write again.
fn losses(situation: &Situation<'_>) -> Vec<Finding> {
    let dropped = drop_table_loses_data::check(situation).into_iter();
    let dropped = dropped.chain(drop_column_loses_data::check(situation));
    let dropped = dropped.map(|found| Finding::new(found.place, found.span, found.message));
    let narrowed = situation.alterations().filter_map(|one| {
        let (column, old, _, fate) = narrowed(&one)?;
        let message = format!("what `{}` held as `{old}` cannot be had back", column.name);
        (fate == Fate::Lost).then(|| one.find(message))
    });
    let rows = situation
        .data()
        .filter_map(|(act, data)| rows_lost(act, data));
    let all = dropped.chain(narrowed).chain(rows);
    all.map(|finding| finding.strength(Strength::Certain))
        .chain(overwritten(situation))
        .filter(|finding| !is_restored(situation, finding))
        .collect()
}

fn rows_lost(act: Act<'_>, data: &Data) -> Option<Finding> {
    let is_emptied = match data.verb {
        DataVerb::Truncate => true,
        DataVerb::Delete => !data.filtered,
        DataVerb::Insert | DataVerb::Update | DataVerb::Merge | DataVerb::Query => false,
    };
    let name = data.targets.first()?;
    let (table, _) = act.old_table(name)?;
    let was_read = act
        .situation
        .up()
        .take(act.place.index)
        .any(|earlier| earlier.reads(&table));
    (is_emptied && !was_read).then(|| {
        let mut finding = act.find_whole(format!("the rows of `{name}` are gone for good"));
        finding.table = Some(table);
        finding
    })
}

/// Columns that were there before and get another value in every row.
fn overwritten(situation: &Situation<'_>) -> Vec<Finding> {
    let updates = situation.data().filter_map(|(act, data)| {
        let is_update = data.verb == DataVerb::Update && !data.filtered;
        let name = data
            .targets
            .first()
            .filter(|_| is_update && data.targets.len() == 1)?;
        let (table, _) = act.old_table(name)?;
        let origin = act.as_found(&table)?;
        let column = data
            .columns
            .iter()
            .find(|column| origin.column(&column.name).is_some())?;
        let was_read = drop_column_loses_data::is_copied(act, &table, &column.name);
        let message = format!(
            "the former values of `{name}.{}` are gone for good",
            column.name
        );
        let mut finding = act.find_whole(message);
        finding.table = Some(table);
        (!was_read).then_some(finding)
    });
    updates.collect()
}

/// Whether the DOWN writes to the table, so that it may well bring the values back.
fn is_restored(situation: &Situation<'_>, finding: &Finding) -> bool {
    let statement = situation.up().nth(finding.place.index);
    let tables: Vec<Key> = match (&finding.table, statement) {
        (Some(table), _) => vec![table.clone()],
        (None, Some(act)) => act.touched_tables(),
        (None, None) => Vec::new(),
    };
    situation
        .down()
        .any(|act| tables.iter().any(|table| act.writes_to(table)))
}

fn explain(finding: &mut Finding, said: Option<Span>) {
    let found = finding.clone();
    let is_certain = found.strength == Strength::Certain && said.is_some();
    let strength = if is_certain {
        Strength::Certain
    } else {
        Strength::Usual
    };
    let found = found
        .strength(strength)
        .label("the way back makes the shape again, not what was in it")
        .why(
            "A rollback that runs through looks as if all were well; whoever runs it has to know \
             beforehand what it does not bring back.",
        )
        .help("Keep the values where the DOWN finds them, or say that they are lost:\n-- @rollbackSafe: false");
    *finding = match said {
        Some(span) => found.also(span, "the header says that nothing is lost"),
        None => found,
    };
}
