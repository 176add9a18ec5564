//! Rows that are written while an earlier statement keeps a table locked; see the page.

use super::finding::Finding;
use super::lock::strong_locks;
use super::situation::{Act, Situation};
use super::{Group, Rule};
use crate::change::{Data, DataVerb, Name, ObjectName};
use crate::dialect::Family;
use crate::lex::{Lexeme, TokenKind};
use crate::options::Level;
use crate::schema::{Key, PartOf, Rule as Kept, Table};

pub(super) const RULE: Rule = Rule {
    code: "slow-statement-under-lock",
    group: Group::Locking,
    level: Level::Warn,
    engines: &[Family::Postgres],
    check,
    page: include_str!("slow_statement_under_lock.md"),
};

fn check(situation: &Situation<'_>) -> Vec<Finding> {
    if !situation.is_one_transaction() {
        return Vec::new();
    }
    let slow = situation.data().find_map(|(act, data)| {
        let name = grows(act, data)?;
        let mut earlier = situation.up().take(act.place.index);
        let (lock, table) = earlier.find_map(|earlier| {
            let table = strong_locks(earlier).into_iter().next()?;
            Some((earlier, table))
        })?;
        Some(finding(act, name, lock, &table))
    });
    slow.into_iter().collect()
}

/// The table whose number of rows decides how long the statement takes. What writes every row is
/// the business of other rules.
fn grows<'s>(act: Act<'s>, data: &'s Data) -> Option<&'s ObjectName> {
    let is_large = |name: &ObjectName| {
        let found = act.old_table(name);
        found.filter(|(key, _)| !act.situation.is_small(key))
    };
    match data.verb {
        DataVerb::Update | DataVerb::Delete if data.filtered => {
            let name = data.targets.first()?;
            let (_, table) = is_large(name)?;
            (!meets_one_row(act, table)).then_some(name)
        }
        DataVerb::Insert | DataVerb::Merge => {
            let target = data.targets.first();
            let read = data.uses.relations.iter().map(|used| &used.name);
            let mut read = read.filter(|name| target.is_none_or(|target| target.name != name.name));
            read.find(|name| is_large(name).is_some())
        }
        _ => None,
    }
}

/// Whether a condition compares a column that is unique with a constant: `WHERE id = 1`.
fn meets_one_row(act: Act<'_>, table: &Table) -> bool {
    let lexemes = act.lexemes();
    let Some(condition) = lexemes.iter().position(|one| one.is("WHERE")) else {
        return false;
    };
    let condition = &lexemes[condition..];
    let is_plain = !condition.iter().any(|one| one.is("OR") || one.is("SELECT"));
    let is_constant = |one: &Lexeme<'_>| matches!(one.kind, TokenKind::Number | TokenKind::String);
    let finds = |three: &[Lexeme<'_>]| {
        let name = act.named(&three[0]);
        three[1].text == "="
            && is_constant(&three[2])
            && name.is_some_and(|name| is_key(table, &name))
    };
    let lists = |four: &[Lexeme<'_>]| {
        let name = act.named(&four[0]);
        let opens = four[1].is("IN") && four[2].text == "(" && is_constant(&four[3]);
        opens && name.is_some_and(|name| is_key(table, &name))
    };
    is_plain && (condition.windows(3).any(finds) || condition.windows(4).any(lists))
}

/// Whether a key of the table is this column alone.
fn is_key(table: &Table, name: &Name) -> bool {
    let mut constraints = table.constraints.values();
    constraints.any(|constraint| match &constraint.rule {
        Kept::PrimaryKey(parts, _) | Kept::Unique(parts, _) => match parts.as_slice() {
            [only] => matches!(&only.what, PartOf::Column(column) if column == name),
            _ => false,
        },
        _ => false,
    })
}

fn finding(act: Act<'_>, name: &ObjectName, lock: Act<'_>, table: &Key) -> Finding {
    let source = act.situation.source(act.place.section);
    let whose = match act.before().relation(name).as_ref() == Some(table) {
        true => "its rows".to_owned(),
        false => format!("rows of `{name}`"),
    };
    act.find_whole(format!(
        "nobody can use `{}` while {whose} are worked through",
        table.name
    ))
    .label("takes longer the more rows there are")
    .also(
        source.first_line(lock.statement.span),
        format!("locks `{}` until the migration ends", table.name),
    )
    .why(
        "A change of a table takes a moment, and its lock is held until the transaction ends. \
         Everybody who wants to read or write the table waits for the rows too.",
    )
    .help("Give the rows a migration of their own, behind this one.")
}
