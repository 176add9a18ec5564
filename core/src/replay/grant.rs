//! Privileges.

use std::sync::Arc;

use super::{Done, Replay};
use crate::change::{Fragment, Grant, GrantOn, IfMissing, Kind, Name, Target};
use crate::schema::{Body, Class, Key, Object, Other};

impl Replay<'_> {
    pub(super) fn grant(&mut self, grant: &Grant) -> Done {
        match &grant.on {
            GrantOn::Targets(targets) => {
                for target in targets {
                    self.grant_on(grant, target)?;
                }
                Some(())
            }
            GrantOn::Text(text) => {
                self.grant_text(grant, text);
                Some(())
            }
            GrantOn::Roles => Some(()),
        }
    }

    fn grant_on(&mut self, grant: &Grant, target: &Target) -> Done {
        let key = match target.kind {
            Kind::Table | Kind::Sequence => self.relation(&target.name, target.kind)?,
            _ => self.named(target, IfMissing::Fail)??,
        };
        let kind = match self.schema.get(&key).map(|object| &object.body) {
            Some(Body::Sequence(_)) => Kind::Sequence,
            _ => target.kind,
        };
        let privileges = spelled_out(&grant.privileges, kind);
        // What everybody may do from the start is there before anything is granted.
        let from_start = matches!(
            kind,
            Kind::Function | Kind::Procedure | Kind::Routine | Kind::Type | Kind::Domain
        ) || (kind == Kind::Schema && key.name.as_str() == "public");
        self.is_no_owner(grant, &key, target);
        self.schema.update(&key, |object| {
            for role in &grant.roles {
                for privilege in &privileges {
                    let place = (role.clone(), privilege.clone());
                    let refused = (role.clone(), Arc::from(format!("no {privilege}")));
                    if grant.gives {
                        object.grants.remove(&refused);
                        if !(from_start && role.as_str() == "public") {
                            let option = object.grants.get(&place).copied().unwrap_or(false);
                            object.grants.insert(place, option || grant.option);
                        }
                    } else if grant.option {
                        if let Some(option) = object.grants.get_mut(&place) {
                            *option = false;
                        }
                    } else {
                        // Privileges on columns go along with those on the table.
                        let columns = format!("{privilege} (");
                        object.grants.retain(|(who, what), _| {
                            who != role || !(what == privilege || what.starts_with(&columns))
                        });
                        if from_start && role.as_str() == "public" {
                            object.grants.insert(refused, false);
                        }
                    }
                }
            }
        });
        Some(())
    }

    /// An owner has privileges that nobody has given. Who owns an object is for the server to say,
    /// unless a statement has said it.
    fn is_no_owner(&mut self, grant: &Grant, key: &Key, target: &Target) {
        let Some(object) = self.schema.get(key) else {
            return;
        };
        let may_own = |role: &&Name| {
            role.as_str() != "public" && object.owner.as_ref().is_none_or(|owner| owner == *role)
        };
        let has = |role: &Name| object.grants.keys().any(|(who, _)| who == role);
        let role = grant.roles.iter().filter(may_own).find(|role| !has(role));
        if let Some(role) = role.cloned()
            && !grant.gives
            && !grant.option
        {
            let span = target.name.span;
            self.unknown(
                span,
                format!("whether `{role}` owns `{}` is not known", key.name),
            );
        }
    }

    /// Privileges on what is named by words: each is an object of its own.
    fn grant_text(&mut self, grant: &Grant, text: &Fragment) {
        let existing = text.text.starts_with("all ");
        if existing {
            self.unknown(
                text.span,
                "privileges on all objects of a schema are not modelled",
            );
        }
        for role in &grant.roles {
            for privilege in &grant.privileges {
                let key = self.privilege_key(text, role, privilege);
                let object = Object::new(Body::Other(Other {
                    words: "PRIVILEGE",
                    table: None,
                    definition: text.clone(),
                    attributes: Default::default(),
                }));
                self.schema.put(key, grant.gives.then_some(object));
            }
        }
    }

    fn privilege_key(&self, text: &Fragment, role: &Name, privilege: &str) -> Key {
        let name = format!("{privilege} {} to {role}", text.text);
        Key::new(
            Class::Privilege,
            self.name(""),
            Name::new(&name, self.schema.dialect()),
        )
    }
}

/// `all` as the privileges that it stands for.
fn spelled_out(privileges: &[Arc<str>], kind: Kind) -> Vec<Arc<str>> {
    let all: &[&str] = match kind {
        Kind::Sequence => &["usage", "select", "update"],
        Kind::Function | Kind::Procedure | Kind::Aggregate | Kind::Routine => &["execute"],
        Kind::Schema => &["usage", "create"],
        Kind::Type | Kind::Domain => &["usage"],
        _ => &[
            "select",
            "insert",
            "update",
            "delete",
            "truncate",
            "references",
            "trigger",
        ],
    };
    privileges
        .iter()
        .flat_map(|privilege| match &**privilege {
            "all" => all.iter().map(|one| Arc::from(*one)).collect(),
            _ => vec![privilege.clone()],
        })
        .collect()
}
