//! `ALTER TABLE`, action by action.

use super::{Fact, Name, Object, Presence, covers, name_at, skip_if, split_outside};
use crate::lex::{Lexeme, TokenKind};
use crate::resume::bare;

/// `ALTER TABLE t action, action`. Actions that set something are the same when they run again;
/// one that cannot be told makes the whole statement one that cannot, unless another tells.
pub(super) fn table(lexemes: &[Lexeme<'_>], at: usize) -> Option<Vec<Fact>> {
    let (at, _) = skip_if(lexemes, at, "IF EXISTS");
    let (table, _) = name_at(lexemes, at)?;
    let at = at + if table.schema.is_some() { 3 } else { 1 };
    let mut facts = Vec::new();
    let mut hidden = false;
    for action in split_outside(&lexemes[at..]) {
        match alter_action(&table, action) {
            Some(found) => facts.extend(found),
            None => hidden = true,
        }
    }
    (!hidden || !facts.is_empty()).then_some(facts)
}

fn alter_action(table: &Name, action: &[Lexeme<'_>]) -> Option<Vec<Fact>> {
    let column = |at: usize, presence| {
        let column = action.get(at)?.text.to_owned();
        Some(Fact::of(Object::Column(table.clone(), column), presence))
    };
    let index = |at: usize, presence| {
        let (name, _) = name_at(action, at)?;
        let object = Object::Index(name, Some(table.clone()));
        Some(Fact::of(object, presence))
    };
    let constraint = |at: usize, presence| {
        let name = action.get(at)?.text.to_owned();
        Some(Fact::of(Object::Constraint(table.clone(), name), presence))
    };
    let is_open = |at: usize| {
        action
            .get(at)
            .is_none_or(|lexeme| lexeme.kind == TokenKind::Open)
    };
    let begins = |phrase: &str| covers(phrase, action);
    let is_guarded = |lexeme: &[Lexeme<'_>]| lexeme[0].is("IF") && lexeme[1].is("EXISTS");
    if action.windows(2).any(is_guarded) || begins("ADD * IF NOT").is_some() {
        return Some(Vec::new());
    }
    use Presence::{Gone, There};
    if let Some(at) = begins("ADD CONSTRAINT") {
        // The name may be left out.
        let unnamed = ["PRIMARY", "UNIQUE", "FOREIGN", "CHECK"];
        let word = action.get(at)?;
        if unnamed.iter().any(|kind| word.is(kind)) {
            return None;
        }
        return Some(vec![constraint(at, There)?]);
    }
    if begins("ADD PRIMARY KEY").is_some() {
        return Some(vec![constraint_named(table, "PRIMARY", There)]);
    }
    if begins("DROP PRIMARY KEY").is_some() {
        return Some(vec![constraint_named(table, "PRIMARY", Gone)]);
    }
    if let Some(at) =
        begins("ADD UNIQUE|FULLTEXT|SPATIAL [INDEX|KEY]").or_else(|| begins("ADD INDEX|KEY"))
    {
        return match is_open(at) || action[at].is("USING") {
            true => None,
            false => Some(vec![index(at, There)?]),
        };
    }
    if begins("ADD FOREIGN|CHECK|PERIOD|SYSTEM|PARTITION").is_some() {
        return None;
    }
    if let Some(at) = begins("ADD [COLUMN]") {
        if is_open(at) {
            let inner = action.get(at + 1..action.len() - 1)?;
            let columns = split_outside(inner).filter_map(|definition| definition.first());
            let there = |column: &Lexeme<'_>| {
                let object = Object::Column(table.clone(), column.text.to_owned());
                Fact::of(object, There)
            };
            return Some(columns.map(there).collect());
        }
        return Some(vec![column(at, There)?]);
    }
    if let Some(at) = begins("DROP INDEX|KEY") {
        return Some(vec![index(at, Gone)?]);
    }
    if let Some(at) = begins("DROP FOREIGN KEY").or_else(|| begins("DROP CONSTRAINT|CHECK")) {
        return Some(vec![constraint(at, Gone)?]);
    }
    if begins("DROP PARTITION|PERIOD|SYSTEM").is_some() {
        return None;
    }
    if let Some(at) = begins("DROP [COLUMN]") {
        return Some(vec![column(at, Gone)?]);
    }
    if let Some(at) = begins("RENAME COLUMN") {
        return Some(vec![column(at, Gone)?, column(at + 2, There)?]);
    }
    if let Some(at) = begins("RENAME INDEX|KEY") {
        return Some(vec![index(at, Gone)?, index(at + 2, There)?]);
    }
    if let Some(at) = begins("RENAME [TO|AS]") {
        let (new, _) = name_at(action, at)?;
        return Some(vec![
            Fact::of(Object::Table(table.clone()), Gone),
            Fact::of(Object::Table(new), There),
        ]);
    }
    if let Some(at) = begins("CHANGE [COLUMN]") {
        let (old, new) = (action.get(at)?, action.get(at + 1)?);
        if bare(old.text).eq_ignore_ascii_case(bare(new.text)) {
            return Some(Vec::new());
        }
        return Some(vec![column(at, Gone)?, column(at + 1, There)?]);
    }
    if begins("MODIFY|ALTER|ENGINE|COMMENT|DEFAULT|CONVERT|CHARACTER|CHARSET|COLLATE|AUTO_INCREMENT|ROW_FORMAT|ENABLE|DISABLE|ALGORITHM|LOCK|FORCE|ORDER|KEY_BLOCK_SIZE").is_some() {
        return Some(Vec::new());
    }
    None
}

fn constraint_named(table: &Name, name: &str, presence: Presence) -> Fact {
    Fact::of(Object::Constraint(table.clone(), name.to_owned()), presence)
}
