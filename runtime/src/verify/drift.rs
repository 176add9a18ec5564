//! How the database differs from what the applied migrations make.

use std::fmt;

use backstitch_core::Set;
use backstitch_core::external::{self, External};

#[cfg(feature = "drift")]
use super::from_model;
use super::{Replay, Verify, plural, sight};
use crate::adopt::Tool;
use crate::connect::Held;
use crate::engine::Engine;
use crate::error::{Error, ErrorKind};
use crate::history::{Names, State};
use crate::migrations::Migrations;
use crate::migrator::Migrator;
use crate::session::Session;
use crate::testing::sandbox::{self, Sandbox};
use crate::testing::{Difference, Kind, ObjectName, diff};

/// How the database differs from what the applied migrations make on an empty one.
///
/// Not compared: rows, owners, privileges, settings of the database, and the tables of this library
/// and of the tools whose histories it adopts.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Drift {
    /// It does not.
    None,
    /// In these ways.
    Found(Vec<Drifted>),
    /// That was not looked at, or cannot be told: why.
    Unknown(String),
}

/// One way in which the database differs from what the applied migrations make.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Drifted {
    /// Before is what the migrations make, after is what is there.
    pub difference: Difference,
    /// The migration that made the object as it should be, where that is known.
    pub made_by: Option<String>,
    /// The statement that makes it so again, where one is known.
    pub remedy: Option<String>,
}

/// By what drift is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ToldBy {
    /// By the model of the schema, as far as it is sure. What an engine keeps in its own words,
    /// such as the query of a view, is compared by its columns, functions and literals.
    Model,
    /// By a replay in a scratch database, in every detail.
    Replay,
}

/// Something that the model is not sure of, and that was left out of the comparison for it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct NotCompared {
    /// Which objects.
    pub what: String,
    /// Since which migration, and why.
    pub because: String,
}

/// What was found out about drift.
pub(super) struct Told {
    pub(super) drift: Drift,
    pub(super) told_by: Option<ToldBy>,
    pub(super) not_compared: Vec<NotCompared>,
}

impl Drift {
    /// The differences; none where it was not looked.
    pub fn differences(&self) -> &[Drifted] {
        match self {
            Drift::Found(differences) => differences,
            Drift::None | Drift::Unknown(_) => &[],
        }
    }

    pub(super) fn of(drifted: Vec<Drifted>) -> Drift {
        match drifted.is_empty() {
            true => Drift::None,
            false => Drift::Found(drifted),
        }
    }
}

impl Told {
    fn unknown(why: impl Into<String>) -> Told {
        Told {
            drift: Drift::Unknown(why.into()),
            told_by: None,
            not_compared: Vec::new(),
        }
    }
}

impl fmt::Display for Drift {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Drift::None => f.write_str("drift: none, the database is what the migrations make"),
            Drift::Unknown(why) => write!(f, "drift: not known, {why}"),
            Drift::Found(differences) => {
                let n = differences.len();
                write!(
                    f,
                    "drift: {n} difference{} from what the migrations make",
                    plural(n)
                )?;
                for drifted in differences {
                    write!(f, "\n  {drifted}")?;
                }
                write!(f, "\n{ADVICE}")
            }
        }
    }
}

/// What can be done about drift.
const ADVICE: &str = "to keep what is there, write a migration that makes it; to have what the \
     migrations make, undo it by hand; what others make is named as external";

impl fmt::Display for Drifted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let told = self.difference.to_string();
        // What a DOWN leaves over is here what nobody's UP has made.
        match told.strip_prefix("left over: ") {
            Some(rest) => write!(f, "not from a migration: {rest}")?,
            None => f.write_str(&told)?,
        }
        if let Some(migration) = &self.made_by {
            write!(f, "\n    as made by {migration}")?;
        }
        if let Some(remedy) = &self.remedy {
            let loss = match &self.difference {
                Difference::LeftOver { object, .. } => match object.kind {
                    Kind::Table | Kind::Column => ", with all that it holds",
                    _ => "",
                },
                _ => "",
            };
            write!(f, "\n    to undo it{loss}: {remedy}")?;
        }
        Ok(())
    }
}

impl fmt::Display for NotCompared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.what, self.because)
    }
}

