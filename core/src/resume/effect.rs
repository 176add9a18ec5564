//! What a statement changes that can be looked up in the catalogue.

mod alter;

use crate::dialect::phrase::{Phrase, outside_parentheses};
use crate::lex::{Lexeme, TokenKind};

/// What tells whether a statement has taken effect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Nothing needs to: running it twice is as good as once.
    Repeatable,
    /// It has taken effect when all of these hold, and has not when none does.
    Shows(Vec<Fact>),
    /// The text does not tell.
    Hidden,
}

/// Something that the catalogue says once a statement has taken effect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fact {
    /// About what.
    pub object: Object,
    /// Whether it is there then.
    pub presence: Presence,
}

/// Whether something is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Presence {
    /// It is.
    There,
    /// It is not.
    Gone,
}

/// Something that the catalogue lists. Names are as they are written, with their quotes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Object {
    /// A table or a view.
    Table(Name),
    /// A column of a table.
    Column(Name, String),
    /// An index, and its table where the statement names one.
    Index(Name, Option<Name>),
    /// A constraint of a table.
    Constraint(Name, String),
    /// A trigger.
    Trigger(Name),
    /// A procedure or a function.
    Routine(Name),
    /// An event of the scheduler.
    Event(Name),
    /// A schema, or what MySQL calls a database.
    Schema(String),
}

/// A name with the schema before it, where there is one, as they are written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Name {
    /// The schema.
    pub schema: Option<String>,
    /// The name itself.
    pub name: String,
}

impl std::fmt::Display for Name {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.schema {
            Some(schema) => write!(f, "{schema}.{}", self.name),
            None => f.write_str(&self.name),
        }
    }
}

impl std::fmt::Display for Object {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Object::Table(name) => write!(f, "table {name}"),
            Object::Column(table, column) => write!(f, "column {column} of {table}"),
            Object::Index(index, None) => write!(f, "index {index}"),
            Object::Index(index, Some(table)) => write!(f, "index {index} of {table}"),
            Object::Constraint(table, constraint) => {
                write!(f, "constraint {constraint} of {table}")
            }
            Object::Trigger(name) => write!(f, "trigger {name}"),
            Object::Routine(name) => write!(f, "routine {name}"),
            Object::Event(name) => write!(f, "event {name}"),
            Object::Schema(name) => write!(f, "schema {name}"),
        }
    }
}

impl Fact {
    fn of(object: Object, presence: Presence) -> Fact {
        Fact { object, presence }
    }
}

/// Statements that change nothing, or the same when they run again.
const REPEATABLE: &[Phrase] = &[
    Phrase("ANALYZE"),
    Phrase("ALTER DATABASE|SCHEMA|SYSTEM|ROLE|USER|VIEW"),
    Phrase("ALTER [ALGORITHM] [DEFINER] VIEW"),
    Phrase("CHECK TABLE"),
    Phrase("COMMENT ON"),
    Phrase("CREATE OR REPLACE"),
    Phrase("EXPLAIN"),
    Phrase("FLUSH"),
    Phrase("GRANT"),
    Phrase("OPTIMIZE"),
    Phrase("PRAGMA"),
    Phrase("REFRESH MATERIALIZED VIEW"),
    Phrase("REINDEX"),
    Phrase("RESET"),
    Phrase("SET"),
    Phrase("SHOW"),
    Phrase("TRUNCATE"),
    Phrase("USE"),
    Phrase("VACUUM"),
];

