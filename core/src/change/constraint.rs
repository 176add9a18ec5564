//! Constraints, on columns and on tables.

use std::sync::Arc;

use super::cursor::Cursor;
use super::fragment::Fragment;
use super::{Constraint, ConstraintRule, ForeignKey, Key, TableOption, index};
use crate::dialect::Family;

/// Whether a table constraint comes next, and not a column.
pub(super) fn begins(cursor: &Cursor<'_, '_>) -> bool {
    cursor.sees_any(&["CONSTRAINT", "PRIMARY KEY", "FOREIGN KEY"])
        || (cursor.sees("UNIQUE")
            && cursor.peek_at(1).is_some_and(|next| {
                next.text == "("
                    || next.is("KEY")
                    || next.is("INDEX")
                    || next.is("NULLS")
                    || next.is("USING")
                    || (cursor.family() == Family::MySql
                        && cursor.peek_at(2).is_some_and(|after| after.text == "("))
            }))
        || (cursor.sees("CHECK") && cursor.peek_at(1).is_some_and(|next| next.text == "("))
        || (cursor.sees("EXCLUDE")
            && cursor
                .peek_at(1)
                .is_some_and(|next| next.text == "(" || next.is("USING")))
}

/// Whether a column constraint comes next.
pub(super) fn begins_on_column(cursor: &Cursor<'_, '_>) -> bool {
    cursor.sees_any(&[
        "CONSTRAINT",
        "PRIMARY",
        "UNIQUE",
        "CHECK",
        "REFERENCES",
        "KEY",
        "EXCLUDE",
    ])
}

/// A table constraint, after `ADD` too.
pub(super) fn of_table(cursor: &mut Cursor<'_, '_>) -> Option<Constraint> {
    let start = *cursor;
    let mut name = None;
    if cursor.eat("CONSTRAINT") {
        cursor.eat("IF NOT EXISTS");
        if !cursor.sees_any(&["PRIMARY KEY", "FOREIGN KEY"]) && !begins(cursor) {
            name = Some(cursor.ident()?);
        }
    }
    let rule = if cursor.eat("PRIMARY KEY") {
        key(cursor, true)?
    } else if cursor.eat("UNIQUE") {
        if cursor.family() == Family::MySql {
            cursor.eat_any(&["INDEX", "KEY"]);
        }
        unique(cursor)?
    } else if cursor.eat("FOREIGN KEY") {
        if cursor.family() == Family::MySql && !cursor.sees_sign("(") {
            cursor.eat("IF NOT EXISTS");
            let index = cursor.ident()?;
            name.get_or_insert(index);
        }
        let columns = cursor.columns()?;
        ConstraintRule::Foreign(references(cursor, columns)?)
    } else if cursor.eat("CHECK") {
        ConstraintRule::Check(cursor.group()?.fragment())
    } else if cursor.eat("EXCLUDE") {
        ConstraintRule::Exclude(exclude(cursor)?)
    } else if cursor.eat("NOT NULL") {
        ConstraintRule::NotNull(cursor.ident()?)
    } else {
        return None;
    };
    finish(cursor, start, name, rule)
}

/// `UNIQUE NULLS NOT DISTINCT (…)` keeps its trait in the options of the key.
fn unique(cursor: &mut Cursor<'_, '_>) -> Option<ConstraintRule> {
    let mut nulls = None;
    if cursor.eat("NULLS NOT DISTINCT") {
        nulls = Some(TableOption {
            name: "nulls not distinct".into(),
            value: "".into(),
        });
    } else {
        cursor.eat("NULLS DISTINCT");
    }
    let mut rule = key(cursor, false)?;
    if let (ConstraintRule::Unique(key), Some(nulls)) = (&mut rule, nulls) {
        key.options.push(nulls);
    }
    Some(rule)
}

fn exclude(cursor: &mut Cursor<'_, '_>) -> Option<Fragment> {
    let start = *cursor;
    if cursor.eat("USING") {
        cursor.ident()?;
    }
    cursor.group()?;
    while let Some(word) = cursor.eat_any(&["INCLUDE", "WITH", "USING INDEX TABLESPACE", "WHERE"]) {
        match word {
            "USING INDEX TABLESPACE" => {
                cursor.ident()?;
            }
            _ => {
                cursor.group()?;
            }
        }
    }
    Some(Fragment::of(cursor.read_since(start), cursor.dialect))
}

fn key(cursor: &mut Cursor<'_, '_>, primary: bool) -> Option<ConstraintRule> {
    if cursor.eat("USING INDEX") && !cursor.sees("TABLESPACE") {
        let index = cursor.ident()?;
        return Some(ConstraintRule::UsingIndex { primary, index });
    }
    let key = index::key(cursor)?;
    Some(match primary {
        true => ConstraintRule::PrimaryKey(key),
        false => ConstraintRule::Unique(key),
    })
}

