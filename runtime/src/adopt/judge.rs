//! What is taken over: a pure function of the migrations, both histories and what is accepted.

use std::collections::HashMap;

use backstitch_core::{Diagnostic, Migration, Set};

use super::text::basis;
use super::tool::{TheirRow, Theirs};
use super::{Adopt, Adopted, Adoption, Basis};
use crate::error::{Error, ErrorKind};
use crate::history::{Row, State};
use crate::plan;

/// What is taken over, or everything that speaks against it.
pub(super) fn adoption(
    set: &Set,
    ours: &[Row],
    theirs: &Theirs,
    adopt: &Adopt,
) -> Result<Adoption, Error> {
    plan::known_layout(ours)?;
    for id in &adopt.accepted {
        if set.get(id).is_none() {
            let message = format!("there is no migration `{id}` to accept");
            return Err(plan::usage(message, "name it by its id, without `.sql`"));
        }
    }
    let mut judge = Judge {
        set,
        adopt,
        ours: ours
            .iter()
            .filter(|row| !plan::is_untouched(row))
            .map(|row| (row.version, row))
            .collect(),
        adoption: Adoption {
            tool: adopt.tool,
            adopted: Vec::new(),
            already: Vec::new(),
            pending: Vec::new(),
            dry_run: false,
        },
        unfinished: Vec::new(),
        diverged: Vec::new(),
        history: Vec::new(),
    };
    judge.all(theirs);
    judge.finish()
}

struct Judge<'j> {
    set: &'j Set,
    adopt: &'j Adopt,
    /// Our rows that count, by version.
    ours: HashMap<u64, &'j Row>,
    adoption: Adoption,
    unfinished: Vec<Diagnostic>,
    diverged: Vec<Diagnostic>,
    history: Vec<Diagnostic>,
}

impl<'j> Judge<'j> {
    fn all(&mut self, theirs: &Theirs) {
        let set: &'j Set = self.set;
        let width = width_of(set);
        let mut found: HashMap<u64, &TheirRow> = HashMap::new();
        for row in &theirs.rows {
            let migration = versions(&row.version, width)
                .into_iter()
                .find_map(|version| set.migrations.iter().find(|one| one.version == version));
            let Some(migration) = migration else {
                self.diverged.push(self.unknown(row));
                continue;
            };
            if !row.is_whole {
                self.unfinished.push(self.dirty(row, migration));
                continue;
            }
            let upto = set
                .migrations
                .iter()
                .filter(|one| match theirs.is_only_newest {
                    true => one.version <= migration.version,
                    false => one.version == migration.version,
                });
            found.extend(upto.map(|one| (one.version, row)));
        }
        for migration in &set.migrations {
            match found.get(&migration.version) {
                Some(row) => self.one(migration, row),
                None if self.ours.contains_key(&migration.version) => {}
                None => self.adoption.pending.push(migration.id.clone()),
            }
        }
        self.both(&found);
    }

    /// A migration that the tool has applied.
    fn one(&mut self, migration: &Migration, row: &TheirRow) {
        if let Some(ours) = self.ours.get(&migration.version) {
            let agrees = ours.state == State::Applied
                && ours.id == migration.id
                && ours.checksum == migration.checksum;
            match agrees {
                true => self.adoption.already.push(migration.id.clone()),
                false => self.history.push(disagrees(migration, ours)),
            }
            return;
        }
        let is_accepted = self.adopt.accepted.contains(&migration.id);
        let basis = match basis(self.adopt.tool, row, migration) {
            Some(basis) => basis,
            None if is_accepted => Basis::Accepted,
            None => {
                self.diverged.push(self.differs(migration));
                return;
            }
        };
        self.adoption.adopted.push(Adopted {
            version: migration.version,
            id: migration.id.clone(),
            basis,
            applied_at: row.applied_at.clone(),
        });
    }

