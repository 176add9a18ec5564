//! What a rule may ask: one migration, its statements as changes, and the model at any moment.

use std::cell::OnceCell;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::finding::{Finding, Place};
use super::moment::Moment;
use crate::change::{
    Action, AlterTable, Change, ColumnDef, Data, DataVerb, Kind, Name, ObjectName, TableOrigin,
    Verb,
};
use crate::diagnostic::Section;
use crate::dialect::Dialect;
use crate::lex::{self, Lexeme, Token, TokenKind};
use crate::migration::{Migration, Transaction};
use crate::options::{Options, Version};
use crate::schema::{Column, Constraint, Key, Mark, Object, Schema, Table};
use crate::source::{Source, Span};
use crate::statement::Statement;

/// A statement as it was replayed.
#[derive(Clone, Debug)]
pub struct Step {
    /// What it does.
    pub change: Change,
    /// Where the journal stood before it.
    pub before: Mark,
    /// Where the journal stood after it.
    pub after: Mark,
}

/// One migration, replayed there and back.
pub(crate) struct Situation<'s> {
    pub(crate) migration: &'s Migration,
    pub(crate) options: &'s Options,
    /// The model after the last statement that was replayed.
    pub(crate) schema: &'s Schema,
    up: &'s [Step],
    down: &'s [Step],
    start: Mark,
    /// For each object what it was before a write, and which write that was.
    writes: BTreeMap<&'s Key, Vec<Write<'s>>>,
    /// Where names without a schema are looked up, and from which write on.
    paths: Vec<(usize, Vec<Name>)>,
    /// The statements of the UP that are parts of rebuilds.
    pub(crate) rebuilding: OnceCell<Vec<usize>>,
    /// For each statement of the UP the tables that it alters, before it and before the migration.
    altered: Vec<OnceCell<Option<Altered>>>,
    /// The tokens of the statements that somebody has asked for, those of the DOWN last.
    tokens: Vec<OnceCell<Vec<Token>>>,
}

/// Which write it was, and what the object was before.
type Write<'s> = (usize, Option<&'s Arc<Object>>);

/// A statement of a [`Situation`].
#[derive(Clone, Copy)]
pub(crate) struct Act<'s> {
    pub(crate) situation: &'s Situation<'s>,
    pub(crate) place: Place,
    pub(crate) step: &'s Step,
    pub(crate) statement: &'s Statement,
}

/// A table that a statement alters, and that was there before the migration.
#[derive(Clone)]
struct Altered {
    key: Key,
    /// Before the statement.
    now: Arc<Object>,
    /// Before the migration.
    origin: Arc<Object>,
}

/// One action of an `ALTER TABLE` in the UP, on a table that was there before.
#[derive(Clone)]
pub(crate) struct Alteration<'s> {
    pub(crate) act: Act<'s>,
    pub(crate) key: &'s Key,
    /// Before the statement.
    pub(crate) table: &'s Table,
    /// Before the migration.
    origin: &'s Table,
    pub(crate) action: &'s Action,
    pub(crate) name: &'s ObjectName,
}

