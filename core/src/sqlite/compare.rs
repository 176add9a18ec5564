//! What differs between the schema before an UP and the one after its DOWN.
//!
//! Blank, comments, the case of keywords and quotes around names do not count. What SQLite would
//! treat alike though it is written otherwise is told apart from what really differs: the first is
//! no mistake, and no proof either.

use super::catalogue::{Key, Kind, Object, Objects};
use super::stage::Theatre;
use super::table::{self, Column, Definition, canonical, closing, elements};
use crate::dialect::Dialect;
use crate::lex::{self, Lexeme, TokenKind};

/// An object that a DOWN does not give back as it was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Leftover {
    /// What it is.
    pub kind: Kind,
    /// Its name.
    pub name: String,
    /// What is wrong with it.
    pub fault: Fault,
}

/// What is wrong with a [`Leftover`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// It was not there before the UP, and is there after the DOWN.
    Left,
    /// It was there before the UP, and is not there after the DOWN.
    Lost,
    /// It is another one, attribute by attribute: ``column `nick`: NOT NULL is lost``.
    Changed(Vec<Attribute>),
}

/// One attribute in which an object differs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attribute {
    /// The column, where it is one's.
    pub column: Option<String>,
    /// What differs, in words.
    pub words: String,
}

/// How two schemas differ.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Comparison {
    /// What really differs.
    pub(super) leftovers: Vec<Leftover>,
    /// What is only written otherwise, by the names of the objects.
    pub(super) respelt: Vec<String>,
    /// The tables whose columns stand in another order and that are the same otherwise.
    pub(super) reordered: Vec<String>,
}

impl Comparison {
    /// Whether nothing differs, the order of columns included.
    pub(super) fn is_equal(&self) -> bool {
        *self == Comparison::default()
    }
}

/// How much two texts have in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Likeness {
    Different,
    /// They mean the same to SQLite.
    Respelt,
    Same,
}

/// Compares two schemas.
pub(super) fn compare(
    before: &Objects,
    after: &Objects,
    theatre: &Theatre,
    dialect: Dialect,
) -> Comparison {
    let mut comparison = Comparison::default();
    let is_there =
        |objects: &Objects, table: &str| objects.contains_key(&Key::of(Kind::Table, table));
    // What belongs to a table comes and goes with it.
    let goes_along = |object: &Object, objects: &Objects| {
        matches!(object.kind, Kind::Index | Kind::Trigger) && !is_there(objects, &object.table)
    };
    for (key, was) in before {
        match after.get(key) {
            Some(now) if now.kind == was.kind => {
                let detail = Detail {
                    was,
                    now,
                    before,
                    theatre,
                    dialect,
                };
                detail.compare(&mut comparison);
            }
            _ if goes_along(was, after) && is_there(before, &was.table) => {}
            _ => comparison.leftovers.push(leftover(was, Fault::Lost)),
        }
    }
    for (key, now) in after {
        let is_new = before.get(key).is_none_or(|was| was.kind != now.kind);
        if is_new && !(goes_along(now, before) && is_there(after, &now.table)) {
            comparison.leftovers.push(leftover(now, Fault::Left));
        }
    }
    comparison
}

fn leftover(object: &Object, fault: Fault) -> Leftover {
    Leftover {
        kind: object.kind,
        name: object.name.clone(),
        fault,
    }
}

/// Whether two statements that make an object are the same but for blank, case and quotes.
pub(super) fn is_same(one: &str, other: &str, dialect: Dialect) -> bool {
    one == other || likeness(one, other, dialect) == Likeness::Same
}

/// Two objects of one name and kind.
struct Detail<'o> {
    was: &'o Object,
    now: &'o Object,
    /// All that there was.
    before: &'o Objects,
    theatre: &'o Theatre,
    dialect: Dialect,
}

