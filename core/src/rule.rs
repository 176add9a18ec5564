//! Judgements about SQL that the engine takes, and of metadata that the SQL contradicts.
//!
//! [`Rules`] runs the rules over one migration after the other and decides what becomes of what they
//! find: levels of the options, `@allow`, small tables. The files beside this one hold what a rule may
//! ask. What each looks for is the business of `rules`, and whether UP and DOWN fit together
//! that of [`proof`](crate::proof).

mod allow;
pub(crate) mod data_type;
pub(crate) mod finding;
pub(crate) mod lock;
pub(crate) mod moment;
pub(crate) mod rebuild;
pub(crate) mod situation;
pub(crate) mod volatile;

use finding::{Finding, Lasting, Strength};
use situation::Situation;
pub use situation::Step;

use crate::diagnostic::{Diagnostic, Section, Severity};
use crate::dialect::{Dialect, Family};
use crate::migration::Migration;
use crate::options::{Level, Options};
use crate::proof::Verdict;
use crate::rules::{RULES, unproven_rollback};
use crate::schema::{Mark, Schema};
use crate::set::Set;

/// What a rule is.
#[derive(Clone, Copy, Debug)]
pub struct Rule {
    /// Its name in diagnostics, in `@allow` and in the options.
    pub code: &'static str,
    /// The rules it is switched with.
    pub group: Group,
    /// What happens where nothing else is said.
    pub level: Level,
    /// The engines it knows; none means all.
    pub(crate) engines: &'static [Family],
    pub(crate) check: fn(&Situation<'_>) -> Vec<Finding>,
    /// Its documentation, which opens with the code and one sentence.
    pub page: &'static str,
}

/// Rules that are switched together: the name of a group may stand under `[rules]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Group {
    /// Statements the engine refuses or the model cannot read.
    Format,
    /// The header against the SQL.
    Metadata,
    /// What shares a transaction.
    Order,
    /// The way back.
    Rollback,
    /// What others wait for.
    Locking,
    /// Rows that are gone.
    DataLoss,
    /// Code of the release before.
    Compatibility,
    /// Advice on schemas.
    Style,
    /// What must not be in a file.
    Security,
}

/// All rules, in the order of their names.
pub fn all() -> &'static [Rule] {
    RULES
}

/// The rule of that code.
pub fn find(code: &str) -> Option<&'static Rule> {
    RULES.iter().find(|rule| rule.code == code)
}

/// The documentation of the rule of that code.
pub fn page(code: &str) -> Option<&'static str> {
    find(code).map(|rule| rule.page)
}

/// Every name that may stand under `[rules]`.
pub fn names() -> impl Iterator<Item = &'static str> {
    let groups = Group::ALL.iter().map(|group| group.name());
    RULES.iter().map(|rule| rule.code).chain(groups)
}

/// The rules at work on a set.
pub struct Rules<'s> {
    set: &'s Set,
    options: &'s Options,
    /// What a later migration may still make good.
    open: Vec<(Lasting, Diagnostic)>,
}

impl<'s> Rules<'s> {
    /// The rules, at work on `set` with these options.
    pub fn new(set: &'s Set, options: &'s Options) -> Rules<'s> {
        Rules {
            set,
            options,
            open: Vec::new(),
        }
    }

    /// What they say about a migration: `schema` has replayed `up` and then `down`, and stood at
    /// `start` before.
    pub fn judge(
        &mut self,
        migration: &Migration,
        schema: &Schema,
        start: Mark,
        up: &[Step],
        down: &[Step],
    ) -> Vec<Diagnostic> {
        let situation = Situation::new(migration, self.options, schema, start, up, down);
        let (found, open) = judge(&situation);
        self.open.extend(open);
        found
    }

    /// What they say about a way back of which only this is known.
    pub fn judge_proof(&self, migration: &Migration, verdict: &Verdict) -> Option<Diagnostic> {
        unproven_rollback::judge(migration, verdict, self.options)
    }

    /// Adds what no later migration has made good, and makes remarks of what is found in migrations
    /// that are older than `since`, whoever found it.
    pub fn finish(self, schema: &Schema, found: &mut Vec<Diagnostic>) {
        let open = self.open.into_iter();
        let last = open.filter(|(lasting, _)| lasting.holds(schema));
        found.extend(last.map(|(_, diagnostic)| diagnostic));
        settle(self.set, self.options, found);
    }
}

