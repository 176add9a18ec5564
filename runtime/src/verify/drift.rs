//! How the database differs from what the applied migrations make.

use std::fmt;

use backstitch_core::Set;

use super::{Replay, Verify, plural};
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
    /// In these ways: before is what the migrations make, after is what is there.
    Found(Vec<Difference>),
    /// That was not looked at, or cannot be told: why.
    Unknown(String),
}

impl Drift {
    /// The differences; none where it was not looked.
    pub fn differences(&self) -> &[Difference] {
        match self {
            Drift::Found(differences) => differences,
            Drift::None | Drift::Unknown(_) => &[],
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
                for difference in differences {
                    let told = difference.to_string();
                    // What a DOWN leaves over is here what nobody's UP has made.
                    match told.strip_prefix("left over: ") {
                        Some(rest) => write!(f, "\n  not from a migration: {rest}")?,
                        None => write!(f, "\n  {told}")?,
                    }
                }
                Ok(())
            }
        }
    }
}

impl<DB: Engine> Migrator<'_, DB> {
    pub(super) async fn drift(
        &self,
        session: &mut Session<'_, DB>,
        verify: &Verify,
    ) -> Result<Drift, Error> {
        let url = match (&verify.replay, DB::SCRATCH) {
            (Replay::On(url), _) => url.as_str(),
            (Replay::Anywhere, Some(url)) => url,
            (Replay::Anywhere, None) => {
                return Ok(Drift::Unknown(
                    "name a server to run the migrations anew on, by `.replay_on(url)`".to_owned(),
                ));
            }
            (Replay::Never, _) => return Ok(Drift::Unknown("it was left out".to_owned())),
        };
        let applied = match self.applied(session) {
            Ok(applied) => applied,
            Err(why) => return Ok(Drift::Unknown(why)),
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
            Err(why) => return Ok(Drift::Unknown(why)),
        };
        let found = DB::snapshot(session.connection, &without).await;
        let found = found.map_err(sandbox::unreadable::<DB>)?;
        let mut differences = diff(&expected, &found);
        let home = session.names.schema.clone();
        differences.retain(|one| counts(one, home.as_deref(), &verify.external));
        Ok(match differences.is_empty() {
            true => Drift::None,
            false => Drift::Found(differences),
        })
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

/// Whether the object, or what it stands on, is called so.
fn is_called(object: &ObjectName, name: &str) -> bool {
    let fits = |found: &str, wanted: &str| match wanted.strip_suffix('*') {
        Some(beginning) => found.starts_with(beginning),
        None => found == wanted,
    };
    let own = [Some(object.name.as_str()), object.parent.as_deref()];
    let mut own = own.into_iter().flatten();
    match name.split_once('.') {
        Some((schema, name)) => {
            let found = object.schema.as_deref();
            // The catalogue leaves out the schema that unqualified names go to.
            let is_there = found.map_or(schema == "public", |found| found == schema);
            is_there && own.any(|own| fits(own, name))
        }
        None => own.any(|own| fits(own, name)),
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
        for name in ["geometry", "other.geometry_columns", "columns"] {
            assert!(!is_called(&index, name), "{name}");
        }
    }
}
