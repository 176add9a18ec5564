//! A rebuild that leaves something of the table behind; see the page.

use super::finding::Finding;
use super::rebuild::{Order, Rebuild};
use super::situation::{Act, Situation};
use super::{Group, Rule};
use crate::change::{Change, TableOrigin};
use crate::dialect::Family;
use crate::options::Level;
use crate::schema::{Body, PartOf};

pub(super) const RULE: Rule = Rule {
    code: "sqlite-rebuild-incomplete",
    group: Group::DataLoss,
    level: Level::Warn,
    engines: &[Family::Sqlite],
    check,
    page: include_str!("sqlite_rebuild_incomplete.md"),
};

fn check(situation: &Situation<'_>) -> Vec<Finding> {
    let rebuilds = situation.rebuilds();
    let found = rebuilds.iter().flat_map(|rebuild| {
        let is_old = situation.start().table(&rebuild.table).is_some();
        let faults = [lost_objects, lost_values, lost_options, moved_references];
        let faults = faults.into_iter().filter(move |_| is_old);
        faults.filter_map(move |fault| fault(situation, rebuild))
    });
    found.collect()
}

/// Indexes and triggers that nobody makes again.
fn lost_objects(situation: &Situation<'_>, rebuild: &Rebuild<'_>) -> Option<Finding> {
    let middle = situation.middle();
    let after = rebuild.after()?;
    let first = match rebuild.order() {
        Order::DropFirst => rebuild.create,
        Order::RenameFirst => rebuild.rename,
    };
    let lost = first
        .before()
        .dependants(&rebuild.table)
        .into_iter()
        .find(|(key, object)| {
            let is_lost = match &object.body {
                Body::Index(index) if index.constraint.is_none() => {
                    let mut others = middle.indexes(&rebuild.table).into_iter();
                    let is_possible = index.parts.iter().all(|part| match &part.what {
                        PartOf::Column(name) => after.column(name).is_some(),
                        PartOf::Expression(_) => true,
                    });
                    is_possible && !others.any(|(_, other)| other.parts == index.parts)
                }
                Body::Trigger(trigger) => {
                    trigger.table == rebuild.table && middle.get(key).is_none()
                }
                _ => false,
            };
            is_lost && !situation.up().any(|act| drops(act, &key.name))
        })?;
    let (key, object) = lost;
    let kind = match object.body {
        Body::Trigger(_) => "trigger",
        _ => "index",
    };
    let message = format!("the {kind} `{}` goes with the old table", key.name);
    Some(finding(
        rebuild.drop,
        message,
        "takes it along",
        format!(
            "Make it again after the rebuild, or drop it by its name before:\nDROP {} {};",
            kind.to_uppercase(),
            key.name
        ),
    ))
}

fn drops(act: Act<'_>, name: &crate::change::Name) -> bool {
    match &act.step.change {
        Change::Drop(drop) => drop.targets.iter().any(|target| target.name.name == *name),
        _ => false,
    }
}

/// Columns that the copy leaves empty or mixes up.
fn lost_values(_: &Situation<'_>, rebuild: &Rebuild<'_>) -> Option<Finding> {
    let (before, after) = (rebuild.before()?, rebuild.after()?);
    let copy = *rebuild.copies.first()?;
    let named = rebuild.filled();
    let kept = before
        .columns
        .iter()
        .filter(|column| column.generated.is_none());
    let kept: Vec<_> = kept
        .filter(|column| after.column(&column.name).is_some())
        .collect();
    if named.is_empty() {
        let is_star = copy.data().is_some_and(|data| data.uses.star);
        let order: Vec<_> = before.columns.iter().map(|column| &column.name).collect();
        let same = after.columns.iter().map(|column| &column.name).eq(order);
        return (is_star && !same).then(|| {
            finding(
                copy,
                "the values go into other columns than they come from".to_owned(),
                "takes the columns in their order",
                "Name the columns on both sides:\nINSERT INTO … (a, b) SELECT a, b FROM …;"
                    .to_owned(),
            )
        });
    }
    let left = kept
        .iter()
        .find(|column| !named.iter().any(|name| name.name == column.name))?;
    Some(finding(
        copy,
        format!("the values of `{}` are not copied", left.name),
        "leaves it out",
        "Copy every column that stays.".to_owned(),
    ))
}

/// What the old table was and the new one is not.
fn lost_options(_: &Situation<'_>, rebuild: &Rebuild<'_>) -> Option<Finding> {
    let (before, after) = (rebuild.before()?, rebuild.after()?);
    let is_copy = matches!(&rebuild.create.step.change, Change::CreateTable(create) if matches!(create.origin, TableOrigin::Query(_)));
    let counts =
        |table: &crate::schema::Table| table.columns.iter().any(|column| column.auto_increment);
    let lost = if is_copy {
        Some("keys, defaults and constraints")
    } else if before.options.contains_key("strict") && !after.options.contains_key("strict") {
        Some("STRICT")
    } else if before.options.contains_key("without rowid")
        && !after.options.contains_key("without rowid")
    {
        Some("WITHOUT ROWID")
    } else if counts(before) && !counts(after) {
        Some("AUTOINCREMENT")
    } else {
        None
    }?;
    Some(finding(
        rebuild.create,
        format!("the new table has lost {lost}"),
        "made without",
        "Say it again where the new table is made.".to_owned(),
    ))
}

/// What refers to the table by its name goes along when it is renamed.
fn moved_references(situation: &Situation<'_>, rebuild: &Rebuild<'_>) -> Option<Finding> {
    if rebuild.order() != Order::RenameFirst {
        return None;
    }
    let is_legacy = situation.up().any(|act| act.sets("legacy_alter_table"));
    let before = rebuild.rename.before();
    let (key, _) = before
        .dependants(&rebuild.table)
        .into_iter()
        .find(|(key, object)| {
            let is_other = **key != rebuild.table;
            is_other
                && matches!(
                    object.body,
                    Body::Table(_) | Body::View(_) | Body::Trigger(_)
                )
        })?;
    (!is_legacy).then(|| {
        finding(
            rebuild.rename,
            format!("`{}` follows the old table to its other name", key.name),
            "what names the table is changed along",
            "Make the new table under another name, copy, drop the old one and rename last."
                .to_owned(),
        )
    })
}

fn finding(act: Act<'_>, message: String, label: &str, help: String) -> Finding {
    act.find_whole(message)
        .label(label)
        .why(
            "A rebuild is one change in several statements; what the old table had and no statement \
             makes again is gone without a word.",
        )
        .help(help)
}
