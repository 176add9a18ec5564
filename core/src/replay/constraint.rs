//! Constraints of tables, and the indexes that serve them.

use std::sync::Arc;

use super::{Done, Finding, Missing, Replay};
use crate::change::{
    Behavior, Constraint as Definition, ConstraintKind, ConstraintRule, ForeignKey, Ident,
    IfMissing, Key as ChangeKey, KeyExpr, Kind, Name, TableOption,
};
use crate::diagnostic::did_you_mean;
use crate::dialect::Family;
use crate::schema::{
    Body, Class, Constraint, Foreign, Index, Key, Object, Part, PartOf, Rule, Table, by_name,
};

impl Replay<'_> {
    /// `ADD CONSTRAINT`
    pub(super) fn add_constraint(&mut self, key: &Key, definition: &Definition) -> Done {
        let rule = self.rule_of(key, definition)?;
        let Some(rule) = rule else { return Some(()) };
        let Some(table) = self.table(key).cloned() else {
            return self.give_up(
                definition.span,
                format!("`{}` is not known to be a table", key.name),
            );
        };
        let given = match (&definition.name, &definition.rule) {
            (_, ConstraintRule::PrimaryKey(_)) if self.modelling.family == Family::MySql => None,
            // SQLite keeps the name and makes no use of it.
            _ if self.modelling.family == Family::Sqlite => None,
            (Some(name), _) => Some(name.name.clone()),
            (None, ConstraintRule::Unique(unique)) => {
                unique.index_name.as_ref().map(|name| name.name.clone())
            }
            (None, _) => None,
        };
        let name = match given {
            Some(name) => name,
            None => self.constraint_name(key, &table, &rule),
        };
        let automatic = |given: &&Ident| self.is_automatic(key, &table, given);
        if !self.schema.dialect().names_checks_by_table()
            && let Some(given) = definition.name.as_ref().filter(automatic)
        {
            let why = format!("the name `{}` is one that the engine gives", given.name);
            self.unknown(given.span, why);
        }
        let mut traits = definition.traits.clone();
        if let ConstraintRule::PrimaryKey(key) | ConstraintRule::Unique(key) = &definition.rule {
            traits.extend(traits_of(key));
        }
        if table.constraints.contains_key(&name)
            && !self.may_have_more(key)
            && !self.doubted_name(&name)
        {
            return self.refuse(Finding {
                code: "duplicate-object",
                span: definition
                    .name
                    .as_ref()
                    .map_or(definition.span, |name| name.span),
                message: format!("table `{}` has a constraint `{name}` already", key.name),
                why: "The engine refuses a second one of that name.".to_owned(),
                help: "Choose another name, or drop the old one first.".to_owned(),
                missing: None,
            });
        }
        if self.guarded && (self.may_have_more(key) || self.doubted_name(&name)) {
            self.unknown(
                definition.span,
                "whether the constraint was there is not known",
            );
        }
        if let Rule::Foreign(foreign) = &rule
            && self.modelling.family == Family::MySql
        {
            let given = definition.name.as_ref().map(|name| &name.name);
            self.index_for_foreign_key(key, given, &foreign.columns);
        }
        self.put_constraint(
            key,
            name,
            Constraint {
                rule,
                traits,
                comment: None,
            },
        );
        self.settle(key);
        Some(())
    }

    /// Puts a constraint into its table, with the index that serves it.
    pub(super) fn put_constraint(&mut self, key: &Key, name: Name, constraint: Constraint) {
        let index = match &constraint.rule {
            Rule::PrimaryKey(parts, _) | Rule::Unique(parts, _) => Some((parts.clone(), true)),
            Rule::Exclude(_) => Some((Vec::new(), false)),
            Rule::Foreign(_) | Rule::Check(_) | Rule::NotNull(_) => None,
        };
        if let Some((parts, unique)) = index {
            if self.modelling.family == Family::MySql {
                self.drop_automatic_indexes(key, &parts);
            }
            let place = self.index_key(key, name.clone());
            let index = Index {
                table: key.clone(),
                unique,
                method: "".into(),
                parts,
                include: Vec::new(),
                condition: None,
                options: Default::default(),
                constraint: Some(name.clone()),
                part_of: None,
                automatic: false,
                open: false,
            };
            // SQLite keeps no index that people can name.
            if !name.as_str().starts_with(' ') && self.modelling.family != Family::Sqlite {
                self.schema
                    .put(place, Some(Object::new(Body::Index(index))));
            }
        }
        self.update_table(key, |table| {
            table.constraints.insert(name, constraint);
        });
    }

    /// The rule of a definition. `Some(None)` when it is no constraint of its own.
    fn rule_of(&mut self, key: &Key, definition: &Definition) -> Option<Option<Rule>> {
        Some(Some(match &definition.rule {
            ConstraintRule::PrimaryKey(primary) => {
                Rule::PrimaryKey(self.parts(key, primary)?, included(primary))
            }
            ConstraintRule::Unique(unique) => {
                Rule::Unique(self.parts(key, unique)?, included(unique))
            }
            ConstraintRule::Foreign(foreign) => Rule::Foreign(self.foreign(key, foreign)?),
            ConstraintRule::Check(check) => Rule::Check(check.clone()),
            ConstraintRule::Exclude(exclude) => Rule::Exclude(exclude.clone()),
            ConstraintRule::NotNull(column) => {
                self.column(key, column)?;
                let name = column.name.clone();
                self.update_table(key, |table| {
                    if let Some(column) = table.column_mut(&name) {
                        column.not_null = true;
                    }
                });
                Rule::NotNull(name)
            }
            ConstraintRule::UsingIndex { primary, index } => {
                return self.using_index(key, definition, *primary, index);
            }
        }))
    }

    /// The index becomes the one of the constraint and takes its name.
    fn using_index(
        &mut self,
        key: &Key,
        definition: &Definition,
        primary: bool,
        index: &Ident,
    ) -> Option<Option<Rule>> {
        let place = self.index_key(key, index.name.clone());
        let Some(object) = self.schema.get(&place).cloned() else {
            self.give_up(
                index.span,
                format!("the index `{}` is not known", index.name),
            )?;
            return None;
        };
        let Body::Index(found) = &object.body else {
            return None;
        };
        let rule = match primary {
            true => Rule::PrimaryKey(found.parts.clone(), "".into()),
            false => Rule::Unique(found.parts.clone(), "".into()),
        };
        self.schema.put(place, None);
        let mut definition = definition.clone();
        definition.name.get_or_insert_with(|| index.clone());
        let name = definition.name.map(|name| name.name)?;
        self.put_constraint(
            key,
            name,
            Constraint {
                rule,
                traits: definition.traits,
                comment: None,
            },
        );
        self.settle(key);
        Some(None)
    }

    /// The parts of a key, each column known.
    pub(super) fn parts(&mut self, key: &Key, of: &ChangeKey) -> Option<Vec<Part>> {
        let mut parts = Vec::new();
        for part in &of.parts {
            let what = match &part.what {
                KeyExpr::Column(column) => {
                    if !self.is_indexable(key, column) {
                        self.column(key, column)?;
                    }
                    PartOf::Column(column.name.clone())
                }
                KeyExpr::Expression(expression) => PartOf::Expression(expression.clone()),
            };
            parts.push(Part {
                what,
                order: part.order.clone(),
            });
        }
        Some(parts)
    }

    /// Whether the column can be indexed as far as the model can tell: materialised views and
    /// tables that are not known whole have columns that it does not see.
    fn is_indexable(&self, key: &Key, column: &Ident) -> bool {
        match self.table(key) {
            Some(table) => {
                table.open
                    || table.column(&column.name).is_some()
                    // SQLite takes a quoted name for a string, and knows the row by names of its own.
                    || self.modelling.family == Family::Sqlite
            }
            None => true,
        }
    }

    fn foreign(&mut self, key: &Key, foreign: &ForeignKey) -> Option<Foreign> {
        for column in &foreign.columns {
            if self.table(key).is_some_and(|table| !table.open) {
                self.column(key, column)?;
            }
        }
        let target = match self.find(Class::Relation, &foreign.table) {
            Some(target) => target,
            None if self.modelling.foreign_keys_may_dangle => {
                self.new_key(Class::Relation, &foreign.table)
            }
            None => self.relation(&foreign.table, Kind::Table)?,
        };
        let mut referenced: Vec<Name> = foreign
            .referenced
            .iter()
            .map(|column| column.name.clone())
            .collect();
        let known = self.table(&target).cloned();
        if referenced.is_empty()
            && let Some(table) = &known
            && self.modelling.family != Family::MySql
        {
            match table.primary_key() {
                Some((name, _)) => {
                    let rule = table.constraints[name].rule.columns();
                    referenced = rule;
                }
                None if table.open || self.modelling.family == Family::Sqlite => {}
                None => {
                    self.refuse(Finding {
                        code: "fk-target-mismatch",
                        span: foreign.table.span,
                        message: format!(
                            "table `{}` has no primary key to refer to",
                            foreign.table
                        ),
                        why: "A reference without columns means the primary key.".to_owned(),
                        help: "Name the columns that are meant.".to_owned(),
                        missing: None,
                    })?;
                }
            }
        } else if let Some(table) = known
            && !table.open
            && self.modelling.family == Family::Postgres
        {
            for column in &foreign.referenced {
                if table.column(&column.name).is_none() {
                    self.column(&target, column)?;
                }
            }
        }
        self.refers_to_key(key, foreign, &target, &referenced)?;
        Some(Foreign {
            columns: foreign
                .columns
                .iter()
                .map(|column| column.name.clone())
                .collect(),
            table: target,
            referenced,
            on_delete: self.reaction(&foreign.on_delete),
            on_update: self.reaction(&foreign.on_update),
            matching: foreign.matching.clone(),
        })
    }

    /// MySQL takes `RESTRICT` and `NO ACTION` for the same.
    fn reaction(&self, reaction: &Arc<str>) -> Arc<str> {
        match (self.modelling.family, &**reaction) {
            (Family::MySql, "restrict") => "no action".into(),
            _ => reaction.clone(),
        }
    }

    /// `DROP CONSTRAINT`
    pub(super) fn drop_constraint(
        &mut self,
        key: &Key,
        name: &Ident,
        which: ConstraintKind,
        if_missing: IfMissing,
        behavior: Behavior,
    ) -> Done {
        let Some(table) = self.table(key).cloned() else {
            return self.give_up(
                name.span,
                format!("`{}` is not known to be a table", key.name),
            );
        };
        if !self.schema.dialect().names_checks_by_table() && self.is_automatic(key, &table, name) {
            return self.give_up(
                name.span,
                format!("the name `{}` is one that the engine gives", name.name),
            );
        }
        let fits = |constraint: &Constraint| match which {
            ConstraintKind::Any => true,
            ConstraintKind::PrimaryKey => matches!(constraint.rule, Rule::PrimaryKey(..)),
            ConstraintKind::Foreign => matches!(constraint.rule, Rule::Foreign(_)),
            ConstraintKind::Check => matches!(constraint.rule, Rule::Check(_)),
        };
        let found = table
            .constraints
            .get(&name.name)
            .filter(|constraint| fits(constraint));
        let Some(constraint) = found else {
            return self.missing_constraint(key, &table, name, if_missing);
        };
        if behavior == Behavior::Restrict && self.modelling.tracks_dependants {
            self.nobody_refers(key, &name.name, constraint, name)?;
        }
        if behavior == Behavior::Cascade {
            self.drop_referring(key, constraint);
        }
        self.remove_constraint(key, &name.name);
        Some(())
    }

    /// Where a check may be part of its column it goes, comes and is named with that.
    pub(super) fn checks_of_column(&mut self, key: &Key, column: &Ident) {
        if self.schema.dialect().names_checks_by_table() {
            return;
        }
        let checked = self.table(key).is_some_and(|table| {
            let mut all = table.constraints.values();
            all.any(|one| matches!(&one.rule, Rule::Check(check) if check.names(self.schema.dialect()).contains(&column.name)))
        });
        if checked {
            self.unknown(
                column.span,
                format!(
                    "whether a check is part of the column `{}` is not known",
                    column.name
                ),
            );
        }
    }

    /// Whether a name is, or may be, that of a check to which nobody gave one.
    fn is_automatic(&self, key: &Key, table: &Table, name: &Ident) -> bool {
        let given = format!("{}_chk_", key.name.key());
        let unnamed = |other: &Name| other.key().starts_with(&given);
        // What is not there may be one of those.
        unnamed(&name.name)
            || (name.name.key().starts_with("constraint_")
                && !table.constraints.contains_key(&name.name)
                && table.constraints.keys().any(unnamed))
    }

    fn missing_constraint(
        &mut self,
        key: &Key,
        table: &Table,
        name: &Ident,
        if_missing: IfMissing,
    ) -> Done {
        if self.may_have_more(key) || self.doubted_name(&name.name) {
            return self.give_up(
                name.span,
                format!("the constraint `{}` is not known", name.name),
            );
        }
        if if_missing == IfMissing::Skip {
            return Some(());
        }
        // A unique index is a constraint to MySQL.
        if self.modelling.family == Family::MySql {
            let place = self.index_key(key, name.name.clone());
            if self.schema.has(&place) {
                self.schema.put(place, None);
                return Some(());
            }
        }
        let near = table.constraints.keys().map(Name::as_str);
        let near = did_you_mean(name.name.as_str(), near).map(str::to_owned);
        let help = match near {
            Some(near) => format!("Did you mean `{near}`?"),
            None => {
                let names: Vec<&str> = table
                    .constraints
                    .keys()
                    .map(Name::as_str)
                    .filter(|name| !name.starts_with(' '))
                    .collect();
                match names.is_empty() {
                    true => "The table has none.".to_owned(),
                    false => format!("The table has: {}.", names.join(", ")),
                }
            }
        };
        self.refuse(Finding {
            code: "unknown-object",
            span: name.span,
            message: format!("table `{}` has no constraint `{}`", key.name, name.name),
            why: "Nothing up to here adds it under that name, so the engine refuses the statement."
                .to_owned(),
            help,
            missing: Some(Missing::Constraint(key.clone(), name.name.clone())),
        })
    }

    /// Refuses to drop a key that foreign keys refer to.
    fn nobody_refers(
        &mut self,
        key: &Key,
        name: &Name,
        constraint: &Constraint,
        place: &Ident,
    ) -> Done {
        let referring = self.referring(key, constraint);
        let Some((other, foreign)) = referring.first() else {
            return Some(());
        };
        let by = other.clone();
        let (message, help) = (
            format!(
                "foreign key `{foreign}` of `{}` needs the key `{name}`",
                other.name
            ),
            format!(
                "Drop it first:\nALTER TABLE {} DROP CONSTRAINT {foreign};",
                other.name
            ),
        );
        self.blocked(place.span, &by, message, help)
    }

    /// Foreign keys that need this key.
    pub(super) fn referring(&self, key: &Key, constraint: &Constraint) -> Vec<(Key, Name)> {
        let (Rule::PrimaryKey(..) | Rule::Unique(..)) = &constraint.rule else {
            return Vec::new();
        };
        let mut columns = constraint.rule.columns();
        columns.sort();
        // Another key over the same columns may be the one that is meant.
        if self.keys_like(key, constraint) > 1 {
            return Vec::new();
        }
        let mut found = Vec::new();
        for dependant in self.schema.dependants(key) {
            let Some(table) = self.table(dependant) else {
                continue;
            };
            for (name, constraint) in &table.constraints {
                if let Rule::Foreign(foreign) = &constraint.rule
                    && foreign.table == *key
                {
                    let mut referenced = foreign.referenced.clone();
                    referenced.sort();
                    if referenced == columns {
                        found.push((dependant.clone(), name.clone()));
                    }
                }
            }
        }
        found
    }

    /// How many keys and unique indexes are over the same columns.
    fn keys_like(&self, key: &Key, constraint: &Constraint) -> usize {
        let sorted = |mut names: Vec<Name>| {
            names.sort();
            names
        };
        let columns = sorted(constraint.rule.columns());
        let indexes = self.indexes_of(key);
        indexes
            .iter()
            .filter(
                |place| match self.schema.get(place).map(|object| &object.body) {
                    Some(Body::Index(index)) => {
                        index.unique && sorted(super::index::columns_of(&index.parts)) == columns
                    }
                    _ => false,
                },
            )
            .count()
    }

    fn drop_referring(&mut self, key: &Key, constraint: &Constraint) {
        // Which of two equal keys a foreign key leans on is not in the text.
        if matches!(constraint.rule, Rule::PrimaryKey(..) | Rule::Unique(..))
            && self.keys_like(key, constraint) > 1
        {
            let referring: Vec<Name> = self
                .schema
                .dependants(key)
                .map(|key| key.name.clone())
                .collect();
            self.opaque(
                "what CASCADE takes along is not modelled",
                &referring,
                false,
                true,
            );
        }
        for (other, name) in self.referring(key, constraint) {
            self.remove_constraint(&other, &name);
        }
    }

    /// Takes a constraint away, with the index that serves it.
    pub(super) fn remove_constraint(&mut self, key: &Key, name: &Name) {
        let place = self.index_key(key, name.clone());
        if let Some(object) = self.schema.get(&place)
            && let Body::Index(index) = &object.body
            && index.constraint.as_ref() == Some(name)
        {
            self.schema.put(place, None);
        }
        let mut nullable = None;
        self.update_table(key, |table| {
            if let Some(Constraint {
                rule: Rule::NotNull(column),
                ..
            }) = table.constraints.remove(name)
            {
                nullable = Some(column);
            }
        });
        if let Some(column) = nullable {
            self.update_table(key, |table| {
                if let Some(column) = table.column_mut(&column) {
                    column.not_null = false;
                }
            });
        }
    }

    /// Where the index of that name on that table is kept.
    pub(super) fn index_key(&self, table: &Key, name: Name) -> Key {
        match self.modelling.indexes_belong_to_tables {
            true => Key::within(Class::Index, table, name),
            false => Key::new(Class::Relation, table.schema.clone(), name),
        }
    }

    /// The indexes of a table.
    pub(super) fn indexes_of(&self, table: &Key) -> Vec<Key> {
        let is_index = |key: &&Key| match self.schema.get(key).map(|object| &object.body) {
            Some(Body::Index(index)) => index.table == *table,
            _ => false,
        };
        self.schema
            .dependants(table)
            .filter(is_index)
            .cloned()
            .collect()
    }
}

fn included(key: &ChangeKey) -> Arc<str> {
    let names: Vec<&str> = key
        .include
        .iter()
        .map(|column| column.name.as_str())
        .collect();
    match names.is_empty() {
        true => "".into(),
        false => format!("include ({})", names.join(", ")).into(),
    }
}

fn shown(option: &TableOption) -> Arc<str> {
    match (&*option.name, option.value.is_empty()) {
        // How a key is stored is the engine's own choice.
        ("using", _) => "".into(),
        (_, true) => option.name.clone(),
        (name, false) => format!("{name} {}", option.value).into(),
    }
}

/// What a key says of itself, as traits of its constraint.
pub(super) fn traits_of(key: &ChangeKey) -> Vec<Arc<str>> {
    let shown = key.options.iter().map(shown);
    shown.filter(|text| !text.is_empty()).collect()
}

/// Options of an index by their name.
pub(super) fn options(key: &ChangeKey) -> std::collections::BTreeMap<Arc<str>, Arc<str>> {
    by_name(&key.options)
}