/// What the rules say about one migration, and what they say unless a later one makes it good.
fn judge(situation: &Situation<'_>) -> (Vec<Diagnostic>, Vec<(Lasting, Diagnostic)>) {
    let family = situation.dialect().modelling().family;
    let rules = RULES.iter().filter(|rule| rule.knows(family));
    let mut found: Vec<(&Rule, Finding)> = rules
        .flat_map(|rule| {
            let findings = (rule.check)(situation).into_iter();
            findings.map(move |one| (rule, one))
        })
        .collect();
    found.sort_by_key(|(_, finding)| (finding.place.section == Section::Down, finding.span));
    let mut allows = allow::Allows::new(situation);
    let (mut diagnostics, mut open) = (Vec::new(), Vec::new());
    for (at, (rule, finding)) in found.iter().enumerate() {
        let is_allowed = allows.covers(rule, finding);
        let mut others = found.iter().enumerate();
        let is_outdone = others.any(|(other_at, (_, other))| other.outdoes(finding, other_at < at));
        let Some(severity) = rule.severity(finding, situation) else {
            continue;
        };
        if is_allowed || is_outdone {
            continue;
        }
        let diagnostic = finding.to_diagnostic(rule, severity, situation);
        match &finding.lasting {
            Some(lasting) => open.push((lasting.clone(), diagnostic)),
            None => diagnostics.push(diagnostic),
        }
    }
    diagnostics.extend(allows.faults());
    (diagnostics, open)
}

/// Makes remarks of what is found in migrations that are older than `since`, whoever found it.
pub(crate) fn settle(set: &Set, options: &Options, diagnostics: &mut [Diagnostic]) {
    let Some(first) = options.first_version(set) else {
        return;
    };
    for diagnostic in diagnostics {
        let migration = diagnostic.migration.as_ref();
        let migration = migration.and_then(|id| set.get(id));
        if migration.is_some_and(|migration| migration.version < first) {
            diagnostic.severity = Severity::Info;
        }
    }
}

impl Rule {
    pub(crate) fn knows(&self, family: Family) -> bool {
        self.engines.is_empty() || self.engines.contains(&family)
    }

    /// The engines that it is about.
    pub fn dialects(&self) -> impl Iterator<Item = Dialect> {
        let all = Dialect::ALL.into_iter();
        all.filter(|dialect| self.knows(dialect.modelling().family))
    }

    /// What the options say about it, where they do.
    pub(crate) fn chosen(&self, options: &Options) -> Option<Level> {
        let by_name = |name: &str| options.rules.get(name).map(|level| level.value);
        by_name(self.code).or_else(|| by_name(self.group.name()))
    }

    fn severity(&self, finding: &Finding, situation: &Situation<'_>) -> Option<Severity> {
        let chosen = self.chosen(situation.options);
        let is_small = finding.work.is_some()
            && finding
                .table
                .as_ref()
                .is_some_and(|table| situation.is_small(table));
        let level = match (chosen, finding.strength) {
            (Some(Level::Allow), _) => Level::Allow,
            (_, Strength::Remark) => Level::Info,
            _ if is_small => Level::Info,
            (Some(level), Strength::Usual | Strength::Certain) => level,
            (None, Strength::Usual) => self.level,
            (None, Strength::Certain) => Level::Deny,
        };
        match level {
            Level::Allow => None,
            Level::Info => Some(Severity::Info),
            Level::Warn => Some(Severity::Warn),
            Level::Deny => Some(Severity::Error),
        }
    }
}

impl Group {
    /// All of them.
    pub const ALL: [Group; 9] = [
        Group::Format,
        Group::Metadata,
        Group::Order,
        Group::Rollback,
        Group::Locking,
        Group::DataLoss,
        Group::Compatibility,
        Group::Style,
        Group::Security,
    ];

    /// Its name under `[rules]`.
    pub fn name(self) -> &'static str {
        match self {
            Group::Format => "format",
            Group::Metadata => "metadata",
            Group::Order => "order",
            Group::Rollback => "rollback",
            Group::Locking => "locking",
            Group::DataLoss => "data-loss",
            Group::Compatibility => "compatibility",
            Group::Style => "style",
            Group::Security => "security",
        }
    }
}
