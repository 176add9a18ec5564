//! `ALTER TABLE` that copies the table while nobody can write to it; see the page.

use super::data_type::DataType;
use super::finding::{Finding, Work};
use super::situation::{Act, Alteration, Situation};
use super::{Group, Rule};
use crate::change::{
    Change, ColumnDef, ColumnOption, ConstraintKind, ConstraintRule, CreateIndex, Verb,
};
use crate::dialect::Family;
use crate::options::Level;
use crate::schema::{Column, Table};

pub(super) const RULE: Rule = Rule {
    code: "mysql-table-copy",
    group: Group::Locking,
    level: Level::Warn,
    engines: &[Family::MySql],
    check,
    page: include_str!("mysql_table_copy.md"),
};

fn check(situation: &Situation<'_>) -> Vec<Finding> {
    let altered = situation.alterations().filter_map(|one| {
        let because = because(&one)?;
        let finding = one.find(format!(
            "`{}` is copied while nobody can write to it",
            one.name
        ));
        Some(explain(finding, because).blocks(one.key, Work::Copy))
    });
    let indexed = situation.up().filter_map(|act| {
        let Change::CreateIndex(create) = &act.step.change else {
            return None;
        };
        let name = create.table.as_ref()?;
        let (table, _) = act.old_table(name)?;
        let because = special_index(create)?;
        let finding = act.find_whole(format!(
            "nobody can write to `{name}` while this index is built"
        ));
        Some(explain(finding, because).blocks(&table, Work::Build))
    });
    altered.chain(indexed).collect()
}

fn because(alteration: &Alteration<'_>) -> Option<&'static str> {
    match &alteration.action.verb {
        Verb::Redefine {
            column, definition, ..
        } => redefined(alteration, alteration.old_column(&column.name)?, definition),
        Verb::AddColumn { column, .. } => column.options.iter().find_map(|option| match option {
            ColumnOption::Constraint(constraint) => {
                matches!(constraint.rule, ConstraintRule::Check(_)).then_some("a check is added")
            }
            _ => None,
        }),
        Verb::AddConstraint { constraint, .. } => match constraint.rule {
            ConstraintRule::Check(_) => Some("a check is added"),
            ConstraintRule::Foreign(_) if !skips_foreign_keys(alteration.act) => {
                Some("a foreign key is added")
            }
            _ => None,
        },
        Verb::DropConstraint {
            which: ConstraintKind::PrimaryKey,
            ..
        } => {
            let mut siblings = alteration.act.siblings();
            let is_replaced = siblings.any(|action| match &action.verb {
                Verb::AddConstraint { constraint, .. } => {
                    matches!(constraint.rule, ConstraintRule::PrimaryKey(_))
                }
                _ => false,
            });
            (!is_replaced).then_some("the rows are sorted by their primary key, which goes")
        }
        Verb::AddIndex(create) => special_index(create),
        Verb::SetOption(option) if &*option.name == "engine" => {
            let now = alteration.table.options.get("engine");
            let is_other = now.is_some_and(|now| !now.eq_ignore_ascii_case(&option.value));
            is_other.then_some("another storage engine keeps rows differently")
        }
        Verb::Other(text) => {
            let starts = |word: &str| text.text.starts_with(word);
            if starts("convert to") {
                Some("every text is written in another character set")
            } else if starts("partition by") || starts("remove partitioning") {
                Some("the rows are divided anew")
            } else {
                None
            }
        }
        _ => None,
    }
}

fn special_index(create: &CreateIndex) -> Option<&'static str> {
    match &*create.method {
        "fulltext" => Some("a FULLTEXT index is not built beside the traffic"),
        "spatial" => Some("a SPATIAL index is not built beside the traffic"),
        _ => None,
    }
}

fn skips_foreign_keys(act: Act<'_>) -> bool {
    let mut earlier = act.situation.up().take(act.place.index);
    earlier.any(|earlier| earlier.sets("foreign_key_checks"))
}

/// Why the engine cannot do with the rows as they are.
fn redefined(alteration: &Alteration<'_>, old: &Column, new: &ColumnDef) -> Option<&'static str> {
    let text = &new.data_type.as_ref()?.text;
    let (before, after) = (DataType::parse(&old.data_type), DataType::parse(text));
    if before == after {
        return None;
    }
    let is_same = before.base == after.base && before.is_unsigned == after.is_unsigned;
    match after.base.as_str() {
        "varchar" | "varbinary" if is_same => {
            let maxima = bytes_per_character(alteration.table, old, &after);
            grows_over(before.number(0)?, after.number(0)?, maxima)
        }
        "enum" | "set" if is_same => {
            let is_appended = after.arguments.starts_with(&before.arguments);
            let size = |of: &DataType| match after.base.as_str() {
                "enum" => usize::from(of.arguments.len() > 255),
                _ => of.arguments.len().div_ceil(8),
            };
            let fits = is_appended && size(&before) == size(&after);
            (!fits).then_some("a member that is not the last changes what rows hold")
        }
        _ => Some("rows hold the one type differently from the other"),
    }
}

/// How many bytes a character may take; several where it is not known.
fn bytes_per_character(table: &Table, column: &Column, data_type: &DataType) -> &'static [u64] {
    if data_type.base == "varbinary" {
        return &[1];
    }
    let collation = column.collation.as_ref().map(|collation| &*collation.text);
    let of_table = table
        .options
        .get("charset")
        .or_else(|| table.options.get("collate"));
    let charset = column.options.get("charset").map(|charset| &**charset);
    let charset = charset.or(collation).or(of_table.map(|charset| &**charset));
    match charset.map(|charset| charset.split('_').next().unwrap_or(charset)) {
        Some("utf8mb4") => &[4],
        Some("utf8" | "utf8mb3") => &[3],
        Some("latin1" | "ascii" | "binary") => &[1],
        Some(_) | None => &[1, 3, 4],
    }
}

fn grows_over(before: u64, after: u64, maxima: &[u64]) -> Option<&'static str> {
    if after < before {
        return Some("every value is looked at to see whether it fits");
    }
    let crosses = |bytes: &u64| before * bytes <= 255 && after * bytes > 255;
    let always = maxima.iter().all(crosses);
    always.then_some("from 256 bytes on the length of a text takes two bytes")
}

fn explain(finding: Finding, because: &str) -> Finding {
    finding
        .label(because)
        .why(
            "The engine makes a second table, copies every row and swaps the two; until then every \
             write waits. One action of this kind makes the whole statement slow.",
        )
        .help(
            "Add a new column or table beside it, keep both in step, fill it in batches and switch \
             over in a later release, or let gh-ost or pt-online-schema-change do that.",
        )
}
