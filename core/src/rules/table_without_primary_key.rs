//! Tables whose rows cannot be told apart; see the page.

use super::finding::Finding;
use super::situation::Situation;
use super::{Group, Rule};
use crate::change::{Change, Name, TableOrigin};
use crate::options::Level;
use crate::schema::{Key, Schema, Table};

pub(super) const RULE: Rule = Rule {
    code: "table-without-primary-key",
    group: Group::Style,
    level: Level::Warn,
    engines: &[],
    check,
    page: include_str!("table_without_primary_key.md"),
};

fn check(situation: &Situation<'_>) -> Vec<Finding> {
    let found = situation.up().filter_map(|act| {
        let Change::CreateTable(create) = &act.step.change else {
            return None;
        };
        let is_whole = matches!(create.origin, TableOrigin::Elements | TableOrigin::Query(_));
        let key = act.after().relation(&create.name).filter(|_| is_whole)?;
        let is_new = act.before().get(&key).is_none();
        let table = situation.middle().table(&key)?;
        (is_new && lacks_key(table)).then(|| {
            act.find(
                create.name.span,
                format!("`{}` has no primary key", create.name),
            )
            .label("its rows cannot be told apart")
            .why(
                "Replication, change capture and every tool that changes one row need to name \
                     it; without a key they read the whole table, or refuse.",
            )
            .help("Name the columns that tell rows apart:\nPRIMARY KEY (id)")
            .if_still(still_lacks_key, &key, Vec::new())
        })
    });
    found.collect()
}

fn lacks_key(table: &Table) -> bool {
    let is_plain = table.nature.iter().all(|word| *word == "UNLOGGED") && table.inherits.is_empty();
    is_plain && table.primary_key().is_none() && !table.open && !table.temporary
}

/// Whether it is so at the end of all migrations.
fn still_lacks_key(schema: &Schema, key: &Key, _: &[Name]) -> bool {
    schema
        .get(key)
        .and_then(|object| object.table())
        .is_some_and(lacks_key)
}
