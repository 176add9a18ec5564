//! Judgements about SQL that the engine takes, and of metadata that the SQL contradicts.
//!
//! A rule is a pair of files beside this one: `drop_table_loses_data.rs` looks, and the page
//! `drop_table_loses_data.md` explains and is executed as a test. One `mod` line and one line of
//! `RULES` register it. A rule asks the model and never the text, and stays silent about what the
//! model does not know.
//!
//! [`Rules`] runs them over one migration after the other and decides what becomes of what they find: levels of the
//! options, `@allow`, small tables. Whether UP and DOWN fit together is
//! [`proof`](crate::proof)'s business.

mod allow;
mod data_type;
mod finding;
mod lock;
mod moment;
mod rebuild;
mod situation;
mod volatile;

mod add_column_rewrites;
mod add_not_null_without_default;
mod alter_after_deferred_dml;
mod bookkeeping_touched;
mod cascade_drops_dependents;
mod concurrent_index_if_not_exists;
mod constraint_builds_index;
mod constraint_dropped;
mod constraint_without_not_valid;
mod data_dependent_constraint;
mod default_dropped_breaks_writers;
mod drop_column_drops_constraints;
mod drop_column_loses_data;
mod drop_index_before_replacement;
mod drop_index_not_concurrent;
mod drop_locks_referenced_table;
mod drop_table_loses_data;
mod dynamic_sql;
mod enum_value_removed;
mod enum_value_used_too_early;
mod fk_without_index;
mod grant_too_broad;
mod identifier_too_long;
mod if_exists_masks_drift;
mod implicit_commit;
mod index_not_concurrent;
mod invisible_character;
mod maintenance_not_concurrent;
mod multiple_table_locks;
mod mysql_inline_references_ignored;
mod mysql_modify_drops_attributes;
mod mysql_table_copy;
mod online_ddl_not_pinned;
mod opaque_statement;
mod partition_locks;
mod performance_impact_understated;
mod phase_mismatch;
mod redundant_index;
mod rename_column_breaks_clients;
mod rename_table_breaks_clients;
mod rls_gap;
mod rollback_fails_on_data;
mod rollback_lossy;
mod secret_in_migration;
mod security_definer_unsafe;
mod serial_widen_leaves_int_sequence;
mod set_local_ignored;
mod set_not_null_scans;
mod slow_statement_under_lock;
mod small_integer_key;
mod sqlite_dqs_literal;
mod sqlite_rebuild_cascades;
mod sqlite_rebuild_incomplete;
mod stale_function_body;
mod superuser_operation;
mod table_rewrite_command;
mod table_without_primary_key;
mod timeout_overridden;
mod type_change_rewrites;
mod type_narrowing;
mod unbatched_backfill;
mod unfiltered_write;
mod unproven_rollback;
mod unsupported_by_engine;
mod validate_in_same_transaction;

use finding::{Finding, Lasting, Strength};
use situation::Situation;
pub use situation::Step;

use crate::diagnostic::{Diagnostic, Section, Severity};
use crate::dialect::{Dialect, Family};
use crate::migration::Migration;
use crate::options::{Level, Options};
use crate::proof::Verdict;
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
    engines: &'static [Family],
    check: fn(&Situation<'_>) -> Vec<Finding>,
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
const RULES: &[Rule] = &[
    add_column_rewrites::RULE,
    add_not_null_without_default::RULE,
    alter_after_deferred_dml::RULE,
    bookkeeping_touched::RULE,
    cascade_drops_dependents::RULE,
    concurrent_index_if_not_exists::RULE,
    constraint_builds_index::RULE,
    constraint_dropped::RULE,
    constraint_without_not_valid::RULE,
    data_dependent_constraint::RULE,
    default_dropped_breaks_writers::RULE,
    drop_column_drops_constraints::RULE,
    drop_column_loses_data::RULE,
    drop_index_before_replacement::RULE,
    drop_index_not_concurrent::RULE,
    drop_locks_referenced_table::RULE,
    drop_table_loses_data::RULE,
    dynamic_sql::RULE,
    enum_value_removed::RULE,
    enum_value_used_too_early::RULE,
    fk_without_index::RULE,
    grant_too_broad::RULE,
    identifier_too_long::RULE,
    if_exists_masks_drift::RULE,
    implicit_commit::RULE,
    index_not_concurrent::RULE,
    invisible_character::RULE,
    maintenance_not_concurrent::RULE,
    multiple_table_locks::RULE,
    mysql_inline_references_ignored::RULE,
    mysql_modify_drops_attributes::RULE,
    mysql_table_copy::RULE,
    online_ddl_not_pinned::RULE,
    opaque_statement::RULE,
    partition_locks::RULE,
    performance_impact_understated::RULE,
    phase_mismatch::RULE,
    redundant_index::RULE,
    rename_column_breaks_clients::RULE,
    rename_table_breaks_clients::RULE,
    rls_gap::RULE,
    rollback_fails_on_data::RULE,
    rollback_lossy::RULE,
    secret_in_migration::RULE,
    security_definer_unsafe::RULE,
    serial_widen_leaves_int_sequence::RULE,
    set_local_ignored::RULE,
    set_not_null_scans::RULE,
    slow_statement_under_lock::RULE,
    small_integer_key::RULE,
    sqlite_dqs_literal::RULE,
    sqlite_rebuild_cascades::RULE,
    sqlite_rebuild_incomplete::RULE,
    stale_function_body::RULE,
    superuser_operation::RULE,
    table_rewrite_command::RULE,
    table_without_primary_key::RULE,
    timeout_overridden::RULE,
    type_change_rewrites::RULE,
    type_narrowing::RULE,
    unbatched_backfill::RULE,
    unfiltered_write::RULE,
    unproven_rollback::RULE,
    unsupported_by_engine::RULE,
    validate_in_same_transaction::RULE,
];

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
    let since = options.since.as_ref();
    let Some(since) = since.and_then(|since| set.get(&since.value)) else {
        return;
    };
    for diagnostic in diagnostics {
        let migration = diagnostic.migration.as_ref();
        let migration = migration.and_then(|id| set.get(id));
        if migration.is_some_and(|migration| migration.version < since.version) {
            diagnostic.severity = Severity::Info;
        }
    }
}

impl Rule {
    fn knows(&self, family: Family) -> bool {
        self.engines.is_empty() || self.engines.contains(&family)
    }

    /// The engines that it is about.
    pub fn dialects(&self) -> impl Iterator<Item = Dialect> {
        let all = Dialect::ALL.into_iter();
        all.filter(|dialect| self.knows(dialect.modelling().family))
    }

    /// What the options say about it, where they do.
    fn chosen(&self, options: &Options) -> Option<Level> {
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
