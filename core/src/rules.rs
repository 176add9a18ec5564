//! The rules themselves.
//!
//! A rule is a pair of files in the folder beside this one: `drop_table_loses_data.rs` looks, and
//! the page `drop_table_loses_data.md` explains and is executed as a test. One `mod` line and one
//! line of the table register it. A rule asks the model and never the text, and stays silent about
//! what the model does not know. What it may ask, and what becomes of what it finds, is
//! [`rule`](crate::rule)'s business.

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
pub(crate) mod unproven_rollback;
mod unsupported_by_engine;
mod validate_in_same_transaction;

use crate::rule::{Group, Rule, data_type, finding, lock, moment, rebuild, situation, volatile};

/// All rules, in the order of their names.
pub(crate) const RULES: &[Rule] = &[
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
