//! A wide column with a narrow sequence; see the page.

use super::finding::Finding;
use super::situation::{Alteration, Situation};
use super::{Group, Rule};
use crate::change::{ColumnChange, Ident, Verb};
use crate::dialect::Family;
use crate::options::Level;
use crate::schema::{Body, Key, Sequence};

pub(super) const RULE: Rule = Rule {
    code: "serial-widen-leaves-int-sequence",
    group: Group::DataLoss,
    level: Level::Warn,
    engines: &[Family::Postgres],
    check,
    page: include_str!("serial_widen_leaves_int_sequence.md"),
};

fn check(situation: &Situation<'_>) -> Vec<Finding> {
    let found = situation.alterations().filter_map(|one| {
        let Verb::AlterColumn {
            column,
            change: ColumnChange::Type { data_type, .. },
        } = &one.action.verb
        else {
            return None;
        };
        let old = one.old_column(&column.name)?;
        let widens =
            matches!(&*old.data_type, "integer" | "smallint") && &*data_type.text == "bigint";
        let (key, sequence) = owned(&one, column).filter(|_| widens && old.identity.is_none())?;
        is_narrow(sequence).then(|| finding(&one, column, &key))
    });
    found.collect()
}

/// The sequence that fills the column, as it is after the migration.
fn owned<'s>(alteration: &Alteration<'s>, column: &Ident) -> Option<(Key, &'s Sequence)> {
    let middle = alteration.act.situation.middle();
    middle
        .dependants(alteration.key)
        .into_iter()
        .find_map(|(key, object)| match &object.body {
            Body::Sequence(sequence) if !sequence.identity && !sequence.open => {
                let (table, owner) = sequence.owned_by.as_ref()?;
                (table == alteration.key && *owner == column.name).then(|| (key.clone(), sequence))
            }
            _ => None,
        })
}

fn is_narrow(sequence: &Sequence) -> bool {
    let data_type = sequence.options.get("as").map(|text| &**text);
    matches!(data_type, Some("integer" | "smallint"))
}

fn finding(alteration: &Alteration<'_>, column: &Ident, sequence: &Key) -> Finding {
    let name = &sequence.name;
    alteration
        .find(format!("`{name}` still ends at the end of the narrow type"))
        .label(format!("`{}` gets wider alone", column.name))
        .why(
            "The sequence of a serial column has a type of its own. It refuses the number behind \
             2147483647, which is what the change is for.",
        )
        .help(format!("Widen it too:\nALTER SEQUENCE {name} AS bigint;"))
}
