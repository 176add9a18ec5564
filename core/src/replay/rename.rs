//! Renames and moves, and what follows them.

use super::lookup::{Strictness, class_of};
use super::{Done, Replay};
use crate::change::{
    Fragment, Ident, IfMissing, Kind, Name, ObjectName, Owner, Rename, SetSchema, Target,
};
use crate::dialect::Family;
use crate::schema::{Body, Class, Key, Object, Part, PartOf, Rule};
use crate::source::Span;

impl Replay<'_> {
    pub(super) fn rename(&mut self, rename: &Rename) -> Done {
        let Some(named) = self.named(&rename.target, rename.if_missing) else {
            // Something is called so from here on.
            super::doubt(self.schema, [rename.to.name.clone()]);
            return None;
        };
        let Some(key) = named else { return Some(()) };
        if rename.target.kind == Kind::DomainConstraint {
            return self.rename_domain_constraint(rename);
        }
        self.is_named_right(&key, &rename.target, Strictness::Loose)?;
        self.no_view_dangles(rename.to.span);
        let mut to = key.clone();
        to.name = rename.to.name.clone();
        match to == key {
            true => self.is_other(rename.to.span, &rename.to.name)?,
            false => self.is_free(&to, &rename.to, rename.target.kind)?,
        }
        self.move_object(&key, &to);
        Some(())
    }

    /// Most engines take the old name for one that is taken.
    fn is_other(&mut self, span: Span, to: &Name) -> Done {
        match self.modelling.family {
            Family::Postgres | Family::Sqlite => {
                self.give_up(span, format!("`{to}` is the name so far"))
            }
            Family::MySql => Some(()),
        }
    }

    fn rename_domain_constraint(&mut self, rename: &Rename) -> Done {
        let key = self.find(Class::Type, rename.target.owner.as_ref()?)?;
        let (from, to) = (rename.target.name.name.clone(), rename.to.name.clone());
        let there = |name: &Name| match self.schema.get(&key).map(|object| &object.body) {
            Some(Body::Domain(domain)) => domain.checks.contains_key(name),
            _ => false,
        };
        if !there(&from) || there(&to) {
            return self.give_up(
                rename.target.name.span,
                format!(
                    "whether `{from}` of `{}` can be called `{to}` is not known",
                    key.name
                ),
            );
        }
        self.schema.update(&key, |object| {
            if let Body::Domain(domain) = &mut object.body
                && let Some(check) = domain.checks.remove(&from)
            {
                domain.checks.insert(to, check);
            }
        });
        Some(())
    }

    /// The object that a target names, of whatever kind.
    pub(super) fn named(&mut self, target: &Target, if_missing: IfMissing) -> Option<Option<Key>> {
        match target.kind {
            Kind::Table | Kind::ForeignTable | Kind::View | Kind::MaterializedView => {
                if if_missing == IfMissing::Skip
                    && self.find(Class::Relation, &target.name).is_none()
                    && self.is_sure(&target.name)
                {
                    return Some(None);
                }
                Some(Some(self.relation(&target.name, target.kind)?))
            }
            Kind::Function | Kind::Procedure | Kind::Aggregate | Kind::Routine => {
                self.routine(target, if_missing)
            }
            Kind::Trigger | Kind::Policy | Kind::Rule => self.part(target, if_missing),
            Kind::DomainConstraint => {
                let owner = target.owner.clone()?;
                let place = self.find(Class::Type, &owner);
                if place.is_none() {
                    self.unknown(owner.span, format!("the domain `{owner}` is not known"));
                    return None;
                }
                Some(place)
            }
            Kind::Index if self.modelling.indexes_belong_to_tables => None,
            _ => self.object(target, if_missing),
        }
    }

    pub(super) fn set_schema(&mut self, set: &SetSchema) -> Done {
        let Some(key) = self.named(&set.target, set.if_missing)? else {
            return Some(());
        };
        self.is_named_right(&key, &set.target, Strictness::Loose)?;
        let mut to = key.clone();
        to.schema = set.schema.name.clone();
        let name = ObjectName {
            schema: Some(to.schema.clone()),
            name: to.name.clone(),
            span: set.schema.span,
        };
        if to != key {
            self.is_free(&to, &name, set.target.kind)?;
        }
        // Indexes and sequences of a table move along.
        if class_of(set.target.kind) == Class::Relation {
            for dependant in self.schema.dependants(&key).cloned().collect::<Vec<_>>() {
                let along = match self.schema.get(&dependant).map(|object| &object.body) {
                    Some(Body::Index(index)) => index.table == key,
                    Some(Body::Sequence(sequence)) => sequence
                        .owned_by
                        .as_ref()
                        .is_some_and(|(table, _)| *table == key),
                    _ => false,
                };
                if along {
                    let mut place = dependant.clone();
                    place.schema = to.schema.clone();
                    self.move_object(&dependant, &place);
                }
            }
        }
        self.move_object(&key, &to);
        Some(())
    }

    pub(super) fn owner(&mut self, owner: &Owner) -> Done {
        let Some(key) = self.named(&owner.target, IfMissing::Fail)? else {
            return Some(());
        };
        self.is_named_right(&key, &owner.target, Strictness::Loose)?;
        let name = owner.owner.clone();
        self.schema.update(&key, |object| object.owner = Some(name));
        Some(())
    }

    /// Puts an object under another key, and whatever names it follows.
    pub(super) fn move_object(&mut self, from: &Key, to: &Key) {
        if from == to {
            return;
        }
        let Some(object) = self.schema.get(from).cloned() else {
            return;
        };
        let dialect = self.schema.dialect();
        let mut moved = Object::clone(&object);
        redirect(&mut moved, from, to, dialect);
        let constraint = match &moved.body {
            Body::Index(index) => index
                .constraint
                .clone()
                .map(|name| (index.table.clone(), name)),
            _ => None,
        };
        if let Body::Index(index) = &mut moved.body
            && index.constraint.is_some()
        {
            index.constraint = Some(to.name.clone());
        }
        self.schema.put(from.clone(), None);
        self.schema.put(to.clone(), Some(moved));
        // The constraint that an index serves has its name.
        if let Some((table, name)) = constraint {
            self.rename_constraint(&table, &name, &to.name);
        }
        self.default_follows(from, to);
        if from.class == Class::Schema {
            self.move_schema(&from.name, &to.name);
        }
        for class in [Class::Trigger, Class::Policy, Class::Rule, Class::Index] {
            if from.class != Class::Relation {
                break;
            }
            for part in self.schema.within(class, from) {
                let place = Key::within(class, to, part.name.clone());
                if let Some(object) = self.schema.get(&part).cloned() {
                    let mut object = Object::clone(&object);
                    redirect(&mut object, from, to, dialect);
                    self.schema.put(part, None);
                    self.schema.put(place, Some(object));
                }
            }
        }
        for dependant in self.schema.dependants(from).cloned().collect::<Vec<_>>() {
            self.schema
                .update(&dependant, |object| redirect(object, from, to, dialect));
            self.rename_unnamed(&dependant);
        }
        self.rename_unnamed(to);
        if self.modelling.family == Family::MySql {
            self.rename_automatic(from, to);
        }
    }

    /// Everything in a schema gets its new name.
    fn move_schema(&mut self, from: &Name, to: &Name) {
        for class in [Class::Relation, Class::Type, Class::Routine] {
            let keys: Vec<Key> = self
                .schema
                .in_schema(class, from)
                .map(|(key, _)| key.clone())
                .collect();
            for key in keys {
                let mut place = key.clone();
                place.schema = to.clone();
                self.move_object(&key, &place);
            }
        }
    }

    /// The default of the column that owns a sequence names it by what it is, not by its name.
    fn default_follows(&mut self, from: &Key, to: &Key) {
        let Some(Body::Sequence(sequence)) = self.schema.get(to).map(|object| &object.body) else {
            return;
        };
        let Some((table, column)) = sequence.owned_by.clone() else {
            return;
        };
        let dialect = self.schema.dialect();
        let (old, new) = (
            super::column::nextval(&from.name, dialect),
            super::column::nextval(&to.name, dialect),
        );
        self.update_column(&table, &column, |column| {
            if column.default.as_ref() == Some(&old) {
                column.default = Some(new);
                column.draws_from = Some(to.clone());
            }
        });
    }

    /// MySQL names foreign keys anew that carry the name of the table.
    fn rename_automatic(&mut self, from: &Key, to: &Key) {
        let prefix = format!("{}_ibfk_", from.name.key());
        let names: Vec<Name> = match self.table(to) {
            Some(table) => table
                .constraints
                .keys()
                .filter(|name| name.key().starts_with(&prefix))
                .cloned()
                .collect(),
            None => Vec::new(),
        };
        for name in names {
            let number = &name.key()[prefix.len()..];
            let new = self.name(&format!("{}_ibfk_{number}", to.name));
            self.rename_constraint(to, &name, &new);
        }
    }

    pub(super) fn rename_part(
        &mut self,
        key: &Key,
        kind: Kind,
        from: &Ident,
        to: &Ident,
        _if_missing: IfMissing,
    ) -> Done {
        if to.name == from.name && self.modelling.family == Family::Postgres {
            self.is_other(to.span, &to.name)?;
        }
        match kind {
            Kind::Constraint => {
                let Some(table) = self.table(key) else {
                    return self.give_up(
                        from.span,
                        format!("`{}` is not known to be a table", key.name),
                    );
                };
                if !table.constraints.contains_key(&from.name) {
                    if table.open {
                        return self.give_up(
                            from.span,
                            format!("the constraint `{}` is not known", from.name),
                        );
                    }
                    let name = from.clone();
                    return self.drop_constraint(
                        key,
                        &name,
                        crate::change::ConstraintKind::Any,
                        IfMissing::Fail,
                        crate::change::Behavior::Restrict,
                    );
                }
                if table.constraints.contains_key(&to.name) && to.name != from.name {
                    let name = ObjectName {
                        schema: None,
                        name: to.name.clone(),
                        span: to.span,
                    };
                    return self.duplicate("constraint", &name);
                }
                let place = self.index_key(key, from.name.clone());
                let served = matches!(
                    self.schema.get(&place).map(|object| &object.body),
                    Some(Body::Index(index)) if index.constraint.as_ref() == Some(&from.name)
                );
                if served {
                    let mut new = place.clone();
                    new.name = to.name.clone();
                    self.move_object(&place, &new);
                } else {
                    self.rename_constraint(key, &from.name, &to.name);
                }
                Some(())
            }
            Kind::Index => self.rename_index(key, from, to),
            _ => {
                if let Some(Body::View(_)) = self.schema.get(key).map(|object| &object.body) {
                    self.schema.update(key, |object| {
                        if let Body::View(view) = &mut object.body {
                            view.output = None;
                            view.open = true;
                        }
                    });
                    return self.give_up(from.span, "columns of views are not modelled");
                }
                self.column(key, from)?;
                let taken = self
                    .table(key)
                    .is_some_and(|table| table.column(&to.name).is_some());
                if taken && from.name != to.name {
                    let name = ObjectName {
                        schema: None,
                        name: to.name.clone(),
                        span: to.span,
                    };
                    return self.duplicate("column", &name);
                }
                self.rename_column(key, &from.name, &to.name);
                Some(())
            }
        }
    }

    pub(super) fn rename_column(&mut self, key: &Key, from: &Name, to: &Name) {
        let dialect = self.schema.dialect();
        self.update_table(key, |table| {
            for column in &mut table.columns {
                if let Some((expression, _)) = &mut column.generated {
                    *expression = expression.renamed(from, to, dialect);
                }
            }
            if let Some(column) = table.column_mut(from) {
                column.name = to.clone();
            }
            for constraint in table.constraints.values_mut() {
                match &mut constraint.rule {
                    Rule::PrimaryKey(parts, _) | Rule::Unique(parts, _) => {
                        rename_parts(parts, from, to, dialect);
                    }
                    Rule::Foreign(foreign) => rename_names(&mut foreign.columns, from, to),
                    Rule::Check(text) | Rule::Exclude(text) => {
                        *text = text.renamed(from, to, dialect)
                    }
                    Rule::NotNull(name) if name == from => *name = to.clone(),
                    Rule::NotNull(_) => {}
                }
            }
            if let Some(by) = &mut table.partition_by {
                *by = by.renamed(from, to, dialect);
            }
        });
        self.rename_unnamed(key);
        for dependant in self.schema.dependants(key).cloned().collect::<Vec<_>>() {
            let mut clash = false;
            self.schema
                .update(&dependant, |object| match &mut object.body {
                    Body::Table(table) => {
                        for constraint in table.constraints.values_mut() {
                            if let Rule::Foreign(foreign) = &mut constraint.rule
                                && foreign.table == *key
                            {
                                rename_names(&mut foreign.referenced, from, to);
                            }
                        }
                    }
                    Body::Index(index) if index.table == *key => {
                        rename_parts(&mut index.parts, from, to, dialect);
                        rename_names(&mut index.include, from, to);
                        if let Some(condition) = &mut index.condition {
                            *condition = condition.renamed(from, to, dialect);
                        }
                    }
                    Body::Sequence(sequence) => {
                        if let Some((table, column)) = &mut sequence.owned_by
                            && table == key
                            && column == from
                        {
                            *column = to.clone();
                        }
                    }
                    Body::Trigger(trigger) => {
                        rename_names(&mut trigger.columns, from, to);
                        trigger.definition =
                            follow(&trigger.definition, from, to, dialect, &mut clash);
                    }
                    Body::View(view) => {
                        if view.columns_used.remove(&(key.clone(), from.clone())) {
                            view.columns_used.insert((key.clone(), to.clone()));
                        }
                        if view.query.mentions(from, dialect) {
                            view.open = true;
                        }
                        view.query = follow(&view.query, from, to, dialect, &mut clash);
                    }
                    Body::Other(other) => {
                        other.definition = follow(&other.definition, from, to, dialect, &mut clash);
                    }
                    _ => {}
                });
            if clash {
                self.unknown(
                    self.span,
                    format!(
                        "how `{}` follows the rename is not modelled",
                        dependant.name
                    ),
                );
            }
        }
        for child in self.schema.dependants(key).cloned().collect::<Vec<_>>() {
            let is_child = self.table(&child).is_some_and(|table| {
                table.inherits.contains(key)
                    || table
                        .partition_of
                        .as_ref()
                        .is_some_and(|(parent, _)| parent == key)
            });
            if is_child {
                self.rename_column(&child, from, to);
            }
        }
    }

    /// Constraints without a name are known by what they say.
    fn rename_unnamed(&mut self, key: &Key) {
        if self.modelling.family != Family::Sqlite {
            return;
        }
        let Some(table) = self.table(key).cloned() else {
            return;
        };
        let mut renamed = table.clone();
        renamed.constraints.clear();
        for (name, constraint) in &table.constraints {
            let name = match name.as_str().starts_with(' ') {
                true => self.constraint_name(key, &renamed, &constraint.rule),
                false => name.clone(),
            };
            renamed.constraints.insert(name, constraint.clone());
        }
        self.update_table(key, |table| *table = renamed);
    }
}

