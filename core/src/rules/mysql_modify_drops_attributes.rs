//! `MODIFY` and `CHANGE` that forget what they do not say again; see the page.

use super::finding::Finding;
use super::situation::{Alteration, Situation};
use super::{Group, Rule};
use crate::change::{ColumnDef, ColumnOption, ConstraintRule, Ident, Verb};
use crate::dialect::Family;
use crate::options::Level;
use crate::schema::Column;

pub(super) const RULE: Rule = Rule {
    code: "mysql-modify-drops-attributes",
    group: Group::DataLoss,
    level: Level::Warn,
    engines: &[Family::MySql],
    check,
    page: include_str!("mysql_modify_drops_attributes.md"),
};

fn check(situation: &Situation<'_>) -> Vec<Finding> {
    let found = situation.alterations().filter_map(|one| {
        let Verb::Redefine {
            column, definition, ..
        } = &one.action.verb
        else {
            return None;
        };
        let old = one.old_column(&column.name)?;
        let forgotten = forgotten(&one, old, definition);
        (!forgotten.is_empty()).then(|| finding(&one, column, definition, &forgotten))
    });
    found.collect()
}

/// What the column has and the definition does not say, as it has to be written.
fn forgotten(alteration: &Alteration<'_>, old: &Column, new: &ColumnDef) -> Vec<String> {
    let says = |wanted: fn(&ColumnOption) -> bool| new.options.iter().any(wanted);
    let names = |name: &str| {
        new.options.iter().any(|option| match option {
            ColumnOption::Other(option) => &*option.name == name,
            _ => false,
        })
    };
    let in_key = alteration.table.primary_key().is_some_and(|(_, parts)| {
        let columns = crate::schema::Rule::PrimaryKey(parts.to_vec(), "".into()).columns();
        columns.contains(&old.name)
    });
    let is_key = in_key
        || says(|option| match option {
            ColumnOption::Constraint(constraint) => {
                matches!(constraint.rule, ConstraintRule::PrimaryKey(_))
            }
            _ => false,
        });
    let mut forgotten = Vec::new();
    if old.not_null && !is_key && !says(|o| matches!(o, ColumnOption::NotNull | ColumnOption::Null))
    {
        forgotten.push("NOT NULL".to_owned());
    }
    if let Some((expression, is_stored)) = &old.generated
        && !says(|o| matches!(o, ColumnOption::Generated(_)))
    {
        let kind = if *is_stored { "STORED" } else { "VIRTUAL" };
        forgotten.push(format!("GENERATED ALWAYS AS ({}) {kind}", expression.text));
    }
    if let Some(default) = old
        .default
        .as_ref()
        .filter(|default| &*default.text != "null")
        && !says(|o| matches!(o, ColumnOption::Default(_) | ColumnOption::Generated(_)))
    {
        forgotten.push(format!("DEFAULT {}", default.text));
    }
    if let Some(on_update) = &old.on_update
        && !says(|o| matches!(o, ColumnOption::OnUpdate(_)))
    {
        forgotten.push(format!("ON UPDATE {}", on_update.text));
    }
    if old.auto_increment && !says(|o| matches!(o, ColumnOption::AutoIncrement)) {
        forgotten.push("AUTO_INCREMENT".to_owned());
    }
    if let Some(charset) = old.options.get("charset")
        && !names("charset")
        && !says(|o| matches!(o, ColumnOption::Collate(_)))
    {
        forgotten.push(format!("CHARACTER SET {charset}"));
    }
    if let Some(collation) = &old.collation
        && !says(|o| matches!(o, ColumnOption::Collate(_)))
        && !names("charset")
    {
        forgotten.push(format!("COLLATE {}", collation.text));
    }
    if old.options.contains_key("invisible") && !names("invisible") && !names("visible") {
        forgotten.push("INVISIBLE".to_owned());
    }
    if let Some(comment) = &old.comment
        && !says(|o| matches!(o, ColumnOption::Comment(_)))
    {
        forgotten.push(format!("COMMENT {comment}"));
    }
    forgotten
}

fn finding(
    alteration: &Alteration<'_>,
    column: &Ident,
    definition: &ColumnDef,
    forgotten: &[String],
) -> Finding {
    let source = alteration
        .act
        .situation
        .source(alteration.act.place.section);
    let written = definition.span.of(source.text());
    let lost = forgotten.join("`, `");
    let table = alteration.name;
    let verb = match column.name == definition.name.name {
        true => "MODIFY".to_owned(),
        false => format!("CHANGE {}", column.name),
    };
    alteration
        .find(format!("`{}` loses `{lost}`", column.name))
        .label("defines the whole column anew")
        .why(
            "MODIFY and CHANGE keep nothing that they do not say: an attribute left out is an \
             attribute taken away, without a word.",
        )
        .help(format!(
            "Say it again:\nALTER TABLE {table} {verb} {written} {};",
            forgotten.join(" ")
        ))
}