impl<DB: Engine> Migrator<'_, DB> {
    pub(super) async fn drift(
        &self,
        session: &mut Session<'_, DB>,
        verify: &Verify,
    ) -> Result<Told, Error> {
        let told = match (&verify.replay, DB::SCRATCH) {
            (Replay::On(url), _) => self.drift_by_replay(session, verify, url).await?,
            (Replay::Anywhere, Some(url)) => self.drift_by_replay(session, verify, url).await?,
            (Replay::Anywhere, None) => self.drift_by_model(session, verify).await?,
            (Replay::Never, _) => Told::unknown("it was left out"),
        };
        Ok(sight::leave_out_unseen(session, told).await)
    }

    /// Without the model there is nothing to compare with.
    #[cfg(not(feature = "drift"))]
    async fn drift_by_model(
        &self,
        _session: &mut Session<'_, DB>,
        _verify: &Verify,
    ) -> Result<Told, Error> {
        Ok(Told::unknown(WITHOUT_MODEL))
    }

    #[cfg(feature = "drift")]
    async fn drift_by_model(
        &self,
        session: &mut Session<'_, DB>,
        verify: &Verify,
    ) -> Result<Told, Error> {
        let applied = match self.followed(session) {
            Ok(applied) => applied,
            Err(why) => return Ok(Told::unknown(why)),
        };
        let without = without(session);
        let without: Vec<&str> = without.iter().map(String::as_str).collect();
        let found = DB::snapshot(session.connection, &without).await;
        let found = found.map_err(sandbox::unreadable::<DB>)?;
        let home = session.facts.schema.as_deref();
        let compared = from_model::compare(&applied, &verify.external, &found, &without, home);
        let mut drifted = compared.drifted;
        let history = session.names.schema.as_deref();
        drifted.retain(|one| counts(&one.difference, history, &verify.external));
        Ok(Told {
            drift: Drift::of(drifted),
            told_by: Some(ToldBy::Model),
            not_compared: compared.not_compared,
        })
    }

    async fn drift_by_replay(
        &self,
        session: &mut Session<'_, DB>,
        verify: &Verify,
        url: &str,
    ) -> Result<Told, Error> {
        let applied = match self.applied(session) {
            Ok(applied) => applied,
            Err(why) => return Ok(Told::unknown(why)),
        };
        let without = without(session);
        let without: Vec<&str> = without.iter().map(String::as_str).collect();
        let mut sandbox = Sandbox::<DB>::open(url).await?;
        let expected = match replay(&mut sandbox, &Migrations::from_set(applied)).await {
            Ok(None) => sandbox.snapshot(&without).await.map(Ok),
            Ok(Some(why)) => Ok(Err(why)),
            Err(error) => Err(error),
        };
        sandbox.close().await;
        let expected = match expected? {
            Ok(expected) => expected,
            Err(why) => return Ok(Told::unknown(why)),
        };
        let found = DB::snapshot(session.connection, &without).await;
        let found = found.map_err(sandbox::unreadable::<DB>)?;
        let mut differences = diff(&expected, &found);
        let home = session.names.schema.clone();
        differences.retain(|one| counts(one, home.as_deref(), &verify.external));
        let drifted = differences.into_iter().map(|difference| Drifted {
            difference,
            made_by: None,
            remedy: None,
        });
        Ok(Told {
            drift: Drift::of(drifted.collect()),
            told_by: Some(ToldBy::Replay),
            not_compared: Vec::new(),
        })
    }

    /// The migrations that are applied, in the order in which they were, and those that stopped
    /// half-way.
    #[cfg(feature = "drift")]
    fn followed(&self, session: &Session<'_, DB>) -> Result<from_model::Applied, String> {
        let mut applied = from_model::Applied {
            set: Set {
                dialect: self.set().dialect,
                migrations: Vec::new(),
            },
            partly: std::collections::BTreeSet::new(),
        };
        let mut rows: Vec<_> = session.rows.iter().collect();
        rows.sort_by_key(|row| row.seq);
        for row in rows {
            let never_ran = row.state == State::Failed
                && row.statements_done == 0
                && row.open_checksum.is_none();
            if never_ran {
                continue;
            }
            let known = self.set().migrations.iter().find(|one| {
                one.version == row.version && one.id == row.id && one.checksum == row.checksum
            });
            let Some(migration) = known else {
                return Err(format!("this program does not hold what `{}` ran", row.id));
            };
            if row.state != State::Applied {
                applied.partly.insert(migration.id.clone());
            }
            applied.set.migrations.push(migration.clone());
        }
        Ok(applied)
    }

    /// The migrations that are applied, all of which must be known.
    fn applied(&self, session: &Session<'_, DB>) -> Result<Set, String> {
        let mut migrations = Vec::new();
        for row in &session.rows {
            let known = self.set().migrations.iter().find(|one| {
                one.version == row.version && one.id == row.id && one.checksum == row.checksum
            });
            match (row.state, known) {
                (State::Applied, Some(migration)) if migration.step.is_some() => {
                    return Err(format!("the `@step` of `{}` is not run anew", row.id));
                }
                (State::Applied, Some(migration)) => migrations.push(migration.clone()),
                (State::Applied, None) => {
                    return Err(format!("this program does not hold what `{}` ran", row.id));
                }
                (State::Failed, _) if row.statements_done == 0 => {}
                (state, _) => return Err(format!("`{}` is {state}", row.id)),
            }
        }
        migrations.sort_by_key(|migration| migration.version);
        Ok(Set {
            dialect: self.set().dialect,
            migrations,
        })
    }
}