impl<'s> Situation<'s> {
    /// The situation after `up` and `down` were replayed on `schema`, which stood at `start` before.
    ///
    /// A section ends with its first statement that the engine refuses, so that `up` and `down` may
    /// hold fewer steps than the migration has statements.
    pub(crate) fn new(
        migration: &'s Migration,
        options: &'s Options,
        schema: &'s Schema,
        start: Mark,
        up: &'s [Step],
        down: &'s [Step],
    ) -> Situation<'s> {
        let mut writes: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for (at, entry) in schema.since(start).iter().enumerate() {
            let before = (at, entry.before.as_ref());
            writes.entry(&entry.key).or_default().push(before);
        }
        Situation {
            migration,
            options,
            schema,
            up,
            down,
            start,
            writes,
            paths: paths(schema, start, up.iter().chain(down)),
            rebuilding: OnceCell::new(),
            altered: vec![OnceCell::new(); up.len()],
            tokens: vec![OnceCell::new(); up.len() + down.len()],
        }
    }

    /// The SQL it is written in.
    pub(crate) fn dialect(&self) -> Dialect {
        self.schema.dialect()
    }

    /// The oldest server that must work.
    pub(crate) fn server(&self) -> Version {
        let assumed = self.dialect().assumed_server();
        self.options.server.unwrap_or(assumed)
    }

    /// Whether the oldest server that must work is at least of this version.
    pub(crate) fn server_is(&self, major: u32, minor: u32) -> bool {
        let server = self.server();
        (server.major, server.minor) >= (major, minor)
    }

    /// The file of a section.
    pub(crate) fn source(&self, section: Section) -> &'s Source {
        match (section, &self.migration.down) {
            (Section::Down, Some(down)) => &down.source,
            _ => &self.migration.up.source,
        }
    }

    /// The statements of the UP.
    pub(crate) fn up(&'s self) -> impl DoubleEndedIterator<Item = Act<'s>> {
        self.acts(Section::Up, self.up, &self.migration.up.statements)
    }

    /// The statements of the DOWN.
    pub(crate) fn down(&'s self) -> impl DoubleEndedIterator<Item = Act<'s>> {
        let statements = self.migration.down.as_ref();
        let statements = statements.map_or(&[][..], |down| &down.statements);
        self.acts(Section::Down, self.down, statements)
    }

    /// Whether the whole UP was replayed.
    pub(crate) fn is_up_whole(&self) -> bool {
        self.up.len() == self.migration.up.statements.len()
    }

    /// Whether the whole DOWN was replayed; not so where there is none.
    pub(crate) fn is_down_whole(&self) -> bool {
        let down = self.migration.down.as_ref();
        self.is_up_whole() && down.is_some_and(|down| self.down.len() == down.statements.len())
    }

    /// The model before the migration.
    pub(crate) fn start(&'s self) -> Moment<'s> {
        Moment {
            situation: self,
            writes: 0,
        }
    }

    /// The model after the UP.
    pub(crate) fn middle(&'s self) -> Moment<'s> {
        let writes = self.up.last().map_or(0, |step| self.writes_at(step.after));
        Moment {
            situation: self,
            writes,
        }
    }

    /// Whether all of it runs in one transaction.
    pub(crate) fn is_one_transaction(&self) -> bool {
        self.migration.transaction == Transaction::One && self.dialect().has_transactional_ddl()
    }

    /// Whether `small-tables` names it, with or without its schema.
    pub(crate) fn is_small(&self, table: &Key) -> bool {
        let full = format!("{}.{}", table.schema, table.name);
        let mut small = self.options.small_tables.iter();
        small.any(|small| *small == full || Name::new(small, self.dialect()) == table.name)
    }

    /// Every `ALTER TABLE` of the UP on a table that was there before, action by action.
    pub(crate) fn alterations(&'s self) -> impl Iterator<Item = Alteration<'s>> {
        self.up().flat_map(|act| act.alterations())
    }

    /// Every column that the UP adds to a table that was there before.
    pub(crate) fn added_columns(&'s self) -> impl Iterator<Item = (Alteration<'s>, &'s ColumnDef)> {
        self.alterations().filter_map(|one| match &one.action.verb {
            Verb::AddColumn { column, .. } if one.is_effective(column) => Some((one, column)),
            _ => None,
        })
    }

    /// Every statement about rows in the UP.
    pub(crate) fn data(&'s self) -> impl Iterator<Item = (Act<'s>, &'s Data)> {
        self.up().filter_map(|act| Some((act, act.data()?)))
    }

    /// The name by which a table was known before the migration: none for a table that it makes.
    pub(crate) fn origin_of(&'s self, key: &Key, writes: usize) -> Option<Key> {
        let entries = self.writes.get(key).map_or(&[][..], Vec::as_slice);
        let mut before = entries.iter().take_while(|(at, _)| *at < writes);
        let made = before
            .by_ref()
            .filter(|(_, before)| before.is_none())
            .last();
        let Some((at, _)) = made else {
            return self.start().get(key).is_some().then(|| key.clone());
        };
        let maker = self.up().find(|act| self.writes_at(act.step.after) > *at)?;
        let (from, _) = maker.renames()?;
        self.origin_of(&from, maker.before().writes)
    }

    /// The tables that were there before the migration.
    pub(crate) fn start_tables(&'s self) -> impl Iterator<Item = Key> {
        let objects = self.schema.objects().map(|(key, _)| key);
        let keys: BTreeSet<&Key> = objects.chain(self.touched()).collect();
        let is_table = |key: &&Key| self.start().table(key).is_some();
        keys.into_iter().filter(is_table).cloned()
    }

    pub(crate) fn object_at(&self, key: &Key, writes: usize) -> Option<&'s Arc<Object>> {
        let entries = self.writes.get(key).map_or(&[][..], Vec::as_slice);
        match entries.iter().find(|(at, _)| *at >= writes) {
            Some((_, before)) => *before,
            None => self.schema.get(key),
        }
    }

    /// The objects that the migration has touched.
    pub(crate) fn touched(&self) -> impl Iterator<Item = &'s Key> {
        self.writes.keys().copied()
    }

    /// The schemas in which a name without one is looked up.
    pub(crate) fn search_path(&self, writes: usize) -> &[Name] {
        let upto = self.paths.partition_point(|(from, _)| *from <= writes);
        self.paths
            .get(upto.wrapping_sub(1))
            .map_or(&[], |(_, path)| path)
    }

    fn acts(
        &'s self,
        section: Section,
        steps: &'s [Step],
        statements: &'s [Statement],
    ) -> impl DoubleEndedIterator<Item = Act<'s>> {
        let pairs = steps.iter().zip(statements).enumerate();
        pairs.map(move |(index, (step, statement))| Act {
            situation: self,
            place: Place { section, index },
            step,
            statement,
        })
    }

    fn writes_at(&self, mark: Mark) -> usize {
        self.schema.between(self.start, mark).len()
    }
}

/// Where names without a schema are looked up: along the path that was last set, and in the schema
/// that is used where none was.
fn paths<'s>(
    schema: &Schema,
    start: Mark,
    steps: impl Iterator<Item = &'s Step>,
) -> Vec<(usize, Vec<Name>)> {
    let dialect = schema.dialect();
    let usual = Name::new(dialect.modelling().default_schema, dialect);
    let mut paths = vec![(0, vec![usual.clone()])];
    for step in steps {
        if let Change::SearchPath(path) = &step.change {
            let from = schema.between(start, step.after).len();
            let mut path = path.clone();
            path.push(usual.clone());
            paths.push((from, path));
        }
    }
    paths
}

