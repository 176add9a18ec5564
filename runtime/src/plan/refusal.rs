//! What speaks against a plan, in words for people.
//!
//! All of it is told at once, by kind. When something is refused is decided by what calls this.

use backstitch_core::{Diagnostic, Migration, Set};

use super::{Action, Force, Known, Plan, Unknown, is_untouched, resume, step};
use crate::error::{Error, ErrorKind};
use crate::history::{LAYOUT, OLDEST_LAYOUT, Row, State};

/// What speaks against running, by kind.
#[derive(Default)]
pub(super) struct Refusals {
    pub(super) unfinished: Vec<Diagnostic>,
    pub(super) diverged: Vec<Diagnostic>,
    pub(super) out_of_order: Vec<Diagnostic>,
    pub(super) rollback: Vec<Diagnostic>,
}

impl Refusals {
    pub(super) fn judge_known(&mut self, known: Known<'_>, plan: &mut Plan) {
        let Known { migration, row, .. } = known;
        match row.state {
            State::Applied if migration.id != row.id => self.diverged.push(renamed(migration, row)),
            State::Applied if migration.checksum == row.checksum => {}
            State::Applied if migration.supersedes == Some(row.checksum) => {
                plan.steps.push(step(Action::Accept, migration));
            }
            State::Applied => self.diverged.push(edited(migration, row)),
            _ if is_untouched(row) => {}
            State::Applying | State::Failed if known.is_wanted => {
                match resume::step(migration, row, known.dialect) {
                    Ok(step) => plan.steps.push(step),
                    Err(refusal) => self.unfinished.push(*refusal),
                }
            }
            State::Applying | State::Failed | State::Reverting => {
                self.unfinished
                    .push(resume::unfinished(Some(migration), row));
            }
        }
    }

    pub(super) fn judge_unknown(&mut self, row: &Row, policy: Unknown, set: &Set) {
        match row.state {
            State::Applied => {
                // Between those that are known it is not that this program is older.
                let later = set.migrations.iter().find(|one| one.version > row.version);
                let fine = match policy {
                    Unknown::Allow => true,
                    Unknown::IfCompatible => row.compatible && later.is_none(),
                    Unknown::Refuse => false,
                };
                if !fine {
                    self.diverged.push(unknown(row, later));
                }
            }
            _ if is_untouched(row) => {}
            State::Applying | State::Failed | State::Reverting => {
                self.unfinished.push(resume::unfinished(None, row));
            }
        }
    }

    pub(super) fn into_result(self, plan: Plan) -> Result<Plan, Error> {
        let groups = [
            (ErrorKind::Unfinished, self.unfinished),
            (ErrorKind::Diverged, self.diverged),
            (ErrorKind::OutOfOrder, self.out_of_order),
            (ErrorKind::Rollback, self.rollback),
        ];
        let kind = groups
            .iter()
            .find(|(_, found)| !found.is_empty())
            .map(|(kind, _)| *kind);
        match kind {
            None => Ok(plan),
            Some(kind) => Err(Error::of(
                kind,
                groups.into_iter().flat_map(|(_, found)| found).collect(),
            )),
        }
    }
}

pub(crate) fn known_layout(rows: &[Row]) -> Result<(), Error> {
    let known = OLDEST_LAYOUT..=LAYOUT;
    let Some(row) = rows.iter().find(|row| !known.contains(&row.layout)) else {
        return Ok(());
    };
    Err(Error::new(
        ErrorKind::History,
        Diagnostic::error(
            "history-layout-unknown",
            format!(
                "the history has layout {}, and this version of backstitch knows {LAYOUT}",
                row.layout
            ),
        )
        .why("A newer version of the library has written to this database. Nothing was run.")
        .help("start the newer release of this program, or update its `backstitch` crate"),
    ))
}

/// A diagnostic about a migration, pointing at its UP where the file is known.
pub(crate) fn about(
    code: &'static str,
    migration: &Migration,
    message: String,
    label: &str,
) -> Diagnostic {
    let up = &migration.up;
    let span = up
        .statements
        .first()
        .map_or(up.span, |statement| statement.span);
    let mut diagnostic =
        Diagnostic::error(code, message).at(&up.source, up.source.first_line(span), label);
    diagnostic.migration = Some(migration.id.clone());
    diagnostic
}