/// A text in which a name follows a rename; a clash when the new name stood in it before.
fn follow(
    text: &Fragment,
    from: &Name,
    to: &Name,
    dialect: crate::dialect::Dialect,
    clash: &mut bool,
) -> Fragment {
    if !text.mentions(from, dialect) {
        return text.clone();
    }
    *clash |= text.mentions(to, dialect);
    text.renamed(from, to, dialect)
}

fn rename_names(names: &mut [Name], from: &Name, to: &Name) {
    for name in names.iter_mut().filter(|name| *name == from) {
        *name = to.clone();
    }
}

fn rename_parts(parts: &mut [Part], from: &Name, to: &Name, dialect: crate::dialect::Dialect) {
    for part in parts {
        match &mut part.what {
            PartOf::Column(name) if name == from => *name = to.clone(),
            PartOf::Column(_) => {}
            PartOf::Expression(text) => *text = text.renamed(from, to, dialect),
        }
    }
}

/// Lets an object name `to` where it names `from`.
fn redirect(object: &mut Object, from: &Key, to: &Key, dialect: crate::dialect::Dialect) {
    let follow = |key: &mut Key| {
        if key == from {
            *key = to.clone();
        }
    };
    match &mut object.body {
        Body::Table(table) => {
            for constraint in table.constraints.values_mut() {
                if let Rule::Foreign(foreign) = &mut constraint.rule {
                    follow(&mut foreign.table);
                }
            }
            if let Some((parent, _)) = &mut table.partition_of {
                follow(parent);
            }
            table.inherits.iter_mut().for_each(follow);
            for column in &mut table.columns {
                if column.draws_from.as_ref() == Some(from) {
                    let (old, new) = (
                        super::column::nextval(&from.name, dialect),
                        super::column::nextval(&to.name, dialect),
                    );
                    if column.default.as_ref() == Some(&old) {
                        column.default = Some(new);
                    }
                    column.draws_from = Some(to.clone());
                }
            }
            if from.class == Class::Type {
                let (old, new) = (type_name(from, dialect), type_name(to, dialect));
                for column in &mut table.columns {
                    let (base, array) = match column.data_type.strip_suffix("[]") {
                        Some(base) => (base, "[]"),
                        None => (&*column.data_type, ""),
                    };
                    if column.user_type.as_ref() == Some(from) {
                        column.user_type = Some(to.clone());
                    }
                    if base == old {
                        column.data_type = format!("{new}{array}").into();
                    }
                    if let Some(default) = &mut column.default {
                        default.text = default
                            .text
                            .replace(&format!("::{old}"), &format!("::{new}"))
                            .into();
                    }
                }
            }
        }
        Body::View(view) => {
            if view.uses.remove(from) {
                view.uses.insert(to.clone());
                let columns = std::mem::take(&mut view.columns_used);
                view.columns_used = columns
                    .into_iter()
                    .map(|(key, column)| (if key == *from { to.clone() } else { key }, column))
                    .collect();
                view.open = true;
                if from.name != to.name {
                    view.query = view.query.renamed(&from.name, &to.name, dialect);
                }
            }
        }
        Body::Index(index) => {
            follow(&mut index.table);
            index.part_of.iter_mut().for_each(follow);
        }
        Body::Sequence(sequence) => {
            if let Some((table, _)) = &mut sequence.owned_by {
                follow(table);
            }
        }
        Body::Trigger(trigger) => {
            follow(&mut trigger.table);
            trigger.function.iter_mut().for_each(follow);
            if from.class == Class::Routine {
                trigger.definition = trigger.definition.renamed(&from.name, &to.name, dialect);
            }
        }
        Body::Other(other) => other.table.iter_mut().for_each(follow),
        Body::Enum(_)
        | Body::Composite(_)
        | Body::Domain(_)
        | Body::Routine(_)
        | Body::Schema
        | Body::Extension(_)
        | Body::Doubt => {}
    }
}

/// A type as columns name it.
pub(super) fn type_name(key: &Key, dialect: crate::dialect::Dialect) -> String {
    let name = crate::change::quoted(key.name.as_str(), dialect);
    match key.schema.as_str() == dialect.modelling().default_schema {
        true => name,
        false => format!(
            "{}.{name}",
            crate::change::quoted(key.schema.as_str(), dialect)
        ),
    }
}
