//! `@allow`: which findings are meant, and which allows are no good.

use super::finding::{Finding, Place};
use super::situation::Situation;
use super::{RULES, Rule, find};
use crate::diagnostic::{Diagnostic, Section, did_you_mean};
use crate::options::Level;
use crate::statement::{Allow, Statement};

const UNKNOWN: &str = "allow-unknown";
const STALE: &str = "allow-stale";
const WITHOUT_REASON: &str = "allow-without-reason";

/// The fewest letters that may be a reason.
const REASON_LEN: usize = 10;

/// Words that stand where a reason was put off.
const NO_REASONS: &[&str] = &["todo", "fixme", "tbd", "reason", "because", "n/a"];

/// The allows of a migration, and which of them were of use.
pub(crate) struct Allows<'s> {
    situation: &'s Situation<'s>,
    all: Vec<One<'s>>,
}

struct One<'s> {
    place: Place,
    allow: &'s Allow,
    /// Whether the statement was replayed, so that rules could see it.
    is_judged: bool,
    is_used: bool,
}

impl<'s> Allows<'s> {
    pub(crate) fn new(situation: &'s Situation<'s>) -> Allows<'s> {
        let migration = situation.migration;
        let down = migration.down.as_ref();
        let down = down.map_or(&[][..], |down| &down.statements);
        let up = of(
            Section::Up,
            &migration.up.statements,
            situation.up().count(),
        );
        let down = of(Section::Down, down, situation.down().count());
        Allows {
            situation,
            all: up.chain(down).collect(),
        }
    }

    /// Whether the statement of this finding is allowed to do it.
    pub(crate) fn covers(&mut self, rule: &Rule, finding: &Finding) -> bool {
        let mut covers = false;
        for one in &mut self.all {
            if one.place == finding.place && one.allow.rule == rule.code {
                one.is_used = true;
                covers = true;
            }
        }
        covers
    }

    /// What is wrong with the allows themselves.
    pub(crate) fn faults(&self) -> Vec<Diagnostic> {
        let faults = self.all.iter().filter_map(|one| {
            let (diagnostic, label) = self.fault(one)?;
            let source = self.situation.source(one.place.section);
            let mut diagnostic = diagnostic
                .at(source, one.allow.span, label)
                .section(one.place.section);
            diagnostic.migration = Some(self.situation.migration.id.clone());
            Some(diagnostic)
        });
        faults.collect()
    }

    fn fault(&self, one: &One<'_>) -> Option<(Diagnostic, String)> {
        let allow = one.allow;
        let Some(rule) = find(&allow.rule) else {
            return Some(unknown(allow));
        };
        if !is_reason(allow) {
            return Some(without_reason(allow));
        }
        let is_off = rule.chosen(self.situation.options) == Some(Level::Allow);
        // What was found in vain, because the model gave up before, cannot be told from what is stale.
        let is_stale = one.is_judged && self.situation.is_up_whole() && !one.is_used && !is_off;
        is_stale.then(|| stale(allow))
    }
}

fn of(section: Section, statements: &[Statement], judged: usize) -> impl Iterator<Item = One<'_>> {
    let statements = statements.iter().enumerate();
    statements.flat_map(move |(index, statement)| {
        statement.allows.iter().map(move |allow| One {
            place: Place { section, index },
            allow,
            is_judged: index < judged,
            is_used: false,
        })
    })
}

fn is_reason(allow: &Allow) -> bool {
    let reason = allow.reason.trim().to_lowercase();
    let is_word = |word: &str| reason == word || reason == format!("<{word}>");
    let is_put_off = NO_REASONS.iter().any(|word| is_word(word)) || reason == allow.rule;
    reason.chars().count() >= REASON_LEN && !is_put_off
}

fn unknown(allow: &Allow) -> (Diagnostic, String) {
    let near = did_you_mean(&allow.rule, RULES.iter().map(|rule| rule.code));
    let (label, help) = match near {
        Some(near) => (
            format!("did you mean `{near}`?"),
            format!("Write:\n-- @allow: {near} ({})", allow.reason),
        ),
        None => (
            "no rule has this code".to_owned(),
            "Delete the line. Errors of the model cannot be allowed, since it would go on with \
             a schema that does not exist; `backstitch explain` lists the rules."
                .to_owned(),
        ),
    };
    let diagnostic = Diagnostic::error(UNKNOWN, format!("there is no rule `{}`", allow.rule))
        .why("An allow that allows nothing gives a false sense of a decision.")
        .help(help);
    (diagnostic, label)
}

fn without_reason(allow: &Allow) -> (Diagnostic, String) {
    let message = format!("`@allow: {}` does not say why", allow.rule);
    let diagnostic = Diagnostic::error(WITHOUT_REASON, message)
        .why("The next reader has to know why the danger is none here.")
        .help(format!(
            "Say it in a few words:\n-- @allow: {} (the table has 20 rows and no writers)",
            allow.rule
        ));
    (
        diagnostic,
        format!("a reason has {REASON_LEN} letters or more"),
    )
}

fn stale(allow: &Allow) -> (Diagnostic, String) {
    let message = format!("`{}` does not fire here any more", allow.rule);
    let diagnostic = Diagnostic::warn(STALE, message)
        .why("A later edit could make it fire again, and nobody would be told.")
        .help("Delete the line.");
    (diagnostic, "allows nothing".to_owned())
}