impl<'s> Act<'s> {
    /// The model before it.
    pub(crate) fn before(self) -> Moment<'s> {
        Moment {
            situation: self.situation,
            writes: self.situation.writes_at(self.step.before),
        }
    }

    /// The model after it.
    pub(crate) fn after(self) -> Moment<'s> {
        Moment {
            situation: self.situation,
            writes: self.situation.writes_at(self.step.after),
        }
    }

    /// A finding about these words of it.
    pub(crate) fn find(self, span: Span, message: impl Into<String>) -> Finding {
        Finding::new(self.place, span, message)
    }

    /// A finding about all of it.
    pub(crate) fn find_whole(self, message: impl Into<String>) -> Finding {
        self.find(self.statement.span, message)
    }

    /// The relation of that name, if it was there before the migration, is the one that clients
    /// see, and is kept: the model is sure of it, and it is not temporary.
    pub(crate) fn old_relation(self, name: &ObjectName) -> Option<(Key, &'s Arc<Object>)> {
        let moment = self.before();
        let key = moment.relation(name)?;
        let object = moment.get(&key)?;
        let is_old =
            !object.is_temporary() && self.situation.origin_of(&key, moment.writes).is_some();
        is_old.then_some((key, object))
    }

    /// The same for a table.
    pub(crate) fn old_table(self, name: &ObjectName) -> Option<(Key, &'s Table)> {
        let (key, object) = self.old_relation(name)?;
        Some((key, object.table()?))
    }

    /// A table that it meets, as the migration found it: none for one that the migration makes.
    pub(crate) fn as_found(self, table: &Key) -> Option<&'s Table> {
        let situation = self.situation;
        let origin = situation.origin_of(table, self.before().writes)?;
        situation.start().table(&origin)
    }

    /// What it does to rows, if it changes any.
    pub(crate) fn data(self) -> Option<&'s Data> {
        match &self.step.change {
            Change::Data(data) if data.verb != DataVerb::Query => Some(data),
            _ => None,
        }
    }

    /// The actions of an `ALTER TABLE`.
    pub(crate) fn siblings(self) -> impl Iterator<Item = &'s Action> {
        let actions = match &self.step.change {
            Change::AlterTable(alter) => alter.actions.as_slice(),
            _ => &[],
        };
        actions.iter()
    }

    /// As it is written.
    pub(crate) fn text(self) -> &'s str {
        let source = self.situation.source(self.place.section);
        self.statement.span.of(source.text())
    }

    /// The words and signs of its text.
    pub(crate) fn lexemes(self) -> Vec<Lexeme<'s>> {
        let situation = self.situation;
        let text = situation.source(self.place.section).text();
        let before = match self.place.section {
            Section::Down => situation.up.len(),
            _ => 0,
        };
        let read = || lex::lex_within(text, self.statement.span, situation.dialect());
        let tokens = situation.tokens[before + self.place.index].get_or_init(read);
        lex::lexemes(text, tokens)
    }

    /// The name that a word or a quoted name is.
    pub(crate) fn named(self, lexeme: &Lexeme<'_>) -> Option<Name> {
        let dialect = self.situation.dialect();
        match lexeme.kind {
            TokenKind::Word => Some(Name::unquoted(lexeme.text, dialect)),
            TokenKind::QuotedName => {
                let inner = lexeme.text.trim_matches(['"', '`', '[', ']']);
                Some(Name::new(inner, dialect))
            }
            _ => None,
        }
    }

    /// Whether a word stands in it, for statements of which the model knows no more than that they
    /// are harmless: `SET`, `PRAGMA`.
    pub(crate) fn sets(self, name: &str) -> bool {
        let is_setting = matches!(
            self.step.change,
            Change::Harmless | Change::ForeignKeyChecks(_)
        );
        is_setting
            && self
                .lexemes()
                .iter()
                .any(|lexeme| lexeme.text.eq_ignore_ascii_case(name))
    }

    /// The objects that it makes, changes or drops.
    pub(crate) fn written(self) -> impl Iterator<Item = &'s Key> {
        let schema = self.situation.schema;
        let entries = schema.between(self.step.before, self.step.after);
        let keys: BTreeSet<&Key> = entries.iter().map(|entry| &entry.key).collect();
        keys.into_iter()
    }

    /// The tables that it changes or drops.
    pub(crate) fn touched_tables(self) -> Vec<Key> {
        let tables = self
            .written()
            .filter(|key| self.before().table(key).is_some());
        tables.cloned().collect()
    }

    /// Whether it changes rows of that table.
    pub(crate) fn writes_to(self, table: &Key) -> bool {
        let is_it = |name: &ObjectName| self.before().relation(name).as_ref() == Some(table);
        self.data()
            .is_some_and(|data| data.targets.iter().any(is_it))
    }

    /// Whether it reads rows of that table.
    pub(crate) fn reads(self, table: &Key) -> bool {
        let is_it = |name: &ObjectName| self.before().relation(name).as_ref() == Some(table);
        let (uses, targets) = match &self.step.change {
            Change::Data(data) => (&data.uses, data.targets.as_slice()),
            Change::CreateTable(create) => match &create.origin {
                TableOrigin::Query(query) => (&query.uses, &[][..]),
                _ => return false,
            },
            _ => return false,
        };
        // What is written stands among what is used, once more than it is read.
        let used = uses.relations.iter().filter(|used| is_it(&used.name));
        used.count() > targets.iter().filter(|name| is_it(name)).count()
    }

    /// Whether it names that column, or takes all there are.
    pub(crate) fn mentions(self, column: &Name) -> bool {
        let is_star = self.data().is_some_and(|data| data.uses.star);
        let mut lexemes = self.lexemes().into_iter();
        is_star || lexemes.any(|lexeme| self.named(&lexeme).as_ref() == Some(column))
    }

    /// The table that it renames or moves: its key before and after.
    pub(crate) fn renames(self) -> Option<(Key, Key)> {
        let (before, after) = (self.before(), self.after());
        let pair = |from: &ObjectName, to: Key| {
            let from = before.relation(from)?;
            (before.get(&to).is_none() && after.get(&to).is_some()).then_some((from, to))
        };
        let moved = |from: &ObjectName, schema: Option<&Name>, name: &Name| {
            let key = before.relation(from)?;
            let schema = schema.unwrap_or(&key.schema).clone();
            pair(from, Key::new(key.class, schema, name.clone()))
        };
        match &self.step.change {
            Change::Rename(rename) if is_relation(rename.target.kind) => moved(
                &rename.target.name,
                rename.to.schema.as_ref(),
                &rename.to.name,
            ),
            Change::SetSchema(set) if is_relation(set.target.kind) => {
                let name = &set.target.name;
                moved(name, Some(&set.schema.name), &name.name)
            }
            Change::AlterTable(alter) => {
                alter.actions.iter().find_map(|action| match &action.verb {
                    Verb::RenameTo(to) => moved(&alter.name, to.schema.as_ref(), &to.name),
                    Verb::SetSchema(schema) => {
                        moved(&alter.name, Some(&schema.name), &alter.name.name)
                    }
                    _ => None,
                })
            }
            _ => None,
        }
    }

    fn alterations(self) -> impl Iterator<Item = Alteration<'s>> {
        let alter = match &self.step.change {
            Change::AlterTable(alter) => Some(alter),
            _ => None,
        };
        let found = alter.and_then(|alter| {
            let known = &self.situation.altered[self.place.index];
            let altered = known.get_or_init(|| self.altered(alter)).as_ref()?;
            let (table, origin) = (altered.now.table()?, altered.origin.table()?);
            Some((alter, &altered.key, table, origin))
        });
        found
            .into_iter()
            .flat_map(move |(alter, key, table, origin)| {
                alter.actions.iter().map(move |action| Alteration {
                    act: self,
                    key,
                    table,
                    origin,
                    action,
                    name: &alter.name,
                })
            })
    }

    fn altered(self, alter: &AlterTable) -> Option<Altered> {
        let (key, now) = self.old_relation(&alter.name)?;
        now.table()?;
        let situation = self.situation;
        let origin = situation.origin_of(&key, self.before().writes)?;
        let origin = situation.start().get(&origin)?.clone();
        Some(Altered {
            now: now.clone(),
            key,
            origin,
        })
    }
}