impl Detail<'_> {
    fn compare(&self, comparison: &mut Comparison) {
        if is_same(&self.was.sql, &self.now.sql, self.dialect) {
            return;
        }
        if self.was.kind == Kind::Table
            && !self.was.is_virtual
            && !self.now.is_virtual
            && let Some((was, now)) = self.definitions()
        {
            return self.compare_tables(&was, &now, comparison);
        }
        let likeness = match self.was.kind {
            Kind::Index => self.index_likeness(),
            Kind::Table | Kind::View | Kind::Trigger => {
                likeness(&self.was.sql, &self.now.sql, self.dialect)
            }
        };
        match likeness {
            Likeness::Same => {}
            Likeness::Respelt => comparison.respelt.push(self.was.name.clone()),
            Likeness::Different => {
                let attribute = Attribute {
                    column: None,
                    words: "its definition differs".to_owned(),
                };
                let fault = Fault::Changed(vec![attribute]);
                comparison.leftovers.push(leftover(self.was, fault));
            }
        }
    }

    fn definitions(&self) -> Option<(Definition, Definition)> {
        Some((self.read(self.was)?, self.read(self.now)?))
    }

    fn read(&self, table: &Object) -> Option<Definition> {
        table::read_alone(self.theatre, table, self.dialect)
    }

    /// A foreign key that names the primary key of its parent is one that names nothing.
    fn foreign_keys(&self, definition: &Definition) -> Vec<String> {
        let texts = definition.foreign_keys.iter().map(|key| {
            let parent = self.before.get(&Key::of(Kind::Table, &key.parent));
            let primary = parent.and_then(|parent| self.read(parent));
            let mut key = key.clone();
            if primary.is_some_and(|parent| parent.primary_key() == key.referenced) {
                key.referenced.clear();
            }
            key.to_string()
        });
        texts.collect()
    }

    fn compare_tables(&self, was: &Definition, now: &Definition, comparison: &mut Comparison) {
        let mut differences = Differences::default();
        for column in &was.columns {
            match now.column(&column.name) {
                Some(now) => differences.between(column, now, self.dialect),
                None => differences.of(column, "is lost"),
            }
        }
        for column in &now.columns {
            if was.column(&column.name).is_none() {
                differences.of(column, "is left");
            }
        }
        if was.foreign_keys != now.foreign_keys {
            differences.lists(&self.foreign_keys(was), &self.foreign_keys(now));
        }
        differences.lists(&was.constraints, &now.constraints);
        differences.lists(&was.options, &now.options);
        if was.names != now.names {
            differences.respelt = true;
        }
        let order = |definition: &Definition| -> Vec<String> {
            let names = definition
                .columns
                .iter()
                .map(|column| column.name.to_ascii_lowercase());
            names.collect()
        };
        let name = self.was.name.clone();
        if !differences.attributes.is_empty() {
            let fault = Fault::Changed(differences.attributes);
            comparison.leftovers.push(leftover(self.was, fault));
        } else if differences.respelt {
            comparison.respelt.push(name);
        } else if order(was) != order(now) {
            comparison.reordered.push(name);
        }
    }

    /// Of indexes it does not count whether `ASC` is written.
    fn index_likeness(&self) -> Likeness {
        let was = lexed(&self.was.sql, self.dialect);
        let now = lexed(&self.now.sql, self.dialect);
        match tokens_likeness(&was, &now) {
            Likeness::Different => {}
            other => return other,
        }
        match tokens_likeness(&without_asc(&was), &without_asc(&now)) {
            Likeness::Different => Likeness::Different,
            Likeness::Respelt | Likeness::Same => Likeness::Respelt,
        }
    }
}

/// The differences of two tables so far.
#[derive(Default)]
struct Differences {
    attributes: Vec<Attribute>,
    respelt: bool,
}

impl Differences {
    fn of(&mut self, column: &Column, words: impl Into<String>) {
        self.attributes.push(Attribute {
            column: Some(column.name.clone()),
            words: words.into(),
        });
    }

    fn between(&mut self, was: &Column, now: &Column, dialect: Dialect) {
        if was.data_type != now.data_type {
            let shown = |data_type: &str| match data_type {
                "" => "no type".to_owned(),
                other => format!("type {}", other.to_uppercase()),
            };
            let (was_type, now_type) = (shown(&was.data_type), shown(&now.data_type));
            self.of(was, format!("has {now_type} instead of {was_type}"));
        }
        match (was.not_null, now.not_null) {
            (true, false) => self.of(was, "loses NOT NULL"),
            (false, true) => self.of(was, "keeps NOT NULL"),
            _ => {}
        }
        self.between_defaults(was, now, dialect);
        if was.key != now.key {
            let words = match (was.key, now.key) {
                (_, 0) => "is no longer part of the primary key",
                (0, _) => "stays part of the primary key",
                _ => "has another place in the primary key",
            };
            self.of(was, words);
        }
        let lost = was
            .traits
            .iter()
            .filter(|words| !now.traits.contains(words));
        let lost: Vec<_> = lost.map(|words| format!("loses {words}")).collect();
        let kept = now
            .traits
            .iter()
            .filter(|words| !was.traits.contains(words));
        let kept: Vec<_> = kept.map(|words| format!("keeps {words}")).collect();
        for words in lost.into_iter().chain(kept) {
            self.of(was, words);
        }
    }

    fn between_defaults(&mut self, was: &Column, now: &Column, dialect: Dialect) {
        let value = |column: &Column| column.default.clone().unwrap_or_else(|| "NULL".to_owned());
        let (was_value, now_value) = (value(was), value(now));
        let mut likeness = likeness(&was_value, &now_value, dialect);
        if likeness == Likeness::Different {
            let one = unwrapped(&was_value, dialect);
            let other = unwrapped(&now_value, dialect);
            if one.eq_ignore_ascii_case(&other) && !one.contains(['\'', '"']) {
                likeness = Likeness::Respelt;
            }
        } else if was_value != now_value || was.default.is_some() != now.default.is_some() {
            likeness = Likeness::Respelt;
        }
        match (likeness, &was.default, &now.default) {
            (Likeness::Same, ..) => {}
            (Likeness::Respelt, ..) => self.respelt = true,
            (Likeness::Different, Some(value), None) => {
                self.of(was, format!("loses DEFAULT {value}"));
            }
            (Likeness::Different, None, Some(value)) => {
                self.of(was, format!("keeps DEFAULT {value}"));
            }
            (Likeness::Different, ..) => {
                self.of(
                    was,
                    format!("has DEFAULT {now_value} instead of DEFAULT {was_value}"),
                );
            }
        }
    }

