//! Types, domains, comments and attributes.

use std::sync::Arc;

use super::create::COMMENT_ON;
use super::lookup::Strictness;
use super::{Done, Replay};
use crate::change::{
    AlterDomain, AlterType, Attribute, ColumnOption, Comment, CreateDomain, DomainAction, IfExists,
    IfMissing, Kind, ObjectName, Target, TypeAction,
};
use crate::schema::{Body, Class, Domain, Key, Object};

impl Replay<'_> {
    pub(super) fn alter_type(&mut self, alter: &AlterType) -> Done {
        let Some(key) = self.find(Class::Type, &alter.name) else {
            if self.is_sure(&alter.name) && self.find(Class::Relation, &alter.name).is_none() {
                return self.missing(&alter.name, Kind::Type);
            }
            return self.give_up(
                alter.name.span,
                format!("the type `{}` is not known", alter.name),
            );
        };
        for action in &alter.actions {
            self.type_action(&key, alter, action)?;
        }
        Some(())
    }

    fn type_action(&mut self, key: &Key, alter: &AlterType, action: &TypeAction) -> Done {
        let object = self.schema.get(key).cloned()?;
        let mut object = Object::clone(&object);
        let known = match (&mut object.body, action) {
            (
                Body::Enum(labels),
                TypeAction::AddValue {
                    label,
                    if_exists,
                    place,
                },
            ) => {
                if labels.contains(label) {
                    return match if_exists {
                        IfExists::Fail => self.duplicate("label", &alter.name),
                        _ => Some(()),
                    };
                }
                let at = match place {
                    None => Some(labels.len()),
                    Some((before, other)) => labels
                        .iter()
                        .position(|old| old == other)
                        .map(|at| if *before { at } else { at + 1 }),
                };
                match at {
                    Some(at) => {
                        labels.insert(at, label.clone());
                        true
                    }
                    None => false,
                }
            }
            (Body::Enum(labels), TypeAction::RenameValue { from, to }) => {
                match labels.iter_mut().find(|label| *label == from) {
                    Some(label) => {
                        *label = to.clone();
                        true
                    }
                    None => false,
                }
            }
            (Body::Composite(attributes), TypeAction::AddAttribute(attribute)) => {
                let data_type = attribute.data_type.as_ref();
                attributes.push((
                    attribute.name.name.clone(),
                    data_type.map_or_else(|| "".into(), |t| t.text.clone()),
                ));
                true
            }
            (Body::Composite(attributes), TypeAction::DropAttribute { name, .. }) => {
                let before = attributes.len();
                attributes.retain(|(other, _)| *other != name.name);
                attributes.len() < before
            }
            (Body::Composite(attributes), TypeAction::AlterAttribute { name, data_type }) => {
                match attributes.iter_mut().find(|(other, _)| *other == name.name) {
                    Some((_, old)) => {
                        *old = data_type.text.clone();
                        true
                    }
                    None => false,
                }
            }
            (Body::Composite(attributes), TypeAction::RenameAttribute { from, to }) => {
                match attributes.iter_mut().find(|(other, _)| *other == from.name) {
                    Some((name, _)) => {
                        *name = to.name.clone();
                        true
                    }
                    None => false,
                }
            }
            _ => false,
        };
        if !known {
            return self.give_up(
                alter.name.span,
                format!("this part of the type `{}` is not known", alter.name),
            );
        }
        self.schema.put(key.clone(), Some(object));
        Some(())
    }

    pub(super) fn create_domain(&mut self, create: &CreateDomain) -> Done {
        let key = self.new_key(Class::Type, &create.name);
        self.is_free(&key, &create.name, Kind::Domain)?;
        let mut domain = Domain {
            data_type: create.data_type.text.clone(),
            not_null: false,
            default: None,
            collation: None,
            checks: Default::default(),
        };
        for option in &create.options {
            match option {
                ColumnOption::NotNull => domain.not_null = true,
                ColumnOption::Default(value) => {
                    domain.default = self.default_of(value, &domain.data_type);
                }
                ColumnOption::Collate(collation) => domain.collation = Some(collation.clone()),
                ColumnOption::Constraint(constraint) => {
                    self.add_check(&key, &mut domain, constraint)?
                }
                _ => {}
            }
        }
        self.schema
            .put(key, Some(Object::new(Body::Domain(domain))));
        Some(())
    }

    fn add_check(
        &mut self,
        key: &Key,
        domain: &mut Domain,
        constraint: &crate::change::Constraint,
    ) -> Done {
        let crate::change::ConstraintRule::Check(check) = &constraint.rule else {
            domain.not_null = true;
            return Some(());
        };
        let name = match &constraint.name {
            Some(name) => name.name.clone(),
            None => {
                let mut number = 0;
                loop {
                    let suffix = if number == 0 {
                        String::new()
                    } else {
                        number.to_string()
                    };
                    let name = self.name(&format!("{}_check{suffix}", key.name));
                    if !domain.checks.contains_key(&name) {
                        break name;
                    }
                    number += 1;
                }
            }
        };
        let not_valid = constraint.traits.iter().any(|text| &**text == "not valid");
        domain.checks.insert(name, (check.clone(), not_valid));
        Some(())
    }

    pub(super) fn alter_domain(&mut self, alter: &AlterDomain) -> Done {
        let Some(key) = self.find(Class::Type, &alter.name) else {
            return self.give_up(
                alter.name.span,
                format!("the domain `{}` is not known", alter.name),
            );
        };
        let Some(Body::Domain(domain)) = self.schema.get(&key).map(|object| &object.body) else {
            return self.give_up(
                alter.name.span,
                format!("`{}` is not known to be a domain", alter.name),
            );
        };
        let mut domain = domain.clone();
        match &alter.action {
            DomainAction::Default(value) => {
                domain.default = value
                    .as_ref()
                    .and_then(|value| self.default_of(value, &domain.data_type));
            }
            DomainAction::NotNull(on) => domain.not_null = *on,
            DomainAction::AddConstraint(constraint) => {
                self.add_check(&key, &mut domain, constraint)?
            }
            DomainAction::DropConstraint { name, if_missing } => {
                if domain.checks.remove(&name.name).is_none() && *if_missing == IfMissing::Fail {
                    return self.give_up(
                        name.span,
                        format!("the constraint `{}` is not known", name.name),
                    );
                }
            }
            DomainAction::ValidateConstraint(name) => {
                let Some((_, not_valid)) = domain.checks.get_mut(&name.name) else {
                    return self.give_up(
                        name.span,
                        format!("the constraint `{}` is not known", name.name),
                    );
                };
                *not_valid = false;
            }
        }
        self.schema
            .update(&key, |object| object.body = Body::Domain(domain));
        Some(())
    }

    pub(super) fn comment(&mut self, comment: &Comment) -> Done {
        let text = comment.text.clone();
        match comment.target.kind {
            Kind::Column => self.comment_column(comment, text),
            Kind::Constraint => {
                let owner = comment.target.owner.as_ref()?;
                let key = self.relation(owner, Kind::Table)?;
                let name = crate::change::Ident {
                    name: comment.target.name.name.clone(),
                    span: comment.target.name.span,
                };
                let there = self
                    .table(&key)
                    .is_some_and(|table| table.constraints.contains_key(&name.name));
                if !there {
                    return self.give_up(
                        name.span,
                        format!("the constraint `{}` is not known", name.name),
                    );
                }
                self.update_table(&key, |table| {
                    if let Some(constraint) = table.constraints.get_mut(&name.name) {
                        constraint.comment = text;
                    }
                });
                Some(())
            }
            Kind::DomainConstraint => self.give_up(
                comment.target.name.span,
                "comments on constraints of domains are not modelled",
            ),
            _ => {
                let Some(key) = self.named(&comment.target, IfMissing::Fail)? else {
                    return Some(());
                };
                self.is_named_right(&key, &comment.target, Strictness::Exact)?;
                self.schema.update(&key, |object| object.comment = text);
                Some(())
            }
        }
    }

    /// What is refreshed must be there, and be what is kept of a query.
    pub(super) fn refresh(&mut self, name: &ObjectName, concurrently: bool) -> Done {
        let target = Target {
            kind: Kind::MaterializedView,
            name: name.clone(),
            owner: None,
            arguments: None,
        };
        let key = self.relation(name, target.kind)?;
        self.is_named_right(&key, &target, Strictness::Exact)?;
        let is_key = |object: &Object| match &object.body {
            Body::Index(index) => index.table == key && index.unique && index.condition.is_none(),
            _ => false,
        };
        let has_key = self
            .schema
            .in_schema(Class::Relation, &key.schema)
            .any(|(_, object)| is_key(object));
        if concurrently && !has_key {
            return self.give_up(
                name.span,
                format!("the view `{name}` is not known to have a unique index"),
            );
        }
        Some(())
    }

    fn comment_column(&mut self, comment: &Comment, text: Option<Arc<str>>) -> Done {
        let owner = comment.target.owner.as_ref()?;
        let column = crate::change::Ident {
            name: comment.target.name.name.clone(),
            span: comment.target.name.span,
        };
        if let Some(key) = self.find(Class::Type, owner)
            && self.find(Class::Relation, owner).is_none()
        {
            return self.give_up(
                column.span,
                format!("comments on attributes of `{}` are not modelled", key.name),
            );
        }
        let key = self.relation(owner, Kind::Table)?;
        if let Some(object) = self.schema.get(&key)
            && let Body::View(_) = &object.body
        {
            // The columns of a view are kept with its options.
            let name = format!("{COMMENT_ON}{}", column.name);
            self.schema.update(&key, |object| {
                if let Body::View(view) = &mut object.body {
                    match text {
                        Some(text) => view.options.insert(name.into(), text),
                        None => view.options.remove(&*name),
                    };
                }
            });
            return Some(());
        }
        self.column(&key, &column)?;
        self.update_column(&key, &column.name, |column| column.comment = text);
        Some(())
    }

    pub(super) fn attribute(&mut self, attribute: &Attribute) -> Done {
        if attribute.target.kind == Kind::Schema {
            return Some(());
        }
        let Some(key) = self.named(&attribute.target, attribute.if_missing)? else {
            return Some(());
        };
        let mut known = true;
        self.schema.update(&key, |object| {
            let attributes = match &mut object.body {
                Body::Routine(routine) => &mut routine.options,
                Body::Other(other) => &mut other.attributes,
                _ => {
                    known = false;
                    return;
                }
            };
            for option in &attribute.attributes {
                match option.value.is_empty() {
                    true => attributes.remove(&option.name),
                    false => attributes.insert(option.name.clone(), option.value.clone()),
                };
            }
        });
        if known && attribute.target.kind == Kind::Policy {
            self.merge_policy(&key);
        }
        match known {
            true => Some(()),
            false => self.give_up(attribute.target.name.span, "this attribute is not modelled"),
        }
    }

    /// What `ALTER POLICY` says takes the place of what the policy said before.
    fn merge_policy(&mut self, key: &Key) {
        let dialect = self.schema.dialect();
        self.schema.update(key, |object| {
            let Body::Other(policy) = &mut object.body else {
                return;
            };
            let mut text = policy.definition.text.to_string();
            for (name, value) in std::mem::take(&mut policy.attributes) {
                let mut parts = policy_parts(&text);
                parts.retain(|(head, _)| *head != *name);
                parts.push((name.to_string(), value.to_string()));
                parts.sort_by_key(|(head, _)| {
                    ["as", "for", "to", "using", "with check"]
                        .iter()
                        .position(|known| known == head)
                });
                text = parts
                    .iter()
                    .map(|(head, value)| format!("{head} {value}"))
                    .collect::<Vec<_>>()
                    .join(" ");
            }
            policy.definition = crate::change::Fragment::parse(&text, dialect);
        });
    }
}

/// A policy as its clauses: `for select to x using (…)`.
fn policy_parts(text: &str) -> Vec<(String, String)> {
    let mut parts: Vec<(String, String)> = Vec::new();
    let mut depth = 0;
    for word in text.split(' ') {
        let head = match word.split('(').next().unwrap_or_default() {
            head @ ("as" | "for" | "to" | "using" | "check") if depth == 0 => Some(head),
            _ => None,
        };
        match head {
            Some("check") => {
                parts.retain(|(head, _)| head != "with");
                parts.push(("with check".to_owned(), word["check".len()..].to_owned()));
            }
            Some(head) => parts.push((head.to_owned(), word[head.len()..].to_owned())),
            None => match parts.last_mut() {
                Some((_, value)) if word != "with" || depth > 0 => {
                    if !value.is_empty() {
                        value.push(' ');
                    }
                    value.push_str(word);
                }
                _ => {}
            },
        }
        depth += word.matches('(').count();
        depth -= word.matches(')').count().min(depth);
    }
    parts
}
