//! The DOWN that an UP should have.
//!
//! What is thought of here is played before anybody sees it: what does not give back the schema is
//! not suggested.

use std::collections::BTreeSet;

use super::catalogue::{Key, Kind, Load, Object, Objects};
use super::compare;
use super::stage::{Stage, Theatre};
use super::table::{self, Column, Definition};
use super::words::written;
use crate::dialect::Dialect;
use crate::migration::ForeignKeys;

/// A DOWN that works.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Suggestion {
    /// Its statements, without semicolons.
    pub(super) statements: Vec<String>,
    /// `Off` where rows would be lost with foreign keys.
    pub(super) foreign_keys: ForeignKeys,
}

impl Suggestion {
    /// The section, ready to paste; what the header needs stands above it.
    pub(super) fn into_text(self) -> String {
        let head = match self.foreign_keys {
            ForeignKeys::Unchanged => "",
            ForeignKeys::Off => "-- @foreignKeys: off\n",
        };
        let statements = self
            .statements
            .iter()
            .map(|statement| format!("{statement};\n"));
        std::iter::once(format!("{head}-- DOWN MIGRATION\n"))
            .chain(statements)
            .collect()
    }
}

/// What leads from the schema `after` an UP back to the one `before` it.
pub(super) fn suggest(
    before: &Objects,
    after: &Objects,
    theatre: &Theatre,
    dialect: Dialect,
) -> Option<Suggestion> {
    let inverse = Inverse {
        before,
        after,
        theatre,
        dialect,
    };
    // The first that works; the gentlest first.
    [Manner::Alter, Manner::Rebuild]
        .into_iter()
        .find_map(|manner| {
            let statements = inverse.write(manner)?;
            let switches = [ForeignKeys::Unchanged, ForeignKeys::Off];
            let foreign_keys = switches
                .into_iter()
                .find(|switch| inverse.works(&statements, *switch))?;
            Some(Suggestion {
                statements,
                foreign_keys,
            })
        })
}

/// How tables are changed.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Manner {
    /// By `ALTER TABLE`.
    Alter,
    /// A new one is made, filled and put in the place of the old one.
    Rebuild,
}

struct Inverse<'o> {
    before: &'o Objects,
    after: &'o Objects,
    theatre: &'o Theatre,
    dialect: Dialect,
}