/// A column constraint.
pub(super) fn of_column(cursor: &mut Cursor<'_, '_>) -> Option<Constraint> {
    let start = *cursor;
    let name = match cursor.eat("CONSTRAINT") {
        true => Some(cursor.ident()?),
        false => None,
    };
    let none = || Key {
        parts: Vec::new(),
        include: Vec::new(),
        options: Vec::new(),
        index_name: None,
    };
    let rule = if cursor.eat("PRIMARY KEY") || cursor.eat("PRIMARY") || cursor.eat("KEY") {
        let mut key = none();
        key.options = index::key_options(cursor)?;
        if let Some(order) = cursor.eat_any(&["ASC", "DESC"])
            && order == "DESC"
        {
            key.options.push(TableOption {
                name: "desc".into(),
                value: "".into(),
            });
        }
        ConstraintRule::PrimaryKey(key)
    } else if cursor.eat("UNIQUE") {
        let mut key = none();
        cursor.eat("KEY");
        if cursor.eat("NULLS NOT DISTINCT") {
            key.options.push(TableOption {
                name: "nulls not distinct".into(),
                value: "".into(),
            });
        }
        key.options.extend(index::key_options(cursor)?);
        ConstraintRule::Unique(key)
    } else if cursor.sees("REFERENCES") {
        ConstraintRule::Foreign(references(cursor, Vec::new())?)
    } else if cursor.eat("CHECK") {
        ConstraintRule::Check(cursor.group()?.fragment())
    } else if cursor.eat("NOT NULL") {
        ConstraintRule::NotNull(name.clone()?)
    } else if cursor.eat("NULL")
        || cursor.sees("DEFAULT")
        || cursor.sees("COLLATE")
        || cursor.sees("GENERATED")
    {
        // A name for something that keeps none.
        return None;
    } else {
        return None;
    };
    finish(cursor, start, name, rule)
}

fn references(cursor: &mut Cursor<'_, '_>, columns: Vec<super::Ident>) -> Option<ForeignKey> {
    cursor.expect("REFERENCES")?;
    let table = cursor.object_name()?;
    let referenced = match cursor.sees_sign("(") {
        true => cursor.columns()?,
        false => Vec::new(),
    };
    let mut foreign = ForeignKey {
        on_column: columns.is_empty(),
        columns,
        table,
        referenced,
        on_delete: "no action".into(),
        on_update: "no action".into(),
        matching: "simple".into(),
    };
    loop {
        if cursor.eat("ON DELETE") {
            foreign.on_delete = reaction(cursor)?;
        } else if cursor.eat("ON UPDATE") {
            foreign.on_update = reaction(cursor)?;
        } else if cursor.eat("MATCH") {
            foreign.matching = cursor.next()?.text.to_lowercase().into();
        } else {
            return Some(foreign);
        }
    }
}

fn reaction(cursor: &mut Cursor<'_, '_>) -> Option<Arc<str>> {
    let word = cursor.eat_any(&[
        "NO ACTION",
        "RESTRICT",
        "CASCADE",
        "SET NULL",
        "SET DEFAULT",
    ])?;
    let mut text = word.to_lowercase();
    if let Some(mut columns) = cursor.group() {
        text = format!("{text} ({})", columns.fragment().text);
    }
    Some(text.into())
}

fn finish<'l, 't>(
    cursor: &mut Cursor<'l, 't>,
    start: Cursor<'l, 't>,
    name: Option<super::Ident>,
    rule: ConstraintRule,
) -> Option<Constraint> {
    let traits = traits(cursor)?;
    Some(Constraint {
        name,
        rule,
        traits,
        span: cursor.span_since(start),
    })
}

/// What may follow any constraint; what is the engine's own choice is left out.
pub(super) fn traits(cursor: &mut Cursor<'_, '_>) -> Option<Vec<Arc<str>>> {
    const TRAITS: &[(&str, &str)] = &[
        ("NOT DEFERRABLE", ""),
        ("DEFERRABLE", "deferrable"),
        ("INITIALLY DEFERRED", "initially deferred"),
        ("INITIALLY IMMEDIATE", ""),
        ("NOT VALID", "not valid"),
        ("NO INHERIT", "no inherit"),
        ("NOT ENFORCED", "not enforced"),
        ("ENFORCED", ""),
    ];
    let mut traits: Vec<Arc<str>> = Vec::new();
    loop {
        if let Some((_, text)) = TRAITS.iter().find(|(words, _)| cursor.eat(words)) {
            if !text.is_empty() {
                traits.push((*text).into());
            }
        } else if cursor.eat("ON CONFLICT") {
            traits.push(format!("on conflict {}", cursor.next()?.text.to_lowercase()).into());
        } else {
            break;
        }
    }
    // What is initially deferred is deferrable.
    if traits.iter().any(|text| &**text == "initially deferred")
        && !traits.iter().any(|text| &**text == "deferrable")
    {
        traits.push("deferrable".into());
    }
    traits.sort();
    traits.dedup();
    Some(traits)
}
