//! What differs between two values of an object, attribute by attribute.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::sync::Arc;

use crate::change::{Fragment, Likeness, Name};
use crate::dialect::{Dialect, Family};
use crate::proof::Difference;
use crate::schema::print;
use crate::schema::{
    Body, Class, Column, Constraint, Index, Key, Object, Part, PartOf, Rule, Table, View,
};

/// A difference in one part of an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Unlike {
    /// `column email`; empty for the object as a whole.
    pub(super) part: String,
    pub(super) difference: Difference,
    /// The table with which the object comes and goes.
    pub(super) owner: Option<Name>,
    /// Whether it is surely one; if not, two spellings cannot be shown to mean the same.
    pub(super) sure: bool,
}

/// Compares an object with what became of it.
pub(super) fn compare(
    key: &Key,
    before: Option<&Object>,
    after: Option<&Object>,
    dialect: Dialect,
) -> Vec<Unlike> {
    let mut found = Found {
        unlike: Vec::new(),
        part: String::new(),
        dialect,
        sure: true,
    };
    if key.class == Class::Doubt || key.schema.as_str() == "pg_temp" {
        return found.unlike;
    }
    let counts = |object: &&Object| !object.is_temporary() && !is_served(object);
    match (before.filter(counts), after.filter(counts)) {
        (None, None) => {}
        (None, Some(_)) => found.add(Difference::NotUndone),
        (Some(_), None) => found.add(Difference::NotRestored),
        (Some(before), Some(after)) => found.object(before, after),
    }
    found.unlike
}

/// Whether it is the index of a constraint, which comes and goes with that.
fn is_served(object: &Object) -> bool {
    matches!(&object.body, Body::Index(index) if index.constraint.is_some())
}

struct Found {
    unlike: Vec<Unlike>,
    part: String,
    dialect: Dialect,
    sure: bool,
}

impl Found {
    fn add(&mut self, difference: Difference) {
        // What statements made or took away is so, whatever else the object may have.
        let whole = matches!(difference, Difference::NotUndone | Difference::NotRestored);
        self.unlike.push(Unlike {
            part: self.part.clone(),
            difference,
            sure: self.sure || whole,
            owner: None,
        });
    }

    fn differs(&mut self, attribute: &'static str, before: String, after: String) {
        self.add(Difference::Restored {
            attribute,
            before,
            after,
        });
    }

    fn same<T: PartialEq + Debug>(&mut self, attribute: &'static str, before: &T, after: &T) {
        if before != after {
            self.differs(attribute, format!("{before:?}"), format!("{after:?}"));
        }
    }

    fn text(&mut self, attribute: &'static str, before: &str, after: &str) {
        if before != after {
            self.differs(attribute, before.to_owned(), after.to_owned());
        }
    }