pub(super) fn of(lexemes: &[Lexeme<'_>]) -> Effect {
    let begins = |phrase: &str| covers(phrase, lexemes);
    if REPEATABLE
        .iter()
        .any(|phrase| phrase.covers(lexemes).is_some())
    {
        return Effect::Repeatable;
    }
    let facts = None
        .or_else(|| begins("CREATE [UNIQUE|FULLTEXT|SPATIAL] INDEX").map(|at| index(lexemes, at)))
        .or_else(|| begins("DROP INDEX").map(|at| drop_index(lexemes, at)))
        .or_else(|| {
            begins("ALTER [ONLINE|OFFLINE] [IGNORE] TABLE").map(|at| alter::table(lexemes, at))
        })
        .or_else(|| begins("RENAME TABLE|TABLES").map(|at| rename(lexemes, at)))
        .or_else(|| plain(lexemes));
    match facts.flatten() {
        None => Effect::Hidden,
        Some(facts) if facts.is_empty() => Effect::Repeatable,
        Some(facts) => Effect::Shows(facts),
    }
}

/// `CREATE` and `DROP` of what has a name of its own. `None` inside: what there is no telling of.
fn plain(lexemes: &[Lexeme<'_>]) -> Option<Option<Vec<Fact>>> {
    type Make = fn(Name) -> Object;
    let kinds: [(&str, Make); 6] = [
        ("TABLE", Object::Table),
        ("VIEW", Object::Table),
        ("TRIGGER", Object::Trigger),
        ("PROCEDURE|FUNCTION", Object::Routine),
        ("EVENT", Object::Event),
        ("DATABASE|SCHEMA", |name| Object::Schema(name.name)),
    ];
    // `CREATE DEFINER = a@b SQL SECURITY INVOKER VIEW v`: the name stands behind the kind, and a
    // body may name other kinds.
    let described = covers(
        "CREATE ALGORITHM|DEFINER|SQL … VIEW|TRIGGER|PROCEDURE|FUNCTION|EVENT",
        lexemes,
    );
    for (kind, make) in kinds {
        let described = described.filter(|at| covers(kind, &lexemes[at - 1..]).is_some());
        let made = covers(&format!("CREATE {kind}"), lexemes).or(described);
        if let Some(at) = made {
            if covers("IF NOT EXISTS", &lexemes[at..]).is_some() {
                return Some(Some(Vec::new()));
            }
            let (name, _) = name_at(lexemes, at)?;
            return Some(Some(vec![Fact::of(make(name), Presence::There)]));
        }
        if let Some(at) = covers(&format!("DROP [TEMPORARY] {kind}"), lexemes) {
            if covers("IF EXISTS", &lexemes[at..]).is_some() {
                return Some(Some(Vec::new()));
            }
            let names = names(lexemes, at)?;
            let gone = |name| Fact::of(make(name), Presence::Gone);
            return Some(Some(names.into_iter().map(gone).collect()));
        }
    }
    None
}

fn index(lexemes: &[Lexeme<'_>], at: usize) -> Option<Vec<Fact>> {
    let at = at + covers("[CONCURRENTLY]", &lexemes[at..])?;
    let (at, _) = skip_if(lexemes, at, "IF NOT EXISTS");
    let (name, _) = name_at(lexemes, at)?;
    let rest = &lexemes[at..];
    let on = outside_parentheses(rest, |lexeme| lexeme.is("ON"))?;
    // `CREATE INDEX ON t (a)` leaves the name to the server.
    let named = on > 0;
    let only = on + 1 + usize::from(rest.get(on + 1).is_some_and(|word| word.is("ONLY")));
    let (table, _) = name_at(rest, only)?;
    named.then(|| vec![Fact::of(Object::Index(name, Some(table)), Presence::There)])
}

fn drop_index(lexemes: &[Lexeme<'_>], at: usize) -> Option<Vec<Fact>> {
    let at = at + covers("[CONCURRENTLY]", &lexemes[at..])?;
    let (at, passes_over) = skip_if(lexemes, at, "IF EXISTS");
    if passes_over {
        return Some(Vec::new());
    }
    let on = lexemes[at..].iter().position(|lexeme| lexeme.is("ON"));
    let table = match on {
        Some(on) => Some(name_at(lexemes, at + on + 1)?.0),
        None => None,
    };
    let upto = on.map_or(lexemes.len(), |on| at + on);
    let names = names(&lexemes[..upto], at)?;
    let gone = |name| Fact::of(Object::Index(name, table.clone()), Presence::Gone);
    Some(names.into_iter().map(gone).collect())
}

/// `RENAME TABLE a TO b, c TO d`
fn rename(lexemes: &[Lexeme<'_>], at: usize) -> Option<Vec<Fact>> {
    let mut facts = Vec::new();
    for pair in lexemes[at..].split(|lexeme| lexeme.is_operator(",")) {
        let (old, _) = name_at(pair, 0)?;
        let to = pair.iter().position(|lexeme| lexeme.is("TO"))?;
        let (new, _) = name_at(pair, to + 1)?;
        facts.push(Fact::of(Object::Table(old), Presence::Gone));
        facts.push(Fact::of(Object::Table(new), Presence::There));
    }
    Some(facts)
}

fn covers(phrase: &str, lexemes: &[Lexeme<'_>]) -> Option<usize> {
    // A phrase holds words of the program's own text.
    Phrase::covers_words(phrase, lexemes)
}

/// Where it goes on behind the words, and whether they are there.
fn skip_if(lexemes: &[Lexeme<'_>], at: usize, words: &str) -> (usize, bool) {
    match covers(words, &lexemes[at..]) {
        Some(length) => (at + length, true),
        None => (at, false),
    }
}

/// The name at a place, and the last lexeme of it.
pub(super) fn name_at<'l, 't>(
    lexemes: &'l [Lexeme<'t>],
    at: usize,
) -> Option<(Name, &'l Lexeme<'t>)> {
    let is_name =
        |lexeme: &&Lexeme<'_>| matches!(lexeme.kind, TokenKind::Word | TokenKind::QuotedName);
    let first = lexemes.get(at).filter(is_name)?;
    let dot = lexemes.get(at + 1).is_some_and(|dot| dot.is_operator("."));
    match lexemes.get(at + 2).filter(is_name).filter(|_| dot) {
        Some(second) => Some((
            Name {
                schema: Some(first.text.to_owned()),
                name: second.text.to_owned(),
            },
            second,
        )),
        None => Some((
            Name {
                schema: None,
                name: first.text.to_owned(),
            },
            first,
        )),
    }
}

/// Names with commas between them, from a place on.
fn names(lexemes: &[Lexeme<'_>], at: usize) -> Option<Vec<Name>> {
    lexemes[at..]
        .split(|lexeme| lexeme.is_operator(","))
        .map(|one| name_at(one, 0).map(|(name, _)| name))
        .collect()
}

/// Cuts at the commas outside of parentheses.
fn split_outside<'l, 't>(mut lexemes: &'l [Lexeme<'t>]) -> impl Iterator<Item = &'l [Lexeme<'t>]> {
    let mut ended = false;
    std::iter::from_fn(move || {
        if ended {
            return None;
        }
        match outside_parentheses(lexemes, |lexeme| lexeme.is_operator(",")) {
            Some(comma) => {
                let (before, after) = lexemes.split_at(comma);
                lexemes = &after[1..];
                Some(before)
            }
            None => {
                ended = true;
                Some(lexemes)
            }
        }
    })
}

#[cfg(test)]
mod tests {
    use super::super::read;
    use super::*;
    use crate::dialect::Dialect;

    /// The facts as text: `+table t`, `-column c of t`.
    fn effect(sql: &str, dialect: Dialect) -> String {
        match read(sql, dialect).effect {
            Effect::Repeatable => "repeatable".to_owned(),
            Effect::Hidden => "hidden".to_owned(),
            Effect::Shows(facts) => {
                let facts = facts.iter().map(|fact| match fact.presence {
                    Presence::There => format!("+{}", fact.object),
                    Presence::Gone => format!("-{}", fact.object),
                });
                facts.collect::<Vec<_>>().join(" ")
            }
        }
    }

    #[test]
    fn effects_are_read_off_the_statement() {
        for (sql, expected) in [
            ("CREATE TABLE a (b INT)", "+table a"),
            ("CREATE TABLE `x`.`a b` (b INT)", "+table `x`.`a b`"),
            ("CREATE TABLE IF NOT EXISTS a (b INT)", "repeatable"),
            ("DROP TABLE a, x.b", "-table a -table x.b"),
            ("DROP TABLE IF EXISTS a", "repeatable"),
            ("CREATE OR REPLACE VIEW v AS SELECT 1", "repeatable"),
            ("CREATE VIEW v AS SELECT 1", "+table v"),
            (
                "CREATE DEFINER = a@b SQL SECURITY INVOKER VIEW v AS SELECT 1",
                "+table v",
            ),
            (
                "CREATE DEFINER=`a`@`%` PROCEDURE p() BEGIN SELECT 1; END",
                "+routine p",
            ),
            (
                "CREATE TRIGGER g AFTER INSERT ON a FOR EACH ROW SET @b = 1",
                "+trigger g",
            ),
            ("CREATE UNIQUE INDEX i ON a (b)", "+index i of a"),
            ("DROP INDEX i ON x.a", "-index i of x.a"),
            ("ALTER TABLE a ADD b INT", "+column b of a"),
            (
                "ALTER TABLE a ADD COLUMN b DECIMAL(1, 2), ADD c INT AFTER b",
                "+column b of a +column c of a",
            ),
            (
                "ALTER TABLE a ADD (b INT, c DECIMAL(1, 2))",
                "+column b of a +column c of a",
            ),
            ("ALTER TABLE a ADD COLUMN IF NOT EXISTS b INT", "repeatable"),
            (
                "ALTER TABLE a DROP b, DROP COLUMN c",
                "-column b of a -column c of a",
            ),
            ("ALTER TABLE a DROP COLUMN IF EXISTS b", "repeatable"),
            (
                "ALTER TABLE a ADD INDEX i (b), ADD UNIQUE KEY j (c)",
                "+index i of a +index j of a",
            ),
            ("ALTER TABLE a ADD INDEX (b)", "hidden"),
            ("ALTER TABLE a ADD INDEX (b), ADD c INT", "+column c of a"),
            (
                "ALTER TABLE a ADD CONSTRAINT f FOREIGN KEY (b) REFERENCES c (d)",
                "+constraint f of a",
            ),
            (
                "ALTER TABLE a ADD FOREIGN KEY (b) REFERENCES c (d)",
                "hidden",
            ),
            ("ALTER TABLE a DROP FOREIGN KEY f", "-constraint f of a"),
            (
                "ALTER TABLE a ADD PRIMARY KEY (b)",
                "+constraint PRIMARY of a",
            ),
            ("ALTER TABLE a MODIFY b BIGINT NOT NULL", "repeatable"),
            ("ALTER TABLE a CHANGE b `B` BIGINT", "repeatable"),
            (
                "ALTER TABLE a CHANGE b c BIGINT",
                "-column b of a +column c of a",
            ),
            (
                "ALTER TABLE a RENAME COLUMN b TO c",
                "-column b of a +column c of a",
            ),
            ("ALTER TABLE a RENAME TO b", "-table a +table b"),
            (
                "RENAME TABLE a TO b, b2 TO a",
                "-table a +table b -table b2 +table a",
            ),
            ("CREATE DATABASE d", "+schema d"),
            ("TRUNCATE a", "repeatable"),
            ("CALL p()", "hidden"),
            ("CREATE USER u", "hidden"),
        ] {
            assert_eq!(effect(sql, Dialect::MariaDb), expected, "{sql}");
        }
        for (sql, expected) in [
            (
                "CREATE INDEX CONCURRENTLY i ON s.t USING gin (a)",
                "+index i of s.t",
            ),
            (
                "CREATE INDEX CONCURRENTLY IF NOT EXISTS i ON ONLY t (a)",
                "+index i of t",
            ),
            ("CREATE INDEX CONCURRENTLY ON t (a)", "hidden"),
            ("DROP INDEX CONCURRENTLY s.i", "-index s.i"),
            ("DROP INDEX CONCURRENTLY IF EXISTS i", "repeatable"),
            ("REINDEX INDEX CONCURRENTLY i", "repeatable"),
            ("VACUUM (ANALYZE) t", "repeatable"),
            ("DO $$ BEGIN COMMIT; END $$", "hidden"),
        ] {
            assert_eq!(effect(sql, Dialect::Postgres), expected, "{sql}");
        }
    }

    #[test]
    fn half_a_statement_is_no_reason_to_panic() {
        for sql in [
            "",
            "ALTER TABLE",
            "ALTER TABLE a ADD",
            "CREATE INDEX",
            "DROP TABLE",
            "RENAME TABLE a",
            "CREATE INDEX CONCURRENTLY",
            "ALTER TABLE a RENAME COLUMN b",
            "ALTER TABLE a ADD (",
            "SET",
            "CREATE TEMP TABLE",
        ] {
            for dialect in Dialect::ALL {
                read(sql, dialect);
            }
        }
    }
}
