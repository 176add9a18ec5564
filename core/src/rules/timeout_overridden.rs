//! Limits of waiting that a file takes off; see the page.

use super::finding::Finding;
use super::situation::{Act, Situation};
use super::{Group, Rule};
use crate::change::Change;
use crate::dialect::Family;
use crate::lex::{Lexeme, TokenKind};
use crate::options::Level;

pub(super) const RULE: Rule = Rule {
    code: "timeout-overridden",
    group: Group::Locking,
    level: Level::Warn,
    engines: &[Family::Postgres, Family::MySql],
    check,
    page: include_str!("timeout_overridden.md"),
};

/// A limit that the runner sets.
struct Limit {
    /// What engines call it.
    names: &'static [&'static str],
    /// The annotation that sets it.
    annotation: &'static str,
    /// What one of its units is in milliseconds.
    unit_ms: u64,
}

const LOCK: Limit = Limit {
    names: &["lock_timeout"],
    annotation: "lockTimeout",
    unit_ms: 1,
};
const STATEMENT: Limit = Limit {
    names: &["statement_timeout", "max_execution_time"],
    annotation: "statementTimeout",
    unit_ms: 1,
};
const MYSQL_LOCK: Limit = Limit {
    names: &["lock_wait_timeout", "innodb_lock_wait_timeout"],
    annotation: "lockTimeout",
    unit_ms: 1000,
};
const MARIADB_STATEMENT: Limit = Limit {
    names: &["max_statement_time"],
    annotation: "statementTimeout",
    unit_ms: 1000,
};

const LIMITS: [&Limit; 4] = [&LOCK, &STATEMENT, &MYSQL_LOCK, &MARIADB_STATEMENT];

fn check(situation: &Situation<'_>) -> Vec<Finding> {
    let settings = situation.up().filter_map(|act| {
        let is_setting = matches!(act.step.change, Change::Harmless | Change::Data(_));
        let names = LIMITS.iter().flat_map(|limit| limit.names);
        let text = is_setting.then(|| act.text().to_ascii_lowercase())?;
        let is_about = names.into_iter().any(|name| text.contains(name));
        is_about.then(|| setting(act))?
    });
    let found = settings.filter(|(act, ..)| waits_later(*act));
    found
        .filter_map(|(act, limit, value_ms)| finding(act, limit, value_ms))
        .collect()
}

/// The limit that a statement sets, and to which value.
fn setting(act: Act<'_>) -> Option<(Act<'_>, &'static Limit, u64)> {
    let lexemes = act.lexemes();
    let is_set = lexemes.first().is_some_and(|first| first.is("SET"));
    let (at, limit) = lexemes.iter().enumerate().find_map(|(at, lexeme)| {
        let name = lexeme.text.trim_matches(['@', '\'', '"']);
        let name = name.rsplit('.').next().unwrap_or(name);
        let mut limits = LIMITS.into_iter();
        let limit =
            limits.find(|limit| limit.names.iter().any(|one| name.eq_ignore_ascii_case(one)))?;
        // `SELECT set_config('lock_timeout', '0', false)` names it in a string.
        let is_name = is_set && lexeme.kind != TokenKind::String;
        let is_call = at >= 2 && lexemes[at - 2].is("set_config");
        (is_name || is_call).then_some((at, limit))
    })?;
    let value = lexemes[at + 1..]
        .iter()
        .find(|one| !matches!(one.text, "=" | ":=" | ",") && !one.is("TO"))?;
    Some((act, limit, limit.milliseconds(value)?))
}

impl Limit {
    /// A value with its unit; zero for no limit.
    fn milliseconds(&self, value: &Lexeme<'_>) -> Option<u64> {
        let text = value.text.trim_matches('\'').trim();
        let digits = text.bytes().take_while(u8::is_ascii_digit).count();
        let number: u64 = text[..digits].parse().ok()?;
        let unit = match text[digits..].trim() {
            "" => self.unit_ms,
            "ms" => 1,
            "s" => 1000,
            "min" => 60_000,
            "h" => 3_600_000,
            "d" => 86_400_000,
            _ => return None,
        };
        number.checked_mul(unit)
    }

    /// What the header says.
    fn of_header(&self, act: Act<'_>) -> Option<u64> {
        let migration = act.situation.migration;
        match self.annotation {
            "lockTimeout" => migration.lock_timeout_ms,
            _ => migration.statement_timeout_ms,
        }
    }
}

/// Whether a later statement touches what was there before the migration.
fn waits_later(act: Act<'_>) -> bool {
    let situation = act.situation;
    let mut later = situation.up().skip(act.place.index + 1);
    later.any(|later| {
        let writes_old = later.data().is_some_and(|data| {
            let mut targets = data.targets.iter();
            targets.any(|name| later.old_relation(name).is_some())
        });
        writes_old
            || later
                .written()
                .any(|key| situation.start().get(key).is_some())
    })
}

fn finding(act: Act<'_>, limit: &Limit, value_ms: u64) -> Option<Finding> {
    let said = limit.of_header(act);
    let is_off = value_ms == 0;
    let is_longer = match said {
        Some(said) => is_off || value_ms > said,
        // Nothing limits the time of a statement unless the header does.
        None => is_off && limit.annotation == LOCK.annotation,
    };
    is_longer.then(|| {
        let what = match is_off {
            true => "the limit is taken off that the runner has set",
            false => "it waits longer than the header says",
        };
        let example = match limit.annotation == LOCK.annotation {
            true => "30s",
            false => "10min",
        };
        act.find_whole(what)
            .label(format!("`@{}` is what sets it", limit.annotation))
            .why(
                "A statement that waits for a lock makes everybody wait who comes after it. The \
                 runner sets a limit and tries again, so that others get their turn.",
            )
            .help(format!(
                "Leave it out. If this migration needs longer, say so in its header:\n-- @{}: {example}",
                limit.annotation
            ))
    })
}