fn edited(migration: &Migration, row: &Row) -> Diagnostic {
    about(
        "migration-edited",
        migration,
        format!("`{}` has been edited since it was applied", migration.id),
        "not what the database ran",
    )
    .why(format!(
        "It was applied at {} by {} with the checksum {}; the file now has {}. \
         Comments and blank space do not count, so a statement differs.",
        row.applied_at, row.applied_by, row.checksum, migration.checksum
    ))
    .help(format!(
        "put the old text back and write a new migration; or, when both texts leave the same \
         schema, accept the new one, everywhere by\n-- @supersedes: {}\nor in this database \
         alone by\n.reason(\"…\").repair(&pool, Repair::Checksum(\"{}\"))",
        row.checksum, row.id
    ))
}

pub(super) fn renamed(migration: &Migration, row: &Row) -> Diagnostic {
    about(
        "migration-renamed",
        migration,
        format!(
            "version {} is applied as `{}`, not as `{}`",
            row.version, row.id, migration.id
        ),
        "the same version, another migration",
    )
    .why("An id must not change once it is applied: it is how the history knows the migration.")
    .help(format!(
        "rename the file back to `{}.sql`, or give this one a new version",
        row.id
    ))
}

fn unknown(row: &Row, later: Option<&Migration>) -> Diagnostic {
    let but = match later {
        Some(later) => format!(
            "This program has `{}`, which comes later, so it is not just older: the file was \
             removed, or belongs to another branch.",
            later.id
        ),
        None if row.compatible => "Unknown migrations are refused here.".to_owned(),
        None => "It does more than to add, and does not say by `@phase: expand` that older \
                 programs still work with it."
            .to_owned(),
    };
    let mut diagnostic = Diagnostic::error(
        "migration-unknown",
        format!(
            "the database has `{}`, which this program does not know",
            row.id
        ),
    )
    .why(format!(
        "It was applied at {} by {}. {but}",
        row.applied_at, row.applied_by
    ))
    .help(match row.down_checksum {
        Some(_) => {
            "start the newer program; or take the migration back: its DOWN is stored in the \
             database, so this program can run it (`down` with `Down::Steps`, or \
             `backstitch rollback`)"
        }
        None => "start the newer program; the migration has no way back",
    });
    diagnostic.migration = Some(row.id.clone());
    diagnostic
}

pub(super) fn late(migration: &Migration, newest: &Row) -> Diagnostic {
    about(
        "migration-out-of-order",
        migration,
        format!(
            "`{}` is pending, but `{}` is already applied",
            migration.id, newest.id
        ),
        "older than the newest applied migration",
    )
    .why(
        "Other databases ran the two in the other order, or will; the schemas may then differ. \
         This happens when two branches add migrations at the same time.",
    )
    .help(
        "give it a newer version, so that it comes last everywhere; or allow it here by \
         `.out_of_order(OutOfOrder::Allow)`",
    )
}

pub(super) fn no_way_back(set: &Set, row: &Row, force: Force) -> Option<Diagnostic> {
    let known = set
        .migrations
        .iter()
        .find(|migration| migration.version == row.version);
    let mut diagnostic = if row.down_checksum.is_none() {
        let reason = known.and_then(|migration| migration.irreversible.as_deref());
        Diagnostic::error(
            "rollback-impossible",
            format!("`{}` has no way back", row.id),
        )
        .why(reason.map_or(String::new(), |reason| format!("Its file says: {reason}")))
        .help("go back less far, or restore a backup")
    } else if !row.rollback_safe && force == Force::No && row.state == State::Applied {
        Diagnostic::error(
            "rollback-needs-force",
            format!("taking back `{}` loses data", row.id),
        )
        .why("Its file says `@rollbackSafe: false`.")
        .help("make a backup, then ask for it by `.force()` (`backstitch rollback --force`)")
    } else {
        return None;
    };
    diagnostic.migration = Some(row.id.clone());
    Some(diagnostic)
}