    /// Names that everything may have: comment, owner, privileges.
    fn object(&mut self, before: &Object, after: &Object) {
        let open = before.is_open() || after.is_open();
        self.same("comment", &before.comment, &after.comment);
        let (owner, became) = (&before.owner, &after.owner);
        if owner != became {
            // Who owned it before nobody said.
            let sure = std::mem::replace(&mut self.sure, owner.is_some());
            self.same("owner", owner, became);
            self.sure = sure;
        }
        self.same("privileges", &before.grants, &after.grants);
        self.sure = !open;
        match (&before.body, &after.body) {
            (Body::Table(before), Body::Table(after)) => self.table(before, after),
            (Body::View(before), Body::View(after)) => self.view(before, after),
            (Body::Index(before), Body::Index(after)) => self.index(before, after),
            (Body::Sequence(before), Body::Sequence(after)) => {
                self.options(&before.options, &after.options);
                self.same("owner column", &before.owned_by, &after.owned_by);
                self.same("identity", &before.identity, &after.identity);
            }
            (Body::Enum(before), Body::Enum(after)) => self.same("labels", before, after),
            (Body::Composite(before), Body::Composite(after)) => {
                self.same("attributes", before, after);
            }
            (Body::Domain(before), Body::Domain(after)) => {
                self.text("type", &before.data_type, &after.data_type);
                self.text(
                    "nullability",
                    nullability(before.not_null),
                    nullability(after.not_null),
                );
                self.fragment("default", before.default.as_ref(), after.default.as_ref());
                self.fragment(
                    "collation",
                    before.collation.as_ref(),
                    after.collation.as_ref(),
                );
                let names: Vec<_> = before.checks.keys().collect();
                if names != after.checks.keys().collect::<Vec<_>>() {
                    self.same("constraints", &before.checks, &after.checks);
                }
                for (name, (check, not_valid)) in &before.checks {
                    if let Some((other, other_not_valid)) = after.checks.get(name) {
                        self.fragment("check", Some(check), Some(other));
                        self.same("validity", not_valid, other_not_valid);
                    }
                }
            }
            (Body::Routine(before), Body::Routine(after)) => {
                self.same("kind", &before.kind, &after.kind);
                self.fragment("arguments", Some(&before.signature), Some(&after.signature));
                self.fragment("result", before.returns.as_ref(), after.returns.as_ref());
                self.options(&before.options, &after.options);
                self.body(&before.body, &after.body);
            }
            (Body::Trigger(before), Body::Trigger(after)) => {
                self.same("table", &before.table, &after.table);
                self.fragment(
                    "definition",
                    Some(&before.definition),
                    Some(&after.definition),
                );
                self.text("state", &before.state, &after.state);
            }
            (Body::Other(before), Body::Other(after)) => {
                self.fragment(
                    "definition",
                    Some(&before.definition),
                    Some(&after.definition),
                );
                self.same("attributes", &before.attributes, &after.attributes);
            }
            (Body::Extension(before), Body::Extension(after)) => {
                self.same("schema", &before.schema, &after.schema);
            }
            (Body::Schema, Body::Schema) | (Body::Doubt, Body::Doubt) => {}
            (before, after) => self.differs(
                "kind",
                print::word(before).to_owned(),
                print::word(after).to_owned(),
            ),
        }
    }

    /// Bodies are kept byte for byte, but blanks may have been left out of the comparison.
    fn body(&mut self, before: &str, after: &str) {
        if before == after {
            return;
        }
        let squeeze = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
        let sure = self.sure;
        self.sure &= squeeze(before) != squeeze(after);
        self.differs("body", shorten(before), shorten(after));
        self.sure = sure;
    }

    fn fragment(
        &mut self,
        attribute: &'static str,
        before: Option<&Fragment>,
        after: Option<&Fragment>,
    ) {
        let (before, after) = match (before, after) {
            (None, None) => return,
            (Some(before), Some(after)) => match before.likeness(after, self.dialect) {
                Likeness::Same => return,
                // A literal such as 'now' is kept as what it was at the moment of its statement.
                Likeness::Different if before.text == after.text => {
                    let (first, again) = (
                        "that of its first statement",
                        "its 'now' is that of the DOWN",
                    );
                    return self.differs(attribute, first.to_owned(), again.to_owned());
                }
                Likeness::Different => (before, after),
                Likeness::Unknown => {
                    let sure = std::mem::replace(&mut self.sure, false);
                    self.differs(attribute, shorten(&before.text), shorten(&after.text));
                    self.sure = sure;
                    return;
                }
            },
            (Some(before), None) => {
                return self.differs(attribute, shorten(&before.text), "none".to_owned());
            }
            (None, Some(after)) => {
                return self.differs(attribute, "none".to_owned(), shorten(&after.text));
            }
        };
        self.differs(attribute, shorten(&before.text), shorten(&after.text));
    }

    fn options(
        &mut self,
        before: &BTreeMap<Arc<str>, Arc<str>>,
        after: &BTreeMap<Arc<str>, Arc<str>>,
    ) {
        // Character sets come from the table and the database where nobody says.
        let sure = self.sure;
        self.sure &= self.dialect.modelling().family != Family::MySql;
        let shown = |options: &BTreeMap<Arc<str>, Arc<str>>| {
            let mut options = options.clone();
            options.remove("auto_increment");
            options
        };
        self.same("options", &shown(before), &shown(after));
        self.sure = sure;
    }

    fn within(&mut self, part: String, compare: impl FnOnce(&mut Self)) {
        let outer = std::mem::replace(&mut self.part, part);
        compare(self);
        self.part = outer;
    }

