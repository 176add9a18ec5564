//! What a statement makes of the model of a schema, with the habits of its engine.
//!
//! Replaying says two things besides: what the engine will refuse, as [`Finding`]s, and where the
//! model no longer knows, as [`Unknown`]s. It never guesses: a finding is raised only when the
//! model is sure. Whether UP and DOWN fit together is [`proof`](crate::proof)'s business.

mod alter;
mod block;
mod catalogue;
mod column;
mod constraint;
mod create;
mod data;
mod double;
mod drop;
mod fit;
mod follow;
mod grant;
mod index;
mod lookup;
mod naming;
mod object;
mod rename;
mod table;
mod value;

pub(crate) use create::STAR;
pub(crate) use lookup::HISTORY;

use std::collections::{BTreeMap, BTreeSet};

use crate::change::{Change, Kind, Name, ObjectName};
use crate::dialect::Modelling;
use crate::schema::{Body, Class, Key, Object, Schema};
use crate::source::Span;

/// What the engine will refuse.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// `unknown-table`, `duplicate-object`, …
    pub code: &'static str,
    /// The words that are refused.
    pub span: Span,
    /// One terse sentence.
    pub message: String,
    /// Why the engine refuses it.
    pub why: String,
    /// What to write instead.
    pub help: String,
    /// What is not there, where that is what is wrong.
    pub missing: Option<Missing>,
}

/// What a statement names although it is not there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Missing {
    /// An object.
    Object(Key),
    /// A column of a table.
    Column(Key, Name),
    /// A constraint of a table.
    Constraint(Key, Name),
}

impl Missing {
    /// Whether it is there when that is the object of the key.
    pub(crate) fn is_in(&self, object: Option<&Object>) -> bool {
        let table = || object.and_then(Object::table);
        match self {
            Missing::Object(_) => object.is_some_and(|object| !object.is_open()),
            Missing::Column(_, name) => table().is_some_and(|table| table.column(name).is_some()),
            Missing::Constraint(_, name) => {
                table().is_some_and(|table| table.constraints.contains_key(name))
            }
        }
    }

    /// The object that it is, or of which it is a part.
    pub(crate) fn key(&self) -> &Key {
        match self {
            Missing::Object(key) | Missing::Column(key, _) | Missing::Constraint(key, _) => key,
        }
    }
}

/// Something that the model does not know after a statement, so that nothing is proven about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unknown {
    /// The words to blame.
    pub span: Span,
    /// To be read after "unproven because": `a DO block can do anything`.
    pub why: String,
}

/// What replaying a statement says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    /// What the engine refuses. The statement is then not replayed any further.
    pub findings: Vec<Finding>,
    /// What is not known after it.
    pub unknowns: Vec<Unknown>,
    /// Whether it may have changed what it does not name.
    pub anything: bool,
}

/// What lasts from statement to statement and ends with the section.
#[derive(Clone, Debug, Default)]
pub struct Session {
    /// `SET search_path`, where it was said.
    pub search_path: Option<Vec<Name>>,
    /// Tables of which rows were deleted.
    pub emptied: Vec<Key>,
    /// Tables into which rows were put.
    pub inserted: BTreeSet<Key>,
    /// Tables into which the UP has put rows, for its DOWN.
    pub inserted_before: BTreeSet<Key>,
    /// Whether foreign keys are not looked at: `SET foreign_key_checks = 0`.
    pub unchecked: bool,
    /// Indexes that MySQL has made for foreign keys since the section began.
    pub automatic: BTreeSet<Key>,
    /// Where the migration began: what it wrote itself, the model knows.
    pub began: Option<crate::schema::Mark>,
}

/// Replays the statement at `span`.
pub fn apply(schema: &mut Schema, session: &mut Session, change: &Change, span: Span) -> Outcome {
    let modelling = schema.dialect().modelling();
    let mut replay = Replay {
        schema,
        session,
        modelling,
        span,
        outcome: Outcome::default(),
        guarded: false,
        variables: BTreeMap::new(),
        depth: 0,
        taken: 0,
    };
    replay.change(change);
    replay.outcome
}

/// Notes that the model is not sure about these names: objects made by someone else.
pub fn doubt(schema: &mut Schema, names: impl IntoIterator<Item = Name>) {
    for name in names {
        let key = doubt_key(schema, name);
        schema.put(key, Some(Object::new(Body::Doubt)));
    }
}

/// Takes an extension to be there from now on. Whether it was not known so far.
pub(crate) fn assume_extension(schema: &mut Schema, name: &Name) -> bool {
    let dialect = schema.dialect();
    let key = Key::new(Class::Extension, Name::new("", dialect), name.clone());
    let doubted = |text: Name| schema.has(&doubt_key(schema, text));
    if schema.has(&key) || doubted(name.clone()) || doubted(Name::new("*", dialect)) {
        return false;
    }
    let extension = crate::schema::Extension { schema: None };
    schema.adopt(key, Object::new(Body::Extension(extension)));
    true
}

fn doubt_key(schema: &Schema, name: Name) -> Key {
    Key::new(Class::Doubt, Name::new("", schema.dialect()), name)
}

/// `None` ends the replay of a statement: it was refused, or is no longer known.
type Done = Option<()>;

