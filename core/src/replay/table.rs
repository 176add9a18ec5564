//! `CREATE TABLE`.

use super::{Done, Replay, double};
use crate::change::{
    CreateTable, IfExists, Kind, Name, ObjectName, Query, TableElement, TableOrigin, extract,
};
use crate::dialect::Family;
use crate::schema::{Body, Class, Column, Key, Object, PartOf, Rule, Sequence, Table, by_name};

impl Replay<'_> {
    pub(super) fn create_table(&mut self, create: &CreateTable) -> Done {
        let key = self.new_key(Class::Relation, &create.name);
        self.hides(create.temporary, &key, &create.name)?;
        if self.schema.has(&key) && create.if_exists != IfExists::Replace {
            if create.if_exists == IfExists::Keep {
                return match self.schema.get(&key).is_some_and(|object| object.is_open()) {
                    true => {
                        self.give_up(create.name.span, "whether the table was there is not known")
                    }
                    false => Some(()),
                };
            }
            self.is_free(&key, &create.name, Kind::Table)?;
        }
        if !self.is_sure(&create.name) {
            self.may_be_there(create.if_exists, &create.name, "table");
        }
        if create.if_exists == IfExists::Replace {
            self.drop_relation(&key);
        }
        let table = Table {
            options: by_name(&create.options),
            partition_by: create.partition_by.clone(),
            nature: create.nature.clone(),
            temporary: create.temporary,
            ..Table::default()
        };
        self.schema
            .put(key.clone(), Some(Object::new(Body::Table(table))));
        self.inherit(&key, create)?;
        for element in &create.elements {
            if let TableElement::Like { table, including } = element {
                self.copy_like(&key, table, including)?;
            }
        }
        self.elements(&key, create)?;
        self.settle(&key);
        Some(())
    }

    /// Notes that it is not known whether an object was there, where a statement makes it only if
    /// it was not, or a block catches the error.
    pub(super) fn may_be_there(&mut self, if_exists: IfExists, name: &ObjectName, what: &str) {
        if (if_exists != IfExists::Fail || self.guarded) && self.was_doubted(name) {
            self.unknown(
                name.span,
                format!("whether the {what} was there is not known"),
            );
        }
    }

    /// Whether something opaque mentioned the name, or anything at all.
    pub(super) fn was_doubted(&self, name: &ObjectName) -> bool {
        let doubted = |name| self.schema.has(&super::doubt_key(self.schema, name));
        doubted(name.name.clone())
    }

    fn inherit(&mut self, key: &Key, create: &CreateTable) -> Done {
        let mut parents = Vec::new();
        for parent in &create.inherits {
            parents.push(self.relation(parent, Kind::Table)?);
        }
        match &create.origin {
            TableOrigin::Elements => {}
            TableOrigin::Query(query) => {
                // Its columns are those of the query, which the model mostly does not follow.
                let copied = self.copied(create, query);
                self.update_table(key, |table| match copied {
                    Some((columns, filled)) => {
                        table.columns = columns;
                        table.filled = filled;
                    }
                    None => table.open = true,
                });
                self.reads(&query.uses);
            }
            TableOrigin::PartitionOf { parent, bound } => {
                let parent = self.relation(parent, Kind::Table)?;
                let copied = self.table(&parent).cloned();
                self.update_table(key, |table| {
                    table.partition_of = Some((parent.clone(), bound.clone()));
                    match &copied {
                        Some(from) => {
                            table.columns = from.columns.clone();
                            table.open = from.open;
                        }
                        None => table.open = true,
                    }
                });
            }
            TableOrigin::OfType(_) | TableOrigin::Module(_) => {
                let module = match &create.origin {
                    TableOrigin::Module(module) => module.text.clone(),
                    _ => "".into(),
                };
                self.update_table(key, |table| {
                    table.open = true;
                    table.options.insert("module".into(), module);
                });
                // The model knows a virtual table by its module.
                if !create.nature.contains(&"VIRTUAL") {
                    return Some(());
                }
                self.update_table(key, |table| table.open = false);
            }
        }
        if !parents.is_empty() {
            let mut columns = Vec::new();
            for parent in &parents {
                columns.extend(
                    self.table(parent)
                        .map(|t| t.columns.clone())
                        .unwrap_or_default(),
                );
            }
            self.update_table(key, |table| {
                table.inherits = parents;
                table.columns = columns;
            });
        }
        Some(())
    }

    /// The columns of a table that is made of columns of another, and whether rows come along.
    fn copied(&self, create: &CreateTable, query: &Query) -> Option<(Vec<Column>, bool)> {
        if self.modelling.family != Family::Postgres || !create.elements.is_empty() {
            return None;
        }
        let extract = extract(&query.text, self.schema.dialect())?;
        let (key, _) = self.columns_of(&extract.from)?;
        let from = self.table(&key)?;
        let copy = |column: &Column, name: &Name| Column {
            user_type: column.user_type.clone(),
            collation: column.collation.clone(),
            ..Column::new(name.clone(), column.data_type.clone())
        };
        let mut columns: Vec<Column> = match extract.columns.is_empty() {
            true => {
                let columns = from.columns.iter();
                columns.map(|column| copy(column, &column.name)).collect()
            }
            false => {
                let columns = extract.columns.iter();
                let columns = columns.map(|(name, own)| Some(copy(from.column(name)?, own)));
                columns.collect::<Option<Vec<Column>>>()?
            }
        };
        if create.names.len() > columns.len() {
            return None;
        }
        for (column, own) in columns.iter_mut().zip(&create.names) {
            column.name = own.name.clone();
        }
        Some((columns, from.filled))
    }

    fn copy_like(&mut self, key: &Key, from: &ObjectName, including: &[(bool, String)]) -> Done {
        let source = self.relation(from, Kind::Table)?;
        let Some(source_table) = self.table(&source).cloned() else {
            self.update_table(key, |table| table.open = true);
            return Some(());
        };
        if source_table.open {
            self.update_table(key, |table| table.open = true);
        }
        let all = self.modelling.family == Family::MySql;
        let includes = |what: &str| {
            including
                .iter()
                .fold(all, |on, (include, word)| match word {
                    word if word == what || word == "all" => *include,
                    _ => on,
                })
        };
        let mut columns = source_table.columns.clone();
        for column in &mut columns {
            if !includes("defaults") {
                column.default = None;
            }
            if !includes("generated") {
                column.generated = None;
            }
            if !includes("identity") {
                column.identity = None;
            }
            if !includes("comments") {
                column.comment = None;
            }
            column.grants.clear();
        }
        let identities: Vec<_> = columns
            .iter()
            .filter(|column| column.identity.is_some())
            .map(|column| column.name.clone())
            .collect();
        let checks = match includes("constraints") {
            true => source_table
                .constraints
                .iter()
                .filter(|(_, constraint)| matches!(constraint.rule, Rule::Check(_)))
                .map(|(name, constraint)| (name.clone(), constraint.clone()))
                .collect(),
            false => Vec::new(),
        };
        self.update_table(key, |table| {
            table.columns.extend(columns);
            table.constraints.extend(checks);
        });
        for column in identities {
            self.own_sequence(
                key,
                &column,
                Sequence {
                    identity: true,
                    ..Sequence::default()
                },
            );
        }
        if includes("indexes") {
            self.copy_indexes(key, &source, &source_table);
        }
        Some(())
    }

    fn copy_indexes(&mut self, key: &Key, source: &Key, source_table: &Table) {
        for (name, constraint) in &source_table.constraints {
            if !matches!(constraint.rule, Rule::PrimaryKey(..) | Rule::Unique(..)) {
                continue;
            }
            let _ = name;
            let name = match self.table(key) {
                Some(table) => self.constraint_name(key, &table.clone(), &constraint.rule),
                None => continue,
            };
            self.put_constraint(key, name, constraint.clone());
        }
        for index_key in self.indexes_of(source) {
            let Some(object) = self.schema.get(&index_key) else {
                continue;
            };
            let Body::Index(index) = &object.body else {
                continue;
            };
            if index.constraint.is_some() {
                continue;
            }
            let mut index = index.clone();
            index.table = key.clone();
            index.part_of = None;
            let Some(table) = self.table(key).cloned() else {
                continue;
            };
            let name = match self.modelling.indexes_belong_to_tables {
                true => index_key.name.clone(),
                false => self.index_name(key, &table, &index.parts),
            };
            let place = self.index_key(key, name);
            self.schema
                .put(place, Some(Object::new(Body::Index(index))));
        }
    }

    /// Columns first, then constraints, as the engine names them.
    fn elements(&mut self, key: &Key, create: &CreateTable) -> Done {
        let mut later = Vec::new();
        for element in &create.elements {
            if let TableElement::Column(definition) = element {
                later.extend(self.define_column(key, definition, None)?);
            }
        }
        let mut constraints = Vec::new();
        let mut indexes = Vec::new();
        for element in &create.elements {
            match element {
                TableElement::Constraint(constraint) => constraints.push(constraint.clone()),
                TableElement::Index(index) => indexes.push(index.clone()),
                TableElement::Column(_) | TableElement::Like { .. } => {}
            }
        }
        later.extend(constraints);
        // Checks and keys are named in this order, so that the numbers behind taken names fit.
        later.sort_by_key(|constraint| match constraint.rule {
            crate::change::ConstraintRule::PrimaryKey(_) => 0,
            crate::change::ConstraintRule::Unique(_) => 1,
            crate::change::ConstraintRule::Foreign(_) => 3,
            _ => 2,
        });
        if self.modelling.family == Family::Postgres {
            later = double::without_doubles(later);
        }
        let split = later
            .iter()
            .position(|constraint| {
                matches!(constraint.rule, crate::change::ConstraintRule::Foreign(_))
            })
            .unwrap_or(later.len());
        let foreign = later.split_off(split);
        for constraint in &later {
            self.add_constraint(key, constraint)?;
        }
        for index in &indexes {
            self.add_index(key, index)?;
        }
        for constraint in &foreign {
            self.add_constraint(key, constraint)?;
        }
        Some(())
    }

    /// What holds once all of a table is there: the columns of a primary key forbid NULL.
    pub(super) fn settle(&mut self, key: &Key) {
        if self.modelling.family == Family::Sqlite {
            return;
        }
        let Some((_, parts)) = self.table(key).and_then(Table::primary_key) else {
            return;
        };
        let columns: Vec<_> = parts
            .iter()
            .filter_map(|part| match &part.what {
                PartOf::Column(name) => Some(name.clone()),
                PartOf::Expression(_) => None,
            })
            .collect();
        self.update_table(key, |table| {
            for name in &columns {
                if let Some(column) = table.column_mut(name) {
                    column.not_null = true;
                }
            }
        });
    }
}
