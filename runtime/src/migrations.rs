//! The migrations of a service: a static, ordered list.

use std::any::Any;
use std::marker::PhantomData;
use std::path::Path;
use std::sync::{Arc, OnceLock};

use backstitch_core::checksum::Digest;
use backstitch_core::dir;
use backstitch_core::source::Source;
use backstitch_core::{Dialect, Migration, Set, Severity};
use futures_util::future::BoxFuture;

use crate::connect::Connect;
use crate::engine::Engine;
use crate::error::Error;
use crate::migrator::Migrator;
use crate::plan::{Down, Plan};
use crate::report::{Report, Status};
use crate::step::{self, Step, StepFn};

/// The migrations of one folder, for databases of the engine `DB`.
///
/// Made by [`migrations!`](crate::migrations) while the service compiles, or by
/// [`load`](Migrations::load) while it runs. The verbs here use the defaults; everything else
/// hangs on [`migrator`](Migrations::migrator).
pub struct Migrations<DB> {
    origin: Origin,
    set: OnceLock<Set>,
    steps: Vec<(String, Arc<dyn Any + Send + Sync>)>,
    engine: PhantomData<fn() -> DB>,
}

enum Origin {
    Embedded(Embedded),
    /// Read at run time: the set is there from the start, and its digest is known.
    Loaded(Digest),
}

/// What `migrations!` leaves in the binary. Written by the macro only.
#[doc(hidden)]
#[derive(Clone, Copy, Debug)]
pub struct Embedded {
    /// The SQL the files are written in.
    pub dialect: Dialect,
    /// The folder as it is shown to people.
    pub shown_as: &'static str,
    /// The folder on the machine that compiled.
    pub dir: &'static str,
    /// Name and version of the crate that embeds.
    pub program: &'static str,
    /// The lanes of the digest of the set.
    pub digest: [u64; 4],
    /// Whether to compare the folder with the list at start-up: in debug builds.
    pub watched: bool,
    /// The text of each file, in order.
    pub files: &'static [&'static str],
    /// The facts of each file, a line each, in the same order.
    pub facts: &'static str,
}

/// How [`Migrations::load`] reads a folder.
#[derive(Clone, Copy, Debug)]
pub struct LoadOptions {
    /// The SQL the files are written in. `None`: the usual one of the engine.
    pub dialect: Option<Dialect>,
    /// How the files are laid out.
    pub layout: dir::Layout,
}

impl Default for LoadOptions {
    fn default() -> LoadOptions {
        LoadOptions {
            dialect: None,
            layout: dir::Layout::Annotated,
        }
    }
}

impl<DB: Engine> Migrations<DB> {
    /// Reads the folder at run time, by the same code that reads it in the macro.
    ///
    /// # Errors
    /// Whatever would have been a compile error; all of it in one error.
    pub fn load(dir: impl AsRef<Path>, options: LoadOptions) -> Result<Migrations<DB>, Error> {
        let dir = dir.as_ref();
        let dialect = options.dialect.unwrap_or(DB::DIALECT);
        if !DB::speaks(dialect) {
            return Err(Error::wrong_dialect(dialect, DB::PRODUCT));
        }
        let shown_as = dir.to_string_lossy().replace('\\', "/");
        let loaded = dir::load(dir, &shown_as, dialect, options.layout);
        if loaded
            .diagnostics
            .iter()
            .any(|found| found.severity == Severity::Error)
        {
            return Err(Error::unreadable(loaded.diagnostics));
        }
        Ok(Migrations::from_set(loaded.set))
    }

    /// A list of migrations that were made by other means, such as by a test.
    pub fn from_set(set: Set) -> Migrations<DB> {
        Migrations {
            origin: Origin::Loaded(set.digest()),
            set: OnceLock::from(set),
            steps: Vec::new(),
            engine: PhantomData,
        }
    }

    /// The migrations, in the order in which they run.
    pub fn set(&self) -> &Set {
        self.set.get_or_init(|| match &self.origin {
            Origin::Embedded(embedded) => embedded.decode(),
            Origin::Loaded(_) => unreachable!("a loaded list has its set from the start"),
        })
    }