    fn lists(&mut self, was: &[String], now: &[String]) {
        let lost = without(was, now);
        let kept = without(now, was);
        let folded = |list: &[String]| {
            let mut list: Vec<_> = list
                .iter()
                .map(|words| words.to_lowercase().replace('"', ""))
                .collect();
            list.sort();
            list
        };
        if !lost.is_empty() && folded(&lost) == folded(&kept) {
            self.respelt = true;
            return;
        }
        let lost = lost.iter().map(|words| format!("{words} is lost"));
        let kept = kept.iter().map(|words| format!("{words} is left"));
        let attributes = lost.chain(kept).map(|words| Attribute {
            column: None,
            words,
        });
        self.attributes.extend(attributes);
    }
}

/// What `list` holds more often than `other`.
fn without(list: &[String], other: &[String]) -> Vec<String> {
    let mut other: Vec<_> = other.iter().collect();
    let mut rest = Vec::new();
    for words in list {
        match other.iter().position(|candidate| *candidate == words) {
            Some(at) => {
                other.swap_remove(at);
            }
            None => rest.push(words.clone()),
        }
    }
    rest
}

/// A value without the parentheses around it.
fn unwrapped(value: &str, dialect: Dialect) -> String {
    let mut lexemes = lexed(value, dialect);
    while lexemes.len() > 2
        && lexemes[0].kind == TokenKind::Open
        && closing(&lexemes, 0) == Some(lexemes.len() - 1)
    {
        lexemes = lexemes[1..lexemes.len() - 1].to_vec();
    }
    canonical(&lexemes)
}

fn likeness(one: &str, other: &str, dialect: Dialect) -> Likeness {
    tokens_likeness(&lexed(one, dialect), &lexed(other, dialect))
}

fn lexed(sql: &str, dialect: Dialect) -> Vec<Lexeme<'_>> {
    lex::lexemes(sql, &lex::lex(sql, dialect).tokens)
}

fn tokens_likeness(one: &[Lexeme<'_>], other: &[Lexeme<'_>]) -> Likeness {
    if one.len() != other.len() {
        return Likeness::Different;
    }
    let pairs = one.iter().zip(other);
    pairs
        .map(|(one, other)| token_likeness(one, other))
        .min()
        .unwrap_or(Likeness::Same)
}

fn token_likeness(one: &Lexeme<'_>, other: &Lexeme<'_>) -> Likeness {
    use TokenKind::{Operator, QuotedName, Word};
    let folds = |one: &str, other: &str| match one.eq_ignore_ascii_case(other) {
        true => Likeness::Same,
        false => Likeness::Different,
    };
    let inside = |lexeme: &Lexeme<'_>| super::words::unquoted(lexeme.text).unwrap_or_default();
    match (one.kind, other.kind) {
        _ if one.text == other.text => Likeness::Same,
        (Word, Word) => folds(one.text, other.text),
        (Word, QuotedName) => folds(one.text, &inside(other)),
        (QuotedName, Word) => folds(&inside(one), other.text),
        (QuotedName, QuotedName) => match inside(one) == inside(other) {
            true => Likeness::Same,
            // In double quotes it may be a string, in which the case of letters counts.
            false => folds(&inside(one), &inside(other)).min(Likeness::Respelt),
        },
        (Operator, Operator) if canonical(&[*one]) == canonical(&[*other]) => Likeness::Respelt,
        _ => Likeness::Different,
    }
}

/// An index without the `ASC` behind its columns.
fn without_asc<'t>(lexemes: &[Lexeme<'t>]) -> Vec<Lexeme<'t>> {
    let Some(open) = lexemes
        .iter()
        .position(|lexeme| lexeme.kind == TokenKind::Open)
    else {
        return lexemes.to_vec();
    };
    let Some(close) = closing(lexemes, open) else {
        return lexemes.to_vec();
    };
    let mut kept = lexemes[..=open].to_vec();
    for (at, part) in elements(&lexemes[open + 1..close]).into_iter().enumerate() {
        let comma = (at > 0).then(|| {
            lexemes[open + 1..close]
                .iter()
                .find(|lexeme| lexeme.is_operator(","))
        });
        kept.extend(comma.flatten());
        let ends_with_asc = part.last().is_some_and(|last| last.is("ASC"));
        kept.extend(&part[..part.len() - usize::from(ends_with_asc)]);
    }
    kept.extend(&lexemes[close..]);
    kept
}
