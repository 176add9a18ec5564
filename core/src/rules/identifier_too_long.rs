//! Names that the engine cuts or refuses; see the page.

use std::collections::BTreeSet;

use super::finding::{Finding, Strength};
use super::situation::{Act, Situation};
use super::{Group, Rule};
use crate::change::{Change, cut};
use crate::dialect::Family;
use crate::lex::{Lexeme, TokenKind};
use crate::options::Level;

pub(super) const RULE: Rule = Rule {
    code: "identifier-too-long",
    group: Group::Format,
    level: Level::Warn,
    engines: &[Family::Postgres, Family::MySql],
    check,
    page: include_str!("identifier_too_long.md"),
};

fn check(situation: &Situation<'_>) -> Vec<Finding> {
    let modelling = situation.dialect().modelling();
    let (cuts, refuses) = (modelling.longest_name, modelling.longest_allowed_name);
    let longest = cuts.or(refuses).unwrap_or(usize::MAX);
    let mut seen = BTreeSet::new();
    let makers = situation.up().filter(|act| {
        let mut words = act.text().split(' ');
        gives_names(act) && words.any(|word| word.len() > longest)
    });
    let names = makers.flat_map(|act| {
        let lexemes = act.lexemes().into_iter();
        lexemes.filter_map(move |lexeme| Some((act, lexeme, name_of(&lexeme)?)))
    });
    let mut found = Vec::new();
    for (act, lexeme, name) in names {
        let is_cut = cuts.is_some_and(|longest| name.len() > longest);
        let is_refused = refuses.is_some_and(|longest| name.chars().count() > longest);
        if (is_cut || is_refused) && seen.insert(name) {
            found.push(match is_cut {
                true => cut_name(act, &lexeme, cut(name, longest)),
                false => refused_name(act, &lexeme, longest),
            });
        }
    }
    found
}

/// Whether names in it are names of something that is made or renamed. Names in programs are left
/// alone: they may be those of variables.
fn gives_names(act: &Act<'_>) -> bool {
    match &act.step.change {
        Change::CreateTable(_)
        | Change::AlterTable(_)
        | Change::CreateIndex(_)
        | Change::CreateView(_)
        | Change::CreateSequence(_)
        | Change::CreateType(_)
        | Change::CreateDomain(_)
        | Change::Rename(_) => true,
        Change::AlterSequence(_)
        | Change::AlterType(_)
        | Change::AlterDomain(_)
        | Change::CreateRoutine(_)
        | Change::CreateTrigger(_)
        | Change::CreateOther(_)
        | Change::CreateSchema(_)
        | Change::CreateExtension(_)
        | Change::Drop(_)
        | Change::SetSchema(_)
        | Change::Owner(_)
        | Change::Comment(_)
        | Change::Attribute(_)
        | Change::Grant(_)
        | Change::Data(_)
        | Change::Block(_)
        | Change::SearchPath(_)
        | Change::ForeignKeyChecks(_)
        | Change::Harmless
        | Change::Refresh { .. }
        | Change::Opaque(_) => false,
    }
}

fn name_of<'t>(lexeme: &Lexeme<'t>) -> Option<&'t str> {
    match lexeme.kind {
        TokenKind::Word => Some(lexeme.text),
        TokenKind::QuotedName => Some(lexeme.text.trim_matches(['"', '`'])),
        _ => None,
    }
}

fn cut_name(act: Act<'_>, lexeme: &Lexeme<'_>, rest: &str) -> Finding {
    act.find(lexeme.span, "the name is cut to 63 bytes")
        .label(format!("the engine calls it `{rest}`"))
        .why(
            "It is cut without an error. Programs that look for the whole name do not find it, and \
             another long name may become the same one.",
        )
        .help(format!(
            "Choose a shorter name, or write the one that comes of it:\n{rest}"
        ))
}

fn refused_name(act: Act<'_>, lexeme: &Lexeme<'_>, longest: usize) -> Finding {
    act.find(
        lexeme.span,
        format!("the name has more than {longest} letters"),
    )
    .strength(Strength::Certain)
    .label("refused when it runs")
    .why("The statement is well formed, so nothing shows before the migration stops at it.")
    .help(format!("Choose a name of at most {longest} letters."))
}