    /// Goes through the migrations in the order in which they run.
    pub fn iter(&self) -> std::slice::Iter<'_, Migration> {
        self.set().migrations.iter()
    }

    /// The digest of all migrations; known to the compiler, so that it costs nothing here.
    pub fn digest(&self) -> Digest {
        match &self.origin {
            Origin::Embedded(embedded) => Digest::from_lanes(embedded.digest),
            Origin::Loaded(digest) => *digest,
        }
    }

    /// Gives the function for the migration whose file says `@step: name`. It runs behind the
    /// statements of the UP and before the CHECKs after it, in the same transaction, and must work
    /// with the connection that it is given alone. What it fails with takes the migration back.
    ///
    /// The checksum of the migration covers the name of the step and not the code of the function:
    /// a step that has run does not run again because its code has changed. It is for rows; tables
    /// are changed in SQL, where the proof of the way back sees them.
    ///
    /// ```no_run
    /// # use sqlx::{PgConnection, Postgres, Row};
    /// # fn with_recode(migrations: backstitch::Migrations<Postgres>) {
    /// async fn recode(connection: &mut PgConnection) -> Result<(), sqlx::Error> {
    ///     sqlx::query("UPDATE users SET login = lower(login)").execute(connection).await?;
    ///     Ok(())
    /// }
    ///
    /// let migrations = migrations.with_step("0007_recode", recode);
    /// # }
    /// ```
    #[must_use]
    pub fn with_step(
        mut self,
        name: impl Into<String>,
        step: impl for<'c> StepFn<'c, DB> + 'static,
    ) -> Migrations<DB> {
        let step: Step<DB> = step::boxed(step);
        self.steps.push((name.into(), Arc::new(step)));
        self
    }

    /// The function of that name.
    pub(crate) fn step(&self, name: &str) -> Option<&Step<DB>> {
        let (_, step) = self.steps.iter().rev().find(|(given, _)| given == name)?;
        step.downcast_ref()
    }

    /// The names of the functions that were given.
    pub(crate) fn step_names(&self) -> impl Iterator<Item = &str> {
        self.steps.iter().map(|(name, _)| name.as_str())
    }

    /// Everything that can be set about a run.
    pub fn migrator(&self) -> Migrator<'_, DB> {
        Migrator::new(self)
    }

    /// Applies what is pending. One round trip when nothing is.
    ///
    /// # Errors
    /// See [`Migrator::up`].
    pub fn up<'a, 'c: 'a>(
        &'a self,
        database: impl Connect<'c, DB> + 'a,
    ) -> BoxFuture<'a, Result<Report, Error>> {
        Box::pin(async move { self.migrator().up(database).await })
    }

    /// Takes migrations back, the newest first.
    ///
    /// # Errors
    /// See [`Migrator::down`].
    pub fn down<'a, 'c: 'a>(
        &'a self,
        database: impl Connect<'c, DB> + 'a,
        down: Down,
    ) -> BoxFuture<'a, Result<Report, Error>> {
        Box::pin(async move { self.migrator().down(database, down).await })
    }

    /// What [`up`](Migrations::up) would do now. Writes nothing and takes no lock.
    ///
    /// # Errors
    /// See [`Migrator::plan`].
    pub fn plan<'a, 'c: 'a>(
        &'a self,
        database: impl Connect<'c, DB> + 'a,
    ) -> BoxFuture<'a, Result<Plan, Error>> {
        Box::pin(async move { self.migrator().plan(database).await })
    }

    /// What is applied, what is pending, and whether something is wrong. Writes nothing.
    ///
    /// # Errors
    /// See [`Migrator::status`].
    pub fn status<'a, 'c: 'a>(
        &'a self,
        database: impl Connect<'c, DB> + 'a,
    ) -> BoxFuture<'a, Result<Status, Error>> {
        Box::pin(async move { self.migrator().status(database).await })
    }

    /// Waits until someone else has applied everything: the start-up of a replica that must not
    /// migrate by itself.
    ///
    /// # Errors
    /// See [`Migrator::wait`].
    pub fn wait<'a, 'c: 'a>(
        &'a self,
        database: impl Connect<'c, DB> + 'a,
    ) -> BoxFuture<'a, Result<Report, Error>> {
        Box::pin(async move { self.migrator().wait(database).await })
    }

    /// The SQL they are written in, without reading them.
    pub(crate) fn dialect(&self) -> Dialect {
        match &self.origin {
            Origin::Embedded(embedded) => embedded.dialect,
            Origin::Loaded(_) => self.set().dialect,
        }
    }

    /// How many migrations there are, without reading them.
    pub(crate) fn known(&self) -> usize {
        match &self.origin {
            Origin::Embedded(embedded) => embedded.files.len(),
            Origin::Loaded(_) => self.set().migrations.len(),
        }
    }

    /// Name and version of the program that embeds these migrations, where the compiler told.
    pub(crate) fn program(&self) -> Option<&'static str> {
        match &self.origin {
            Origin::Embedded(embedded) => Some(embedded.program),
            Origin::Loaded(_) => None,
        }
    }

    /// In debug builds: the folder to compare with the list.
    pub(crate) fn watched_dir(&self) -> Option<&'static str> {
        match &self.origin {
            Origin::Embedded(embedded) if embedded.watched => Some(embedded.dir),
            Origin::Embedded(_) | Origin::Loaded(_) => None,
        }
    }
}

impl<DB> Migrations<DB> {
    /// The list that `migrations!` made.
    // The bound stands here, so that an engine whose feature is off is told of in its own words.
    #[doc(hidden)]
    pub const fn __embedded(embedded: Embedded) -> Migrations<DB>
    where
        DB: Engine,
    {
        Migrations {
            origin: Origin::Embedded(embedded),
            set: OnceLock::new(),
            steps: Vec::new(),
            engine: PhantomData,
        }
    }

    /// Stands in for a list that did not compile, so that nothing else is complained about.
    #[doc(hidden)]
    pub const fn __invalid() -> Migrations<DB> {
        Migrations {
            origin: Origin::Loaded(Digest::EMPTY),
            set: OnceLock::new(),
            steps: Vec::new(),
            engine: PhantomData,
        }
    }
}

impl Embedded {
    fn decode(&self) -> Set {
        let files = self.files.iter().zip(self.facts.lines());
        let migrations = files.map(|(text, facts)| {
            let mut migration = Migration::from_facts(facts, &Source::default())
                .expect("the macro and the library are of one version");
            let source = Source::new(format!("{}/{}.sql", self.shown_as, migration.id), *text);
            migration
                .down
                .iter_mut()
                .for_each(|down| down.source = source.clone());
            migration.up.source = source;
            migration
        });
        Set {
            dialect: self.dialect,
            migrations: migrations.collect(),
        }
    }
}

impl<'a, DB: Engine> IntoIterator for &'a Migrations<DB> {
    type Item = &'a Migration;
    type IntoIter = std::slice::Iter<'a, Migration>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl<DB: Engine> std::fmt::Debug for Migrations<DB> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list()
            .entries(self.iter().map(|migration| &migration.id))
            .finish()
    }
}