impl<'s> Alteration<'s> {
    /// The column of that name, if it was there before the migration.
    pub(crate) fn old_column(&self, name: &Name) -> Option<&'s Column> {
        self.origin.column(name).and(self.table.column(name))
    }

    /// The constraint of that name, if it was there before the migration.
    pub(crate) fn old_constraint(&self, name: &Name) -> Option<&'s Constraint> {
        let now = self.table.constraints.get(name)?;
        self.origin.constraints.contains_key(name).then_some(now)
    }

    /// A finding about this action.
    pub(crate) fn find(&self, message: impl Into<String>) -> Finding {
        self.act.find(self.action.span, message)
    }

    /// Whether the engine takes a dropped column out of an index, and keeps the rest of it.
    pub(crate) fn shrinks_keys(&self) -> bool {
        self.act
            .situation
            .dialect()
            .modelling()
            .indexes_belong_to_tables
    }

    /// Whether `ADD COLUMN IF NOT EXISTS` adds it.
    fn is_effective(&self, column: &ColumnDef) -> bool {
        self.table.column(&column.name.name).is_none()
    }
}

fn is_relation(kind: Kind) -> bool {
    matches!(
        kind,
        Kind::Table | Kind::ForeignTable | Kind::View | Kind::MaterializedView | Kind::Sequence
    )
}