/// Why there is nothing to compare with.
#[cfg(not(feature = "drift"))]
const WITHOUT_MODEL: &str = "this program is built without the feature `drift` of backstitch: \
     switch it on, ask the command line (`backstitch verify`), or name a server to run the \
     migrations anew on, by `.replay_on(url)`";

/// Runs the migrations in the scratch database. What went wrong, where it is the migrations' fault.
async fn replay<DB: Engine>(
    sandbox: &mut Sandbox<DB>,
    migrations: &Migrations<DB>,
) -> Result<Option<String>, Error> {
    let database = Held::Borrowed(sandbox.connection());
    let ran = migrations.migrator().up(database).await;
    sandbox.end_transaction().await;
    match ran {
        Ok(_) => Ok(None),
        Err(error) => match error.kind() {
            ErrorKind::Statement | ErrorKind::Check => Ok(Some(format!(
                "the applied migrations do not run on an empty database: {}",
                error.headline()
            ))),
            _ => Err(error),
        },
    }
}

/// Tables that are no migration's business.
fn without<DB: Engine>(session: &Session<'_, DB>) -> Vec<String> {
    // A replay has the usual names, whatever the history is called.
    let usual = Names::default().all_tables();
    let mut without: Vec<String> = usual
        .into_iter()
        .chain(session.names.all_tables())
        .collect();
    without.extend(Tool::ALL.map(|tool| tool.table().to_owned()));
    without
}

/// Whether a difference is told. `home` is the schema that holds the history.
fn counts(difference: &Difference, home: Option<&str>, external: &[String]) -> bool {
    const NOT_OURS: [&str; 2] = ["owner", "grants"];
    let object = difference.object();
    if let Difference::Changed { attribute, .. } = difference
        && NOT_OURS.contains(&attribute.as_str())
    {
        return false;
    }
    match object.kind {
        Kind::Database | Kind::Setting | Kind::Grant | Kind::DefaultPrivileges => false,
        // It was made for the history.
        Kind::Schema if Some(object.name.as_str()) == home => false,
        _ => !external.iter().any(|name| is_called(object, name)),
    }
}

/// Whether the object, or what it stands on, is what that names.
fn is_called(object: &ObjectName, text: &str) -> bool {
    let Ok(external) = External::parse(text) else {
        return false;
    };
    // The catalogue leaves out the schema that unqualified names go to.
    let is_in = |schema: &str| match object.schema.as_deref() {
        Some(found) => found == schema,
        None => schema == "public",
    };
    let is_there = external.schema().is_none_or(is_in);
    let name = object.name.as_str();
    let own = [Some(name), object.parent.as_deref()];
    let mut own = own.into_iter().flatten();
    match external.kind {
        external::Kind::Schema => {
            object.kind == Kind::Schema && external.is_called(name) || is_in(&external.name)
        }
        external::Kind::Extension => object.kind == Kind::Extension && external.is_called(name),
        external::Kind::Column => {
            let table = external.within.last().map(String::as_str);
            is_there && external.is_called(name) && object.parent.as_deref() == table
        }
        external::Kind::Any
        | external::Kind::Table
        | external::Kind::View
        | external::Kind::Sequence
        | external::Kind::Type
        | external::Kind::Function => is_there && own.any(|own| external.is_called(own)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn external_objects_are_known_by_name_and_by_what_they_stand_on() {
        let index = ObjectName {
            kind: Kind::Index,
            schema: None,
            parent: Some("geometry_columns".to_owned()),
            name: "geometry_idx".to_owned(),
        };
        for name in [
            "geometry_columns",
            "public.geometry_columns",
            "geometry_*",
            "public.geo*",
        ] {
            assert!(is_called(&index, name), "{name}");
        }
        assert!(is_called(&index, "schema public"));
        for name in [
            "geometry",
            "other.geometry_columns",
            "columns",
            "extension geometry_idx",
            "schema other",
        ] {
            assert!(!is_called(&index, name), "{name}");
        }
    }
}