    /// Both histories have rows that the other has not: nobody can tell what came first.
    fn both(&mut self, theirs: &HashMap<u64, &TheirRow>) {
        let alone = self
            .ours
            .values()
            .filter(|row| !theirs.contains_key(&row.version));
        let mut alone: Vec<&str> = alone.map(|row| row.id.as_str()).collect();
        alone.sort_unstable();
        if alone.is_empty() || self.adoption.adopted.is_empty() {
            return;
        }
        let adopted: Vec<_> = self
            .adoption
            .adopted
            .iter()
            .map(|one| one.id.as_str())
            .collect();
        let tool = self.adopt.tool;
        self.history.push(
            Diagnostic::error(
                "adopt-both",
                format!("both {tool} and backstitch have migrated this database"),
            )
            .why(format!(
                "Only {tool} has applied {}; only backstitch has applied {}. Which came first \
                 cannot be told.",
                adopted.join(", "),
                alone.join(", ")
            ))
            .help(
                "adopt before anything is applied here; where both are in effect, record the \
                 missing ones as applied one by one",
            ),
        );
    }

    fn finish(self) -> Result<Adoption, Error> {
        let groups = [
            (ErrorKind::Unfinished, self.unfinished),
            (ErrorKind::Diverged, self.diverged),
            (ErrorKind::History, self.history),
        ];
        let kind = groups.iter().find(|(_, found)| !found.is_empty());
        match kind.map(|(kind, _)| *kind) {
            None => Ok(self.adoption),
            Some(kind) => {
                let found = groups.into_iter().flat_map(|(_, found)| found);
                Err(Error::of(kind, found.collect()))
            }
        }
    }

    fn unknown(&self, row: &TheirRow) -> Diagnostic {
        let name = row.name.as_deref().filter(|name| !name.is_empty());
        let name = name.map_or(String::new(), |name| {
            format!(" (`{}`)", name.escape_debug())
        });
        Diagnostic::error(
            "adopt-unknown",
            format!(
                "{} has applied version {}{name}, which this program does not have",
                self.adopt.tool, row.version
            ),
        )
        .why("What is applied must stay known: without its file nobody can take it back.")
        .help(
            "import its file too (`backstitch import`); where it was a program, write a file of \
             this version that does what it did, or nothing; or build from the branch that has it",
        )
    }

    fn dirty(&self, row: &TheirRow, migration: &Migration) -> Diagnostic {
        let tool = self.adopt.tool;
        let mut diagnostic = plan::about(
            "adopt-dirty",
            migration,
            format!("{tool} left version {} half done", row.version),
            "some of this may be in effect",
        )
        .why(format!(
            "Its row in `{}` says that it failed. What is in effect cannot be told from there.",
            self.adopt.table
        ))
        .help(format!(
            "look at the database, finish the migration or take back what it did, and put the row \
             right with {tool}; then adopt"
        ));
        diagnostic.migration = Some(migration.id.clone());
        diagnostic
    }

    fn differs(&self, migration: &Migration) -> Diagnostic {
        let tool = self.adopt.tool;
        plan::about(
            "adopt-differs",
            migration,
            format!("{tool} ran another text as `{}`", migration.id),
            "not what the database ran",
        )
        .why(format!(
            "The checksum that {tool} kept is neither that of this file, with whatever line \
             endings, nor that of its UP. The file was edited since, or its import changed the UP."
        ))
        .help(format!(
            "compare it with the file that {tool} ran. Where both leave the same schema, accept \
             it by its version: `.accept(\"{id}\")` (`backstitch adopt --from {tool} --accept {id}`)",
            id = migration.id
        ))
    }
}

fn disagrees(migration: &Migration, ours: &Row) -> Diagnostic {
    let what = match ours.state {
        State::Applied if ours.id != migration.id => format!("as `{}`", ours.id),
        State::Applied => "with another text".to_owned(),
        state => format!("as {state}"),
    };
    plan::about(
        "adopt-disagrees",
        migration,
        format!("the history already has `{}`, {what}", migration.id),
        "both tools know this one",
    )
    .why("What is in the history is not overwritten.")
    .help("run `up`, which says what is wrong with it; put that right, then adopt")
}

/// How many digits the longest version has.
pub(super) fn width_of(set: &Set) -> usize {
    let versions = set.migrations.iter().map(|one| one.version);
    let widths = versions.map(|version| version.to_string().len());
    widths.max().unwrap_or(0)
}

/// The numbers that a version can be here. Tools that compare versions as texts have short ones
/// beside long ones; those count as if they were filled up by zeros.
pub(super) fn versions(version: &str, width: usize) -> Vec<u64> {
    let filled = format!("{version:0<width$}");
    [version, &filled]
        .into_iter()
        .filter_map(|digits| digits.parse().ok())
        .collect()
}