    fn table(&mut self, before: &Table, after: &Table) {
        for column in &before.columns {
            self.within(format!("column {}", column.name), |found| {
                match after.column(&column.name) {
                    Some(other) => found.column(column, other),
                    None => found.add(Difference::NotRestored),
                }
            });
        }
        for column in &after.columns {
            if before.column(&column.name).is_none() {
                self.within(format!("column {}", column.name), |found| {
                    found.add(Difference::NotUndone);
                });
            }
        }
        self.constraints(before, after);
        self.options(&before.options, &after.options);
        self.fragment(
            "partitioning",
            before.partition_by.as_ref(),
            after.partition_by.as_ref(),
        );
        self.same("partition", &before.partition_of, &after.partition_of);
        self.same("parents", &before.inherits, &after.inherits);
        self.same("kind", &before.nature, &after.nature);
    }

    fn column(&mut self, before: &Column, after: &Column) {
        self.data_type(&before.data_type, &after.data_type);
        self.text(
            "nullability",
            nullability(before.not_null),
            nullability(after.not_null),
        );
        self.fragment("default", before.default.as_ref(), after.default.as_ref());
        match (&before.generated, &after.generated) {
            (Some((before, stored)), Some((after, other))) => {
                self.fragment("expression", Some(before), Some(after));
                self.same("storage", stored, other);
            }
            (before, after) => self.same("generation", before, after),
        }
        self.same("identity", &before.identity, &after.identity);
        self.same("numbering", &before.auto_increment, &after.auto_increment);
        let sure = self.sure;
        self.sure &= self.dialect.modelling().family != Family::MySql;
        self.fragment(
            "collation",
            before.collation.as_ref(),
            after.collation.as_ref(),
        );
        self.sure = sure;
        self.fragment(
            "ON UPDATE",
            before.on_update.as_ref(),
            after.on_update.as_ref(),
        );
        self.same("comment", &before.comment, &after.comment);
        self.same("privileges", &before.grants, &after.grants);
        self.options(&before.options, &after.options);
    }

    /// The schema of a type may be written or not.
    fn data_type(&mut self, before: &str, after: &str) {
        if before == after {
            return;
        }
        let bare = |text: &str| text.rsplit('.').next().unwrap_or(text).to_owned();
        let sure = self.sure;
        self.sure &= bare(before) != bare(after);
        self.differs("type", before.to_owned(), after.to_owned());
        self.sure = sure;
    }

    fn constraints(&mut self, before: &Table, after: &Table) {
        let label = |name: &Name, constraint: &Constraint| match name.as_str().strip_prefix(' ') {
            Some(text) => text.to_owned(),
            None => format!("{} {name}", rule_word(&constraint.rule)),
        };
        for (name, constraint) in &before.constraints {
            self.within(label(name, constraint), |found| {
                match after.constraints.get(name) {
                    Some(other) => found.constraint(constraint, other),
                    None => found.add(Difference::NotRestored),
                }
            });
        }
        for (name, constraint) in &after.constraints {
            if !before.constraints.contains_key(name) {
                self.within(label(name, constraint), |found| {
                    found.add(Difference::NotUndone)
                });
            }
        }
    }

    fn constraint(&mut self, before: &Constraint, after: &Constraint) {
        match (&before.rule, &after.rule) {
            (Rule::PrimaryKey(before, rest), Rule::PrimaryKey(after, other))
            | (Rule::Unique(before, rest), Rule::Unique(after, other)) => {
                self.parts(before, after);
                self.text("INCLUDE", rest, other);
            }
            (Rule::Foreign(before), Rule::Foreign(after)) => {
                self.same("columns", &before.columns, &after.columns);
                self.same("referenced table", &before.table, &after.table);
                let known = !before.referenced.is_empty() && !after.referenced.is_empty();
                let sure = self.sure;
                self.sure &= known;
                self.same("referenced columns", &before.referenced, &after.referenced);
                self.sure = sure;
                self.text("ON DELETE", &before.on_delete, &after.on_delete);
                self.text("ON UPDATE", &before.on_update, &after.on_update);
                self.text("MATCH", &before.matching, &after.matching);
            }
            (Rule::Check(before), Rule::Check(after))
            | (Rule::Exclude(before), Rule::Exclude(after)) => {
                self.fragment("condition", Some(before), Some(after));
            }
            (Rule::NotNull(before), Rule::NotNull(after)) => self.same("column", before, after),
            (before, after) => self.differs(
                "kind",
                rule_word(before).to_owned(),
                rule_word(after).to_owned(),
            ),
        }
        self.same("traits", &before.traits, &after.traits);
        self.same("comment", &before.comment, &after.comment);
    }