impl Inverse<'_> {
    fn write(&self, manner: Manner) -> Option<Vec<String>> {
        let renamed = self.renamed_tables();
        let mut drops = Vec::new();
        let mut changes = Vec::new();
        let mut creates = Vec::new();
        // What belongs to a rebuilt table goes with it and is made again.
        let mut rebuilt = Vec::new();
        for (now, was) in &renamed {
            changes.push(format!(
                "ALTER TABLE {} RENAME TO {}",
                written(&now.name),
                written(&was.name)
            ));
        }
        for (key, was) in self
            .before
            .iter()
            .filter(|(_, was)| was.kind == Kind::Table)
        {
            let Some(now) = self.after.get(key) else {
                continue;
            };
            if compare::is_same(&was.sql, &now.sql, self.dialect) {
                continue;
            }
            let altered = match manner {
                Manner::Alter => self.alter(was, now),
                Manner::Rebuild => None,
            };
            match altered {
                Some(statements) => changes.extend(statements),
                None => {
                    changes.extend(self.rebuild(was, now)?);
                    rebuilt.push(was.table.clone());
                }
            }
        }
        let is_renamed = |object: &Object| {
            renamed
                .iter()
                .any(|(now, was)| now == &object || was == &object)
        };
        for object in self.after.values() {
            let was = self.before.get(&object.key());
            let is_same = was.is_some_and(|was| {
                was.kind == object.kind
                    && (object.kind == Kind::Table
                        || compare::is_same(&was.sql, &object.sql, self.dialect))
            });
            if is_same || is_renamed(object) {
                continue;
            }
            let goes_along = matches!(object.kind, Kind::Index | Kind::Trigger)
                && self.is_dropped(&object.table, &renamed);
            if !goes_along {
                drops.push((
                    object.kind,
                    format!("DROP {} {}", object.kind.words(), written(&object.name)),
                ));
            }
        }
        for object in self.before.values() {
            let now = self.after.get(&object.key());
            let is_same = now.is_some_and(|now| {
                now.kind == object.kind
                    && (object.kind == Kind::Table
                        || compare::is_same(&now.sql, &object.sql, self.dialect))
            });
            let went_along = object.kind != Kind::Table && rebuilt.contains(&object.table);
            if is_renamed(object) || is_same && !went_along {
                continue;
            }
            creates.push((object.kind, object.sql.to_string()));
        }
        // Triggers and views first, for they name the columns of tables.
        drops.sort_by_key(|(kind, _)| std::cmp::Reverse(*kind));
        creates.sort_by_key(|(kind, _)| *kind);
        let (tables, others): (Vec<_>, Vec<_>) = drops
            .into_iter()
            .partition(|(kind, _)| *kind == Kind::Table);
        let text = |list: Vec<(Kind, String)>| list.into_iter().map(|(_, sql)| sql);
        let tables = self.children_first(tables);
        let statements = text(others)
            .chain(tables)
            .chain(changes)
            .chain(text(creates));
        Some(statements.collect())
    }

    /// Tables that refer to others are dropped before those.
    fn children_first(&self, drops: Vec<(Kind, String)>) -> Vec<String> {
        let mut rest: Vec<&Object> = self
            .after
            .values()
            .filter(|object| object.kind == Kind::Table)
            .filter(|object| {
                drops
                    .iter()
                    .any(|(_, drop)| *drop == format!("DROP TABLE {}", written(&object.name)))
            })
            .collect();
        let refers = |child: &Object, parent: &Object| {
            child.table != parent.table
                && super::catalogue::parents(&child.sql, self.dialect).contains(&parent.table)
        };
        let mut ordered = Vec::new();
        while !rest.is_empty() {
            let free = rest
                .iter()
                .position(|table| !rest.iter().any(|other| refers(other, table)));
            let table = rest.remove(free.unwrap_or(0));
            ordered.push(format!("DROP TABLE {}", written(&table.name)));
        }
        ordered
    }

    fn is_dropped(&self, table: &str, renamed: &[(&Object, &Object)]) -> bool {
        let key = Key::of(Kind::Table, table);
        !self.before.contains_key(&key) && !renamed.iter().any(|(now, _)| now.table == *table)
    }

    /// Tables that are the same under another name: now and before.
    fn renamed_tables(&self) -> Vec<(&Object, &Object)> {
        let alone = |one: &'_ Objects, other: &Objects| -> Vec<Key> {
            let tables = one
                .iter()
                .filter(|(_, object)| object.kind == Kind::Table && !object.is_virtual);
            tables
                .filter(|(key, _)| !other.contains_key(key))
                .map(|(key, _)| key.clone())
                .collect()
        };
        let mut candidates = alone(self.before, self.after);
        let mut renamed = Vec::new();
        for key in alone(self.after, self.before) {
            let now = &self.after[&key];
            let at = candidates.iter().position(|candidate| {
                let was = &self.before[candidate];
                self.body(&was.sql) == self.body(&now.sql)
            });
            if let Some(at) = at {
                renamed.push((now, &self.before[&candidates.swap_remove(at)]));
            }
        }
        renamed
    }

    /// What stands behind the name of a table.
    fn body(&self, sql: &str) -> String {
        let tokens = crate::lex::lex(sql, self.dialect).tokens;
        let lexemes = crate::lex::lexemes(sql, &tokens);
        let open = lexemes
            .iter()
            .position(|lexeme| lexeme.kind == crate::lex::TokenKind::Open);
        table::canonical(&lexemes[open.unwrap_or(0)..])
    }

    /// Adds and drops columns, or renames one.
    fn alter(&self, was: &Object, now: &Object) -> Option<Vec<String>> {
        let (old, new) = (self.definition(was)?, self.definition(now)?);
        let name = written(&was.name);
        let lost: Vec<_> = old
            .columns
            .iter()
            .filter(|column| new.column(&column.name).is_none())
            .collect();
        let added: Vec<_> = new
            .columns
            .iter()
            .filter(|column| old.column(&column.name).is_none())
            .collect();
        if let ([lost], [added]) = (lost.as_slice(), added.as_slice()) {
            let place = |definition: &Definition, name: &str| {
                definition.columns.iter().position(|column| column.is(name))
            };
            if place(&old, &lost.name) == place(&new, &added.name)
                && lost.data_type == added.data_type
            {
                let (from, to) = (written(&added.name), written(&lost.name));
                return Some(vec![format!(
                    "ALTER TABLE {name} RENAME COLUMN {from} TO {to}"
                )]);
            }
        }
        if lost.is_empty() && added.is_empty() {
            return None;
        }
        let drops = added
            .iter()
            .rev()
            .map(|column| format!("ALTER TABLE {name} DROP COLUMN {}", written(&column.name)));
        let adds = lost
            .iter()
            .map(|column| format!("ALTER TABLE {name} ADD COLUMN {}", column.text));
        Some(drops.chain(adds).collect())
    }

    fn rebuild(&self, was: &Object, now: &Object) -> Option<Vec<String>> {
        if was.is_virtual || now.is_virtual {
            return None;
        }
        let (old, new) = (self.definition(was)?, self.definition(now)?);
        let aside = format!("{}_before", was.name);
        let is_taken = [self.before, self.after]
            .iter()
            .any(|objects| objects.contains_key(&Key::of(Kind::Table, &aside)));
        if is_taken {
            return None;
        }
        let copied: Vec<_> = old
            .columns
            .iter()
            .filter_map(|column| copied(column, &new))
            .collect();
        let (columns, values): (Vec<_>, Vec<_>) = copied.into_iter().unzip();
        let (columns, values) = (columns.join(", "), values.join(", "));
        let open = was.sql.find('(')?;
        let (name, aside) = (written(&was.name), written(&aside));
        let mut statements = vec![format!("CREATE TABLE {aside} {}", &was.sql[open..])];
        if !columns.is_empty() {
            statements.push(format!(
                "INSERT INTO {aside} ({columns}) SELECT {values} FROM {name}"
            ));
        }
        statements.push(format!("DROP TABLE {name}"));
        statements.push(format!("ALTER TABLE {aside} RENAME TO {name}"));
        Some(statements)
    }

    fn definition(&self, object: &Object) -> Option<Definition> {
        table::read_alone(self.theatre, object, self.dialect)
    }

    /// Whether the statements give back the schema, the order of columns aside, and keep the rows.
    fn works(&self, statements: &[String], foreign_keys: ForeignKeys) -> bool {
        let Ok(stage) = self.theatre.open(foreign_keys) else {
            return false;
        };
        if !self.set_up(&stage) {
            return false;
        }
        let kept = self
            .before
            .values()
            .filter(|object| object.kind == Kind::Table && self.after.contains_key(&object.key()));
        let counts: Vec<_> = kept
            .map(|table| (table, count(&stage, &table.name)))
            .collect();
        stage.begin(true);
        let runs = statements
            .iter()
            .all(|statement| stage.execute(statement).is_ok());
        if !runs || stage.commit(&[]).is_err() {
            return false;
        }
        let comparison =
            compare::compare(self.before, &stage.objects(), self.theatre, self.dialect);
        comparison.leftovers.is_empty()
            && comparison.respelt.is_empty()
            && counts
                .iter()
                .all(|(table, was)| count(&stage, &table.name) == *was)
    }

    /// The schema after the UP, with a row in each table, because SQLite refuses on rows what it
    /// takes on empty tables.
    fn set_up(&self, stage: &Stage) -> bool {
        let mut objects: Vec<_> = self.after.iter().collect();
        objects.sort_by_key(|(_, object)| object.kind);
        let load = Load {
            objects,
            rows: Vec::new(),
            hollow: BTreeSet::new(),
        };
        if !stage.load(&load).is_empty() {
            return false;
        }
        let tables = self
            .after
            .values()
            .filter(|object| object.kind == Kind::Table && !object.is_virtual);
        // Where no such row can be, the table stays empty.
        let _ = stage.execute("PRAGMA ignore_check_constraints = ON");
        for definition in tables.filter_map(|table| Some((table, self.definition(table)?))) {
            let (table, definition) = definition;
            let columns = definition
                .columns
                .iter()
                .filter(|column| !column.is_generated());
            let (names, values): (Vec<_>, Vec<_>) = columns
                .map(|column| (written(&column.name), filler(column)))
                .unzip();
            let _ = stage.execute(&format!(
                "INSERT INTO {} ({}) VALUES ({})",
                written(&table.name),
                names.join(", "),
                values.join(", ")
            ));
        }
        let _ = stage.execute("PRAGMA ignore_check_constraints = OFF");
        true
    }
}

fn count(stage: &Stage, table: &str) -> Option<String> {
    let rows = stage
        .table(&format!("SELECT count(*) FROM {}", written(table)))
        .ok()?;
    rows.into_iter().flatten().next().flatten()
}

/// A column of the table as it was, and where its values come from. `None` where nothing is copied.
fn copied(column: &Column, new: &Definition) -> Option<(String, String)> {
    let name = written(&column.name);
    match new.column(&column.name) {
        _ if column.is_generated() => None,
        Some(_) => Some((name.clone(), name)),
        None if column.not_null && column.default.is_none() => {
            Some((name, filler(column).to_owned()))
        }
        None => None,
    }
}

/// A value for a column whose own values are gone.
fn filler(column: &Column) -> &'static str {
    let is = |words: &[&str]| words.iter().any(|word| column.data_type.contains(word));
    match () {
        _ if is(&["int"]) => "0",
        _ if is(&["char", "clob", "text", "any"]) => "''",
        _ if is(&["blob"]) => "x''",
        _ => "0",
    }
}
