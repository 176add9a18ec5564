//! `DROP …`

use super::lookup::class_of;
use super::{Done, Missing, Replay, word};
use crate::change::{Behavior, Drop, IfMissing, Kind, Name, Target};
use crate::diagnostic::did_you_mean;
use crate::dialect::Family;
use crate::schema::{Body, Class, Key, Rule};

impl Replay<'_> {
    pub(super) fn drop(&mut self, drop: &Drop) -> Done {
        match drop.targets.first().map(|target| target.kind) {
            Some(
                Kind::Table
                | Kind::ForeignTable
                | Kind::View
                | Kind::MaterializedView
                | Kind::Sequence,
            ) => self.drop_relations(drop),
            Some(_) => {
                for target in &drop.targets {
                    self.drop_one(target, drop)?;
                }
                Some(())
            }
            None => Some(()),
        }
    }

    fn drop_one(&mut self, target: &Target, drop: &Drop) -> Done {
        let cascade = drop.behavior == Behavior::Cascade;
        match target.kind {
            Kind::Index => {
                let table = match &target.owner {
                    Some(table) => Some(self.relation(table, Kind::Table)?),
                    None => None,
                };
                let Some(table) = table else {
                    return self.drop_index(None, &target.name, drop.if_missing, cascade);
                };
                self.keeping_foreign_keys(&table, target.name.span, |replay| {
                    replay.drop_index(Some(&table), &target.name, drop.if_missing, cascade)
                })
            }
            Kind::Schema => self.drop_schema(target, drop),
            Kind::Function | Kind::Procedure | Kind::Aggregate | Kind::Routine => {
                let Some(key) = self.routine(target, drop.if_missing)? else {
                    return Some(());
                };
                let kind = match self.schema.get(&key).map(|object| &object.body) {
                    Some(Body::Routine(routine)) => routine.kind,
                    _ => target.kind,
                };
                if target.kind != Kind::Routine && kind != target.kind {
                    let object = self.schema.get(&key).cloned()?;
                    return self.wrong_kind(&target.name, target.kind, &object);
                }
                self.drop_free(&key, target, cascade)
            }
            Kind::Trigger | Kind::Policy | Kind::Rule => {
                let Some(key) = self.part(target, drop.if_missing)? else {
                    return Some(());
                };
                self.schema.put(key, None);
                Some(())
            }
            _ => {
                let Some(key) = self.object(target, drop.if_missing)? else {
                    return Some(());
                };
                self.drop_free(&key, target, cascade)
            }
        }
    }

    /// The object of a target, where it is named in a schema. `Some(None)` when it is missing and
    /// may be.
    pub(super) fn object(&mut self, target: &Target, if_missing: IfMissing) -> Option<Option<Key>> {
        let class = class_of(target.kind);
        let found = match class {
            Class::Schema | Class::Extension => {
                let key = Key::new(class, self.name(""), target.name.name.clone());
                self.schema.has(&key).then_some(key)
            }
            _ => self.find(class, &target.name),
        };
        if let Some(key) = found {
            return Some(Some(key));
        }
        let sure = match class {
            Class::Schema | Class::Extension => false,
            Class::Other(_) => false,
            _ => self.is_sure(&target.name),
        };
        if !sure {
            let unheard = matches!(class, Class::Schema | Class::Extension)
                || self.is_elsewhere(&target.name);
            if if_missing == IfMissing::Skip && unheard {
                return Some(None);
            }
            self.unknown(
                target.name.span,
                format!("the {} `{}` is not known", word(target.kind), target.name),
            );
            return None;
        }
        match if_missing {
            IfMissing::Skip => Some(None),
            IfMissing::Fail => {
                self.missing(&target.name, target.kind);
                None
            }
        }
    }

    /// A trigger, policy or rule.
    pub(super) fn part(&mut self, target: &Target, if_missing: IfMissing) -> Option<Option<Key>> {
        let class = class_of(target.kind);
        let Some(owner) = &target.owner else {
            return self.object(target, if_missing);
        };
        let table = match self.find(Class::Relation, owner) {
            Some(table) => table,
            None if if_missing == IfMissing::Skip && self.is_sure(owner) => return Some(None),
            None => self.relation(owner, Kind::Table)?,
        };
        let key = Key::within(class, &table, target.name.name.clone());
        if self.schema.has(&key) {
            return Some(Some(key));
        }
        let open = self.may_have_more(&table) || self.doubted_name(&target.name.name);
        if open || !self.is_sure(&target.name) {
            self.unknown(
                target.name.span,
                format!("the {} `{}` is not known", word(target.kind), target.name),
            );
            return None;
        }
        match if_missing {
            IfMissing::Skip => Some(None),
            IfMissing::Fail => {
                let near = self.schema.within(class, &table);
                let near = near.iter().map(|key| key.name.as_str());
                let help = match did_you_mean(target.name.name.as_str(), near) {
                    Some(near) => format!("Did you mean `{near}`?"),
                    None => "Name one that is there, or delete the statement.".to_owned(),
                };
                self.refuse(super::Finding {
                    code: "unknown-object",
                    span: target.name.span,
                    message: format!(
                        "`{}` has no {} `{}`",
                        table.name,
                        word(target.kind),
                        target.name
                    ),
                    why: "Nothing up to here makes it, so the engine refuses the statement."
                        .to_owned(),
                    help,
                    missing: Some(Missing::Object(key)),
                });
                None
            }
        }
    }

    /// The routine of a target, by its arguments where they are given.
    pub(super) fn routine(
        &mut self,
        target: &Target,
        if_missing: IfMissing,
    ) -> Option<Option<Key>> {
        let place = self.new_key(Class::Routine, &target.name);
        let candidates: Vec<Key> = self
            .schema
            .in_schema(Class::Routine, &place.schema)
            .filter(|(key, _)| key.name == target.name.name)
            .map(|(key, _)| key.clone())
            .collect();
        let found = match &target.arguments {
            Some(arguments) => {
                let types = super::create::arguments_text(arguments);
                let types = Name::uncut(&types, self.schema.dialect());
                candidates
                    .iter()
                    .find(|key| key.within.as_ref() == Some(&types))
                    .cloned()
            }
            None if candidates.len() == 1 => candidates.first().cloned(),
            None => None,
        };
        if let Some(key) = found {
            return Some(Some(key));
        }
        if candidates.is_empty() && self.is_sure(&target.name) {
            return match if_missing {
                IfMissing::Skip => Some(None),
                IfMissing::Fail => {
                    // Functions come from extensions and from blocks; the model never saw it.
                    self.unknown(
                        target.name.span,
                        format!("the function `{}` is not known", target.name),
                    );
                    None
                }
            };
        }
        if if_missing == IfMissing::Skip && self.is_sure(&target.name) && target.arguments.is_some()
        {
            return Some(None);
        }
        self.unknown(
            target.name.span,
            format!("which function `{}` is meant is not known", target.name),
        );
        None
    }

    /// Drops what is no relation, unless something needs it.
    fn drop_free(&mut self, key: &Key, target: &Target, cascade: bool) -> Done {
        let dependants: Vec<Key> = self.schema.dependants(key).cloned().collect();
        for dependant in dependants {
            if !cascade {
                return self.blocked(
                    target.name.span,
                    &dependant,
                    format!(
                        "`{}` needs the {} `{}`",
                        dependant.name,
                        word(target.kind),
                        target.name
                    ),
                    format!("Drop `{}` first.", dependant.name),
                );
            }
            match self.schema.get(&dependant).map(|object| &object.body) {
                Some(Body::Trigger(_)) => self.schema.put(dependant, None),
                Some(Body::View(_)) => self.drop_relation(&dependant),
                Some(Body::Table(table)) if key.class == Class::Type => {
                    let columns: Vec<_> = table
                        .columns
                        .iter()
                        .filter(|column| column.user_type.as_ref() == Some(key))
                        .map(|column| column.name.clone())
                        .collect();
                    for name in columns {
                        let span = target.name.span;
                        self.take_column(&dependant, &crate::change::Ident { name, span });
                    }
                }
                _ => self.unknown(
                    target.name.span,
                    format!(
                        "what CASCADE takes from `{}` is not modelled",
                        dependant.name
                    ),
                ),
            }
        }
        if cascade && key.class == Class::Routine {
            self.drop_aggregates(key);
        }
        self.schema.put(key.clone(), None);
        Some(())
    }

    /// Aggregates go with the functions that they are made of.
    fn drop_aggregates(&mut self, function: &Key) {
        let dialect = self.schema.dialect();
        let made_of: Vec<Key> = self
            .schema
            .in_schema(Class::Routine, &function.schema)
            .filter(|(_, object)| match &object.body {
                Body::Routine(routine) => {
                    routine.kind == Kind::Aggregate
                        && (routine.signature.mentions(&function.name, dialect)
                            || crate::change::Fragment::parse(&routine.body, dialect)
                                .mentions(&function.name, dialect))
                }
                _ => false,
            })
            .map(|(key, _)| key.clone())
            .collect();
        for key in made_of {
            self.schema.put(key, None);
        }
    }

    fn drop_schema(&mut self, target: &Target, drop: &Drop) -> Done {
        let Some(key) = self.object(target, drop.if_missing)? else {
            return Some(());
        };
        let schema = key.name.clone();
        let mut inside: Vec<Key> = Vec::new();
        for class in [Class::Relation, Class::Type, Class::Routine] {
            inside.extend(
                self.schema
                    .in_schema(class, &schema)
                    .map(|(key, _)| key.clone()),
            );
        }
        if drop.behavior == Behavior::Restrict
            && let Some(first) = inside.first().cloned()
        {
            return self.blocked(
                target.name.span,
                &first,
                format!("schema `{schema}` still holds `{}`", first.name),
                "Drop what is in it first, or write CASCADE.".to_owned(),
            );
        }
        for key in inside {
            match key.class {
                Class::Relation => self.drop_relation(&key),
                _ => self.schema.put(key, None),
            }
        }
        self.schema.put(key, None);
        Some(())
    }

    /// SQLite keeps indexes apart from tables and views: with `IF EXISTS` it sees none.
    pub(super) fn passes_over(&self, if_missing: IfMissing) -> bool {
        self.modelling.family == Family::Sqlite && if_missing == IfMissing::Skip
    }

    fn drop_relations(&mut self, drop: &Drop) -> Done {
        let mut keys = Vec::new();
        for target in &drop.targets {
            let Some(key) = self.object(target, drop.if_missing)? else {
                continue;
            };
            let Some(object) = self.schema.get(&key).cloned() else {
                continue;
            };
            let fits = match (&object.body, target.kind) {
                (Body::Table(_), Kind::Table | Kind::ForeignTable) => true,
                (Body::View(view), Kind::View) => !view.materialized,
                (Body::View(view), Kind::MaterializedView) => view.materialized,
                (Body::Sequence(_), Kind::Sequence) => true,
                _ => object.is_open(),
            };
            let of_table = matches!(object.body, Body::Index(_));
            if !fits && of_table && self.passes_over(drop.if_missing) {
                continue;
            }
            if !fits {
                return self.wrong_kind(&target.name, target.kind, &object);
            }
            keys.push((key, target));
        }
        let all: Vec<Key> = keys.iter().map(|(key, _)| key.clone()).collect();
        for (key, target) in &keys {
            if self.modelling.family == Family::MySql {
                // `CASCADE` is read there, and does nothing.
                self.foreign_keys_refer(key, target, &all);
            }
            if drop.behavior == Behavior::Restrict {
                self.nothing_needs_relation(key, target, &all)?;
            }
            self.drop_relation(key);
        }
        Some(())
    }

    fn nothing_needs_relation(&mut self, key: &Key, target: &Target, together: &[Key]) -> Done {
        if !self.modelling.tracks_dependants {
            return Some(());
        }
        if let Some(Body::Sequence(sequence)) = self.schema.get(key).map(|object| &object.body)
            && let Some((table, column)) = sequence.owned_by.clone()
            && !together.contains(&table)
        {
            let used = sequence.identity
                || self
                    .table(&table)
                    .and_then(|table| table.column(&column))
                    .and_then(|column| column.default.as_ref())
                    .is_some_and(|default| default.text.contains(key.name.as_str()));
            if used {
                return self.blocked(
                    target.name.span, &table,
                    format!("the column `{column}` of `{}` takes its default from it", table.name),
                    format!("Drop the default first:\nALTER TABLE {} ALTER COLUMN {column} DROP DEFAULT;", table.name),
                );
            }
        }
        for dependant in self.schema.dependants(key).cloned().collect::<Vec<_>>() {
            if together.contains(&dependant) {
                continue;
            }
            let Some(object) = self.schema.get(&dependant).cloned() else {
                continue;
            };
            match &object.body {
                Body::View(view) => {
                    if view.open {
                        self.unknown(
                            target.name.span,
                            format!(
                                "whether the view `{}` reads it is not known",
                                dependant.name
                            ),
                        );
                        continue;
                    }
                    return self.blocked(
                        target.name.span,
                        &dependant,
                        format!("view `{}` reads `{}`", dependant.name, target.name),
                        format!("Drop it first:\nDROP VIEW {};", dependant.name),
                    );
                }
                Body::Table(table) => {
                    let drawing = table
                        .columns
                        .iter()
                        .find(|column| column.draws_from.as_ref() == Some(key));
                    if let Some(column) = drawing {
                        return self.blocked(
                            target.name.span,
                            &dependant,
                            format!(
                                "the column `{}` of `{}` takes its default from it",
                                column.name, dependant.name
                            ),
                            format!("Drop `{}` first.", dependant.name),
                        );
                    }
                    let foreign = table.constraints.iter().find_map(|(name, constraint)| {
                        match &constraint.rule {
                            Rule::Foreign(foreign) if foreign.table == *key => Some(name.clone()),
                            _ => None,
                        }
                    });
                    if let Some(foreign) = foreign {
                        return self.blocked(
                            target.name.span, &dependant,
                            format!("foreign key `{foreign}` of `{}` refers to `{}`", dependant.name, target.name),
                            format!(
                                "Drop `{}` first, or the foreign key:\nALTER TABLE {} DROP CONSTRAINT {foreign};",
                                dependant.name, dependant.name
                            ),
                        );
                    }
                    if table.inherits.contains(key) {
                        return self.blocked(
                            target.name.span,
                            &dependant,
                            format!("`{}` inherits from it", dependant.name),
                            format!("Drop `{}` first.", dependant.name),
                        );
                    }
                }
                _ => {}
            }
        }
        Some(())
    }

    /// MySQL refuses to drop a table that a foreign key of another refers to, unless a setting says
    /// not to look; whether a reference on a column is one depends on its version.
    fn foreign_keys_refer(&mut self, key: &Key, target: &Target, together: &[Key]) {
        if self.session.unchecked {
            return;
        }
        let holder = self
            .schema
            .dependants(key)
            .find(|other| {
                *other != key
                    && !together.contains(other)
                    && self.table(other).is_some_and(|table| {
                        table.constraints.values().any(|constraint| {
                            matches!(&constraint.rule, Rule::Foreign(foreign) if foreign.table == *key)
                        })
                    })
            })
            .cloned();
        if let Some(holder) = holder {
            self.unknown(
                target.name.span,
                format!(
                    "a foreign key of `{}` may refer to `{}`",
                    holder.name, target.name
                ),
            );
        }
    }

    /// Takes a relation away and all that goes with it.
    /// Routines that take or return rows of a relation go with it.
    fn drop_routines_of_rows(&mut self, key: &Key) {
        let usual = self.name(self.modelling.default_schema);
        let full = format!("{}.{}", key.schema, key.name);
        let is_row = |text: &str| {
            let own = text.trim().trim_end_matches("[]");
            let own = own.strip_prefix("setof ").unwrap_or(own);
            own == full || (key.schema == usual && own == key.name.as_str())
        };
        let theirs = |(routine, object): &(&Key, &std::sync::Arc<crate::schema::Object>)| {
            let Body::Routine(body) = &object.body else {
                return false;
            };
            let arguments = routine.within.as_ref().map_or("", |within| within.as_str());
            arguments.split(',').any(is_row)
                || body
                    .returns
                    .as_ref()
                    .is_some_and(|returns| is_row(&returns.text))
        };
        let beside = self.schema.in_schema(Class::Routine, &key.schema);
        let gone: Vec<Key> = beside
            .filter(theirs)
            .map(|(routine, _)| routine.clone())
            .collect();
        for routine in gone {
            self.schema.put(routine, None);
        }
    }

    pub(super) fn drop_relation(&mut self, key: &Key) {
        if !self.schema.has(key) {
            return;
        }
        for class in [Class::Trigger, Class::Policy, Class::Rule, Class::Index] {
            for part in self.schema.within(class, key) {
                self.schema.put(part, None);
            }
        }
        let dependants: Vec<Key> = self.schema.dependants(key).cloned().collect();
        self.schema.put(key.clone(), None);
        if self.modelling.tracks_dependants {
            self.drop_routines_of_rows(key);
        }
        for dependant in dependants {
            let Some(object) = self.schema.get(&dependant).cloned() else {
                continue;
            };
            match &object.body {
                Body::Index(_) | Body::Trigger(_) => self.schema.put(dependant, None),
                Body::Sequence(sequence)
                    if sequence
                        .owned_by
                        .as_ref()
                        .is_some_and(|(table, _)| table == key) =>
                {
                    self.schema.put(dependant, None);
                }
                Body::View(_) if self.modelling.tracks_dependants => self.drop_relation(&dependant),
                Body::Other(_) => self.schema.put(dependant, None),
                Body::Table(table) => {
                    let is_part = table
                        .partition_of
                        .as_ref()
                        .is_some_and(|(parent, _)| parent == key)
                        || table.inherits.contains(key);
                    if is_part {
                        self.drop_relation(&dependant);
                    } else if self.modelling.tracks_dependants {
                        let drawing: Vec<_> = table
                            .columns
                            .iter()
                            .filter(|column| column.draws_from.as_ref() == Some(key))
                            .map(|column| column.name.clone())
                            .collect();
                        for name in drawing {
                            self.update_column(&dependant, &name, |column| {
                                column.default = None;
                                column.draws_from = None;
                            });
                        }
                        let foreign: Vec<_> = table
                            .constraints
                            .iter()
                            .filter(|(_, c)| matches!(&c.rule, Rule::Foreign(f) if f.table == *key))
                            .map(|(name, _)| name.clone())
                            .collect();
                        for name in foreign {
                            self.remove_constraint(&dependant, &name);
                        }
                    }
                }
                _ => {}
            }
        }
    }
}