/// A statement that is being replayed.
struct Replay<'s> {
    schema: &'s mut Schema,
    session: &'s mut Session,
    modelling: &'static Modelling,
    span: Span,
    outcome: Outcome,
    /// Whether a block catches what is refused, so that an object may be there already.
    guarded: bool,
    /// The variables of the block around a statement.
    variables: BTreeMap<Name, value::Value>,
    /// How deep calls stand in one another.
    depth: usize,
    /// How many steps blocks took so far.
    taken: usize,
}

impl Replay<'_> {
    fn change(&mut self, change: &Change) -> Done {
        match change {
            Change::CreateTable(table) => self.create_table(table),
            Change::AlterTable(alter) => self.alter_table(alter),
            Change::CreateIndex(index) => self.create_index(index),
            Change::CreateView(view) => self.create_view(view),
            Change::CreateSequence(sequence) => self.create_sequence(sequence),
            Change::AlterSequence(alter) => self.alter_sequence(alter),
            Change::CreateType(create) => self.create_type(create),
            Change::AlterType(alter) => self.alter_type(alter),
            Change::CreateDomain(create) => self.create_domain(create),
            Change::AlterDomain(alter) => self.alter_domain(alter),
            Change::CreateRoutine(routine) => self.create_routine(routine),
            Change::CreateTrigger(trigger) => self.create_trigger(trigger),
            Change::CreateOther(other) => self.create_other(other),
            Change::CreateSchema(create) => self.create_schema(create),
            Change::CreateExtension(create) => self.create_extension(create),
            Change::Drop(drop) => self.drop(drop),
            Change::Rename(rename) => self.rename(rename),
            Change::SetSchema(set) => self.set_schema(set),
            Change::Owner(owner) => self.owner(owner),
            Change::Comment(comment) => self.comment(comment),
            Change::Attribute(attribute) => self.attribute(attribute),
            Change::Grant(grant) => self.grant(grant),
            Change::Data(data) => self.data(data),
            Change::Block(block) => self.block(block),
            Change::SearchPath(path) => {
                self.session.search_path = Some(path.clone());
                Some(())
            }
            Change::ForeignKeyChecks(on) => {
                self.session.unchecked = !on;
                Some(())
            }
            Change::Harmless => Some(()),
            Change::Refresh { name, concurrently } => self.refresh(name, *concurrently),
            Change::Opaque(opaque) => {
                self.opaque(
                    opaque.why,
                    &opaque.mentions,
                    opaque.anything,
                    opaque.reshapes,
                );
                Some(())
            }
        }
    }

    /// Notes that something happened that the model does not follow.
    fn opaque(&mut self, why: &str, mentions: &[Name], anything: bool, reshapes: bool) {
        self.unknown(self.span, why);
        self.outcome.anything |= anything;
        let everything = anything.then(|| self.name("*"));
        for name in mentions.iter().cloned().chain(everything) {
            if reshapes {
                self.open(&name);
            }
            let key = doubt_key(self.schema, name);
            if !self.schema.has(&key) {
                self.schema.put(key, Some(Object::new(Body::Doubt)));
            }
        }
    }

    /// What the name stands for may be another from here on.
    fn open(&mut self, name: &Name) {
        let schema = self.name(self.modelling.default_schema);
        let key = Key::new(Class::Relation, schema, name.clone());
        self.schema.update(&key, |object| match &mut object.body {
            Body::Table(table) => table.open = true,
            Body::View(view) => view.open = true,
            Body::Sequence(sequence) => sequence.open = true,
            _ => {}
        });
    }

    fn name(&self, text: &str) -> Name {
        Name::new(text, self.schema.dialect())
    }

    /// Notes that the model does not know something, and goes on.
    fn unknown(&mut self, span: Span, why: impl Into<String>) {
        self.outcome.unknowns.push(Unknown {
            span,
            why: why.into(),
        });
    }

    /// Notes that the model does not know something, and ends the statement.
    fn give_up(&mut self, span: Span, why: impl Into<String>) -> Done {
        self.unknown(span, why);
        None
    }

    /// The engine refuses the statement.
    fn refuse(&mut self, finding: Finding) -> Done {
        self.outcome.findings.push(finding);
        None
    }

    fn duplicate(&mut self, kind: &str, name: &ObjectName) -> Done {
        self.refuse(Finding {
            code: "duplicate-object",
            span: name.span,
            message: format!("{kind} `{name}` is there already"),
            why: "The engine refuses a second one of that name.".to_owned(),
            help: "Choose another name, or drop the old one first.".to_owned(),
            missing: None,
        })
    }
}

/// The word for a kind of object in messages.
fn word(kind: Kind) -> &'static str {
    match kind {
        Kind::Table => "table",
        Kind::ForeignTable => "foreign table",
        Kind::View => "view",
        Kind::MaterializedView => "materialised view",
        Kind::Index => "index",
        Kind::Sequence => "sequence",
        Kind::Type => "type",
        Kind::Domain => "domain",
        Kind::Function | Kind::Routine => "function",
        Kind::Procedure => "procedure",
        Kind::Aggregate => "aggregate",
        Kind::Trigger => "trigger",
        Kind::Policy => "policy",
        Kind::Rule => "rule",
        Kind::Column => "column",
        Kind::Constraint | Kind::DomainConstraint => "constraint",
        Kind::Label => "label",
        Kind::Schema => "schema",
        Kind::Extension => "extension",
        Kind::Other(_) => "object",
    }
}
