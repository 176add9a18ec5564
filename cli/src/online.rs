//! Commands that talk to a database: what they work with, whichever way they were called.
//!
//! A program of its own reads the folder at run time, a service brings its migrations along. Both
//! end in the same [`Online::run`].

use std::future::Future;

use backstitch::engines::{MySql, Postgres, Sqlite};
use backstitch::{Engine, LoadOptions, Migrations, Migrator};
use backstitch_core::{Diagnostic, Dialect};
use sqlx::Connection;

use crate::ask::{self, Asked};
use crate::config::Config;
use crate::exit::Exit;
use crate::failure::{Failure, settle};
use crate::product::{self, Place, Product};
use crate::screen::Screen;
use crate::target::Target;

/// A command that talks to a database.
pub(crate) trait Online {
    /// Which database and which migrations.
    fn target(&self) -> &Target;

    /// Does it.
    fn run<DB: Product>(
        &self,
        work: &mut Work<'_, DB>,
    ) -> impl Future<Output = Result<Exit, Failure>>;
}

/// What a command works with.
pub(crate) struct Work<'w, DB: Product> {
    pub(crate) migrations: &'w Migrations<DB>,
    pub(crate) config: &'w Config,
    pub(crate) screen: &'w mut Screen,
}

impl<'w, DB: Product> Work<'w, DB> {
    /// Everything that can be set about a run, as far as it is the same for all commands.
    pub(crate) fn migrator(&self) -> Migrator<'w, DB> {
        let mut migrator = self.migrations.migrator();
        if let Some(namespace) = &self.config.namespace {
            migrator = migrator.namespace(namespace);
        }
        if let Some(schema) = &self.config.schema {
            migrator = migrator.schema(schema);
        }
        migrator
    }

    /// Goes on where that is wanted.
    ///
    /// # Errors
    /// When it is not, or nobody is there to say so.
    pub(crate) fn confirm(&mut self, asked: Asked, what: &str, yes: bool) -> Result<(), Failure> {
        ask::confirm(self.config, self.screen, asked, what, yes)
    }

    /// Where the database is.
    ///
    /// # Errors
    /// When the URL is none.
    pub(crate) fn place(&self) -> Result<Place, Failure> {
        let url = self.config.url.as_str();
        // What reads URLs is lenient, and takes the password for something else.
        let place = DB::is_url(url).then(|| DB::place(url)).flatten();
        place.ok_or_else(|| Failure::usage(product::not_a_url(DB::PRODUCT)))
    }

    /// A connection of our own.
    ///
    /// # Errors
    /// When the database cannot be reached.
    pub(crate) async fn connect(&self) -> Result<DB::Connection, Failure> {
        product::connect::<DB>(&self.config.url).await
    }
}

/// Runs a command on the migrations of a folder.
pub(crate) fn on_folder(command: &impl Online, screen: &mut Screen) -> Exit {
    let outcome = Config::of_folder(command.target()).and_then(|config| {
        if speaks::<Postgres>(config.dialect) {
            load_and_run::<Postgres>(command, config, screen)
        } else if speaks::<Sqlite>(config.dialect) {
            load_and_run::<Sqlite>(command, config, screen)
        } else {
            load_and_run::<MySql>(command, config, screen)
        }
    });
    settle(outcome, screen)
}

/// Runs a command on the migrations that a program brings along.
pub(crate) fn on_program<DB: Product>(
    command: &impl Online,
    migrations: &Migrations<DB>,
    screen: &mut Screen,
) -> Exit {
    let config = Config::of_program(command.target(), migrations.set().dialect);
    let outcome = config.and_then(|config| {
        let mut work = Work {
            migrations,
            config: &config,
            screen,
        };
        start(command, &mut work)
    });
    settle(outcome, screen)
}

fn speaks<DB: Engine>(dialect: Dialect) -> bool {
    DB::speaks(dialect)
}

fn load_and_run<DB: Product>(
    command: &impl Online,
    config: Config,
    screen: &mut Screen,
) -> Result<Exit, Failure> {
    let config = &as_the_server_says::<DB>(config, screen)?;
    let options = LoadOptions {
        dialect: Some(config.dialect),
        ..LoadOptions::default()
    };
    let migrations = Migrations::<DB>::load(&config.shown_as, options)?;
    let mut work = Work {
        migrations: &migrations,
        config,
        screen,
    };
    start(command, &mut work)
}

/// Where one driver speaks to several engines, the server decides how files are read of which nobody
/// says what they are written in.
fn as_the_server_says<DB: Product>(
    mut config: Config,
    screen: &mut Screen,
) -> Result<Config, Failure> {
    if !config.dialect.has_sibling() || !DB::is_url(&config.url) {
        return Ok(config);
    }
    let version = block_on(async {
        let mut connection = product::connect::<DB>(&config.url).await?;
        let rows = DB::ask(&mut connection, "SELECT VERSION()").await;
        // It has served.
        let _ = connection.close().await;
        rows.map_err(|error| product::refused::<DB>("cannot ask the server what it is", &error))
    })?;
    let version = version.into_iter().flatten().next().flatten();
    let found = config.dialect.of_server(&version.unwrap_or_default());
    if config.dialect_is_said && found != config.dialect {
        screen.complain(&[other_engine(config.dialect, found)]);
        return Ok(config);
    }
    config.dialect = found;
    Ok(config)
}

fn other_engine(read_as: Dialect, server: Dialect) -> Diagnostic {
    let (files, title) = (read_as.title(), server.title());
    let message = format!("the migrations are read as {files}, and the server is {title}");
    Diagnostic::warn("engine-differs", message)
        .why("The two have grown apart: some statements of one are none of the other.")
        .help(format!(
            "If this is the server that they are for, say so in backstitch.toml:\nengine = \"{}\"",
            server.name()
        ))
}

fn start<DB: Product>(command: &impl Online, work: &mut Work<'_, DB>) -> Result<Exit, Failure> {
    work.place()?;
    block_on(command.run(work))
}

/// Waits on this thread, which nothing else needs meanwhile.
fn block_on<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime can be made where threads can")
        .block_on(work)
}