    fn parts(&mut self, before: &[Part], after: &[Part]) {
        if before.len() != after.len() {
            return self.differs("columns", shown(before), shown(after));
        }
        for (one, other) in before.iter().zip(after) {
            match (&one.what, &other.what) {
                (PartOf::Expression(one), PartOf::Expression(other)) => {
                    self.fragment("expression", Some(one), Some(other));
                }
                (one, other) if one != other => {
                    return self.differs("columns", shown(before), shown(after));
                }
                _ => {}
            }
            if one.order != other.order {
                // `text_ops` may be what the engine chooses anyway.
                let sure = self.sure;
                let classes = [&one.order, &other.order]
                    .iter()
                    .any(|order| order.contains("_ops"));
                self.sure &= !classes || (!one.order.is_empty() && !other.order.is_empty());
                self.text("order", &one.order, &other.order);
                self.sure = sure;
            }
        }
    }

    fn index(&mut self, before: &Index, after: &Index) {
        if before.unique == after.unique && before.table == after.table && before == after {
            return;
        }
        self.same("table", &before.table, &after.table);
        self.same("uniqueness", &before.unique, &after.unique);
        self.text("method", &before.method, &after.method);
        self.parts(&before.parts, &after.parts);
        self.same("INCLUDE", &before.include, &after.include);
        self.fragment(
            "condition",
            before.condition.as_ref(),
            after.condition.as_ref(),
        );
        self.options(&before.options, &after.options);
        self.same("parent", &before.part_of, &after.part_of);
    }

    fn view(&mut self, before: &View, after: &View) {
        self.same("kind", &before.materialized, &after.materialized);
        self.same("columns", &before.columns, &after.columns);
        let query = before.query.likeness(&after.query, self.dialect);
        let star = crate::replay::STAR;
        if let Some((before, after)) = other_columns(before, after) {
            self.differs("list of columns", before, after);
        } else {
            self.fragment("query", Some(&before.query), Some(&after.query));
        }
        let is_told =
            query == Likeness::Same && before.stars == after.stars && !before.stars.contains(&None);
        if !is_told && before.options.get(star) != after.options.get(star) {
            // A star may have stood for other columns.
            let sure = std::mem::replace(&mut self.sure, false);
            self.same(
                "columns",
                &before.options.get(star),
                &after.options.get(star),
            );
            self.sure = sure;
        }
        let others = |view: &View| {
            let mut options = view.options.clone();
            options.remove(star);
            options
        };
        self.options(&others(before), &others(after));
    }
}

/// The columns of two views, or what a star in them stands for, where they surely differ.
fn other_columns(before: &View, after: &View) -> Option<(String, String)> {
    let outputs = (&before.output, &after.output);
    let stars = before.stars.iter().zip(&after.stars);
    let stars = stars.filter(|_| before.query == after.query);
    let pairs = std::iter::once(outputs).chain(stars);
    pairs
        .filter_map(|(before, after)| Some((before.as_ref()?, after.as_ref()?)))
        .find(|(before, after)| {
            let is_known = |names: &[Name]| names.iter().all(|name| !name.as_str().is_empty());
            before != after && is_known(before) && is_known(after)
        })
        .map(|(before, after)| (listed(before), listed(after)))
}

fn listed(names: &[Name]) -> String {
    let names: Vec<&str> = names.iter().map(Name::as_str).collect();
    shorten(&names.join(", "))
}

fn shown(parts: &[Part]) -> String {
    let texts: Vec<String> = parts
        .iter()
        .map(|part| match &part.what {
            PartOf::Column(name) => name.to_string(),
            PartOf::Expression(text) => format!("({})", text.text),
        })
        .collect();
    texts.join(", ")
}

fn shorten(text: &str) -> String {
    let mut short: String = text.chars().take(120).collect();
    if short.len() < text.len() {
        short.push('…');
    }
    short
}

pub(super) fn rule_word(rule: &Rule) -> &'static str {
    match rule {
        Rule::PrimaryKey(..) => "primary key",
        Rule::Unique(..) => "unique constraint",
        Rule::Foreign(_) => "foreign key",
        Rule::Check(_) => "check",
        Rule::Exclude(_) => "exclusion",
        Rule::NotNull(_) => "not-null constraint",
    }
}

fn nullability(is_not_null: bool) -> &'static str {
    match is_not_null {
        true => "NOT NULL",
        false => "NULL",
    }
}
