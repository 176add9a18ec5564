//! Migrations that nobody has written, made of statements that real projects write.
//!
//! A pool is a text: groups of statements with a blank line between them, a statement on each line.
//! The statements of a group are about one thing, so that one of them is often the way back of
//! another, or nearly so. The first group makes the schema to begin with. `$t` is a table that is
//! there, `$c` and `$d` are columns of it, `$u` is another table with `$e` a column, `$v` a view, `$i`
//! an index, `$k` a constraint of `$t`, `$g` a trigger, `$n` and `$m` are names that may be free. They
//! mean the same in all statements that are drawn from a group for one migration. Of `[[a|b]]` one is
//! taken, mostly the same again.

use std::collections::BTreeMap;

use backstitch::testing::{Catalogue, Kind, ObjectName};

use backstitch_core::Dialect;

use crate::mutation::Dice;

/// Names that may be taken or not.
const NAMES: [&str; 6] = [
    "fresh",
    "other",
    "extra",
    "\"Mixed Case\"",
    "third",
    "x_idx",
];

/// The statements that migrations are made of.
#[derive(Clone, Debug)]
pub struct Pool {
    base: Vec<String>,
    groups: Vec<Vec<String>>,
}

/// What a group's statements are about in one migration.
#[derive(Clone, Debug)]
pub struct Theme {
    group: usize,
    names: BTreeMap<char, String>,
    chosen: BTreeMap<String, usize>,
}

impl Pool {
    /// That of an engine.
    pub fn of(dialect: Dialect) -> Pool {
        Pool::read(match dialect {
            Dialect::Postgres => include_str!("differ/postgres.sql"),
            Dialect::Sqlite => include_str!("differ/sqlite.sql"),
            Dialect::MySql | Dialect::MariaDb => include_str!("differ/mysql.sql"),
        })
    }

    /// Reads one.
    pub fn read(text: &str) -> Pool {
        let lines = |group: &str| -> Vec<String> {
            let lines = group.lines().map(str::trim);
            lines
                .filter(|line| !line.is_empty())
                .map(str::to_owned)
                .collect()
        };
        let mut groups = text
            .split("\n\n")
            .map(lines)
            .filter(|group| !group.is_empty());
        Pool {
            base: groups.next().unwrap_or_default(),
            groups: groups.collect(),
        }
    }

    /// The schema to begin with; now and then something of it is left out.
    pub fn base(&self, dice: &mut Dice) -> Vec<String> {
        let mut theme = Theme::nothing();
        let kept = self.base.iter().filter(|_| dice.below(10) > 0);
        let kept: Vec<String> = kept.cloned().collect();
        kept.iter().map(|one| theme.choose(one, dice)).collect()
    }

    /// Something that a migration can be about.
    pub fn theme(&self, catalogue: &Catalogue, dialect_quote: char, dice: &mut Dice) -> Theme {
        Theme {
            group: dice.below(self.groups.len()),
            ..Theme::of(catalogue, dialect_quote, dice)
        }
    }

    /// A statement on that.
    pub fn statement(&self, theme: &mut Theme, dice: &mut Dice) -> String {
        let group = &self.groups[theme.group];
        theme.fill(&group[dice.below(group.len())], dice)
    }

    /// How many statements there are.
    pub fn len(&self) -> usize {
        self.base.len() + self.groups.iter().map(Vec::len).sum::<usize>()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl Theme {
    fn nothing() -> Theme {
        Theme {
            group: 0,
            names: BTreeMap::new(),
            chosen: BTreeMap::new(),
        }
    }

    fn of(catalogue: &Catalogue, quote: char, dice: &mut Dice) -> Theme {
        let mut theme = Theme::nothing();
        let mut pick = |kinds: &[Kind], of: Option<&ObjectName>| -> Option<ObjectName> {
            let fits = |one: &&ObjectName| {
                kinds.contains(&one.kind)
                    && of.is_none_or(|of| {
                        one.schema == of.schema && one.parent.as_ref() == Some(&of.name)
                    })
            };
            let all: Vec<&ObjectName> = catalogue.objects.keys().filter(fits).collect();
            match all.is_empty() {
                true => None,
                false => Some(all[dice.below(all.len())].clone()),
            }
        };
        let table = pick(&[Kind::Table], None);
        let other = pick(&[Kind::Table], None);
        let mut part = |letter: char, kind: Kind, of: &Option<ObjectName>| {
            let found = of.as_ref().and_then(|of| pick(&[kind], Some(of)));
            (letter, found)
        };
        let mut found = vec![
            part('c', Kind::Column, &table),
            part('d', Kind::Column, &table),
            part('e', Kind::Column, &other),
            part('k', Kind::Constraint, &table),
            part('g', Kind::Trigger, &table),
        ];
        found.push(('v', pick(&[Kind::View, Kind::MaterializedView], None)));
        found.push(('i', pick(&[Kind::Index], None)));
        found.extend([('t', table), ('u', other)]);
        for (letter, object) in found {
            let Some(object) = object else { continue };
            let schema = object.schema.as_deref();
            let schema = schema.filter(|_| !"cdek".contains(letter));
            let schema = schema.filter(|_| letter != 'g');
            let name = quoted(&object.name, quote);
            let name = match schema {
                Some(schema) => format!("{}.{name}", quoted(schema, quote)),
                None => name,
            };
            theme.names.insert(letter, name);
        }
        for letter in ['n', 'm'] {
            let name = NAMES[dice.below(NAMES.len())].replace('"', &quote.to_string());
            theme.names.insert(letter, name);
        }
        theme
    }

    fn fill(&mut self, template: &str, dice: &mut Dice) -> String {
        let chosen = self.choose(template, dice);
        let mut pieces = chosen.split('$');
        let mut text = pieces.next().unwrap_or_default().to_owned();
        for piece in pieces {
            let letter = piece.chars().next();
            let is_alone = !piece.chars().nth(1).is_some_and(char::is_alphanumeric);
            match letter.and_then(|letter| self.names.get(&letter)) {
                Some(name) if is_alone => {
                    text.push_str(name);
                    text.push_str(&piece[1..]);
                }
                _ => {
                    text.push('$');
                    text.push_str(piece);
                }
            }
        }
        text
    }

    /// Takes one of each `[[a|b]]`.
    fn choose(&mut self, template: &str, dice: &mut Dice) -> String {
        let mut text = String::new();
        let mut rest = template;
        while let Some((before, behind)) = rest.split_once("[[") {
            let (choice, behind) = behind.split_once("]]").expect("a choice ends");
            let all: Vec<&str> = choice.split('|').collect();
            let again = self.chosen.get(choice).filter(|_| dice.below(4) > 0);
            let taken = again.copied().unwrap_or_else(|| dice.below(all.len()));
            self.chosen.insert(choice.to_owned(), taken);
            text.push_str(before);
            text.push_str(all[taken]);
            rest = behind;
        }
        text.push_str(rest);
        text
    }
}

fn quoted(name: &str, quote: char) -> String {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    match name.chars().all(plain) {
        true => name.to_owned(),
        false => format!("{quote}{name}{quote}"),
    }
}
