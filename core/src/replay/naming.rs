//! The names that engines give by themselves.

use super::Replay;
use crate::change::Name;
use crate::dialect::Family;
use crate::schema::{Class, Key, Part, PartOf, Rule, Table};

/// The longest name that Postgres keeps, in bytes.
const LONGEST: usize = 63;

impl Replay<'_> {
    /// The name of a constraint without one.
    pub(super) fn constraint_name(&self, key: &Key, table: &Table, rule: &Rule) -> Name {
        match self.modelling.family {
            Family::Postgres => self.postgres_constraint(key, table, rule),
            Family::Sqlite => self.unnamed(table, rule),
            Family::MySql => self.mysql_constraint(key, table, rule),
        }
    }

    fn postgres_constraint(&self, key: &Key, table: &Table, rule: &Rule) -> Name {
        let (columns, label) = match rule {
            Rule::PrimaryKey(..) => (String::new(), "pkey"),
            Rule::Unique(parts, _) => (addition(parts), "key"),
            Rule::Foreign(foreign) => (joined(&foreign.columns), "fkey"),
            Rule::Check(check) => {
                let mut names = check.names(self.schema.dialect());
                names.retain(|name| table.column(name).is_some());
                names.sort();
                names.dedup();
                match names.as_slice() {
                    [only] => (only.as_str().to_owned(), "check"),
                    _ => (String::new(), "check"),
                }
            }
            Rule::Exclude(exclude) => {
                let names = exclude.names(self.schema.dialect());
                let columns: Vec<Name> = names
                    .into_iter()
                    .filter(|name| table.column(name).is_some())
                    .collect();
                (joined(&columns), "excl")
            }
            Rule::NotNull(column) => (column.as_str().to_owned(), "not_null"),
        };
        self.free_name(key, table, &columns, label)
    }

    /// `table_columns_label`, with a number behind the label where that is taken.
    pub(super) fn free_name(&self, key: &Key, table: &Table, columns: &str, label: &str) -> Name {
        let taken = |name: &Name| {
            let relation = Key::new(Class::Relation, key.schema.clone(), name.clone());
            self.schema.has(&relation)
                || table.constraints.contains_key(name)
                || self.schema.has_constraint(&key.schema, name)
        };
        let mut number = 0;
        loop {
            let label = match number {
                0 => label.to_owned(),
                number => format!("{label}{number}"),
            };
            let name = self.name(&object_name(key.name.as_str(), columns, &label));
            if !taken(&name) {
                return name;
            }
            number += 1;
        }
    }

    /// SQLite gives no names; the model tells unnamed constraints apart by what they say.
    fn unnamed(&self, table: &Table, rule: &Rule) -> Name {
        let text = match rule {
            Rule::PrimaryKey(..) => " primary key".to_owned(),
            Rule::Unique(parts, _) => format!(" unique ({})", addition(parts)),
            Rule::Foreign(foreign) => format!(
                " foreign key ({}) references {} ({})",
                joined(&foreign.columns),
                foreign.table.name,
                joined(&foreign.referenced)
            ),
            Rule::Check(check) => format!(" check ({})", check.text),
            Rule::Exclude(exclude) => format!(" exclude {}", exclude.text),
            Rule::NotNull(column) => format!(" not null {column}"),
        };
        let mut name = self.name(&text);
        let mut number = 2;
        while table.constraints.contains_key(&name) {
            name = self.name(&format!("{text} {number}"));
            number += 1;
        }
        name
    }

    fn mysql_constraint(&self, key: &Key, table: &Table, rule: &Rule) -> Name {
        let (label, mut number) = match rule {
            Rule::PrimaryKey(..) => return self.name("PRIMARY"),
            Rule::Unique(parts, _) => return self.mysql_index(key, parts),
            Rule::Foreign(_) => ("ibfk", highest(table, key, "ibfk")),
            _ => ("chk", highest(table, key, "chk")),
        };
        number += 1;
        self.name(&format!("{}_{label}_{number}", key.name))
    }

    /// The first column, then with `_2`, `_3` behind.
    pub(super) fn mysql_index(&self, key: &Key, parts: &[Part]) -> Name {
        let first = parts.iter().find_map(|part| match &part.what {
            PartOf::Column(name) => Some(name.as_str()),
            PartOf::Expression(_) => None,
        });
        let first = first.unwrap_or("functional_index");
        let taken = |name: &Name| {
            self.schema
                .has(&Key::within(Class::Index, key, name.clone()))
        };
        let mut name = self.name(first);
        let mut number = 2;
        while taken(&name) || name.key() == "primary" {
            name = self.name(&format!("{first}_{number}"));
            number += 1;
        }
        name
    }

    /// The name of an index without one.
    pub(super) fn index_name(&self, key: &Key, table: &Table, parts: &[Part]) -> Name {
        match self.modelling.indexes_belong_to_tables {
            true => self.mysql_index(key, parts),
            false => self.free_name(key, table, &addition(parts), "idx"),
        }
    }
}

/// The highest number among the constraints of that label.
fn highest(table: &Table, key: &Key, label: &str) -> u32 {
    let prefix = format!("{}_{label}_", key.name).to_lowercase();
    table
        .constraints
        .keys()
        .filter_map(|name| name.key().strip_prefix(&prefix)?.parse::<u32>().ok())
        .max()
        .unwrap_or(0)
}

fn joined(names: &[Name]) -> String {
    let names: Vec<&str> = names.iter().map(Name::as_str).collect();
    names.join("_")
}

/// Columns by name; an expression contributes its function or `expr`.
fn addition(parts: &[Part]) -> String {
    let mut names: Vec<String> = Vec::new();
    for part in parts {
        let base = match &part.what {
            PartOf::Column(name) => name.as_str().to_owned(),
            PartOf::Expression(expression) => function_of(&expression.text),
        };
        // A name that stands already gets a number.
        let mut name = base.clone();
        let mut number = 1;
        while names.contains(&name) {
            name = format!("{base}{number}");
            number += 1;
        }
        names.push(name);
    }
    names.join("_")
}

fn function_of(text: &str) -> String {
    let end = text
        .find(|c: char| !c.is_ascii_alphanumeric() && c != '_')
        .unwrap_or(text.len());
    match text[end..].starts_with('(') && end > 0 {
        true => text[..end].to_owned(),
        false => "expr".to_owned(),
    }
}

/// `table_columns_label`, where the longer part gives way until it fits.
fn object_name(table: &str, columns: &str, label: &str) -> String {
    let overhead = label.len() + 1 + usize::from(!columns.is_empty());
    let available = LONGEST.saturating_sub(overhead);
    let (mut first, mut second) = (table.len(), columns.len());
    while first + second > available {
        match first > second {
            true => first -= 1,
            false => second -= 1,
        }
    }
    let table = crate::change::cut(table, first);
    let columns = crate::change::cut(columns, second);
    match columns.is_empty() {
        true => format!("{table}_{label}"),
        false => format!("{table}_{columns}_{label}"),
    }
}

#[cfg(test)]
mod tests {
    use super::object_name;

    #[test]
    fn the_longer_part_gives_way() {
        assert_eq!(object_name("users", "email", "key"), "users_email_key");
        assert_eq!(object_name("users", "", "pkey"), "users_pkey");
        assert_eq!(
            object_name(
                "really_long_table_name_for_testing",
                "another_very_long_column_name",
                "fkey"
            ),
            "really_long_table_name_for_te_another_very_long_column_nam_fkey"
        );
    }
}
