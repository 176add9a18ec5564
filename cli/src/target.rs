//! What every command that talks to a database takes.

use std::path::PathBuf;
use std::time::Duration;

use backstitch::{Event, Migrator};
use backstitch_core::Dialect;
use clap::Args;
use clap::builder::{PossibleValuesParser, TypedValueParser};

use crate::config::Config;
use crate::failure::Failure;
use crate::product::Product;
use crate::progress::Progress;

/// Which database is meant, and which migrations.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Database and project")]
pub(crate) struct Target {
    /// The database; without it, what DATABASE_URL says, where others cannot read it
    #[arg(long, visible_alias = "database-url", value_name = "URL")]
    pub(crate) url: Option<String>,
    /// A file of variables, in place of the `.env` of the project
    #[arg(long, value_name = "FILE")]
    pub(crate) env_file: Option<PathBuf>,
    /// What the database is used for, in place of BACKSTITCH_ENV; `production` asks first
    #[arg(long, value_name = "NAME")]
    pub(crate) environment: Option<String>,
    /// The folder of the migrations, or of the project; without it, the project around here
    #[arg(long, value_name = "DIR")]
    pub(crate) dir: Option<PathBuf>,
    /// An options file other than the backstitch.toml of the project
    #[arg(long, value_name = "FILE")]
    pub(crate) options: Option<PathBuf>,
    /// The SQL of the files, in place of what backstitch.toml or the URL says
    #[arg(long, value_parser = engine())]
    pub(crate) engine: Option<Dialect>,
    /// Whose rows of the history are meant, where several crates share a database
    #[arg(long, value_name = "NAME")]
    pub(crate) namespace: Option<String>,
    /// The schema (on MySQL: the database) that holds the history
    #[arg(long, value_name = "NAME")]
    pub(crate) schema: Option<String>,
}

/// How long to wait until nobody else migrates.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Patience")]
pub(crate) struct Turn {
    /// How long to wait for others who migrate [default: 5min]
    #[arg(long, value_name = "TIME", value_parser = duration)]
    pub(crate) lock_wait: Option<Duration>,
}

/// What the library waits where nothing is said.
pub(crate) const LOCK_WAIT: Duration = Duration::from_secs(300);

impl Turn {
    /// As patient as the call says.
    pub(crate) fn apply<'m, DB: Product>(&self, migrator: Migrator<'m, DB>) -> Migrator<'m, DB> {
        match self.lock_wait {
            Some(wait) => migrator.lock_wait(wait),
            None => migrator,
        }
    }

    /// Does something while nobody migrates.
    ///
    /// # Errors
    /// When somebody migrates for too long, or what it fails with itself.
    pub(crate) async fn alone<DB: Product, T: Send>(
        &self,
        migrator: Migrator<'_, DB>,
        config: &Config,
        news: &Progress,
        work: impl Future<Output = Result<T, Failure>> + Send,
    ) -> Result<T, Failure> {
        let seen = news.clone();
        let migrator = self
            .apply(migrator)
            .observer(move |event: Event<'_>| seen.see(event));
        migrator.hold(config.url.as_str(), work).await?
    }
}

/// How patient a run is.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Patience")]
pub(crate) struct Patience {
    #[command(flatten)]
    pub(crate) turn: Turn,
    /// How long a statement may wait for a lock inside the database; `0` is for ever [default: 5s]
    #[arg(long, value_name = "TIME", value_parser = duration)]
    pub(crate) lock_timeout: Option<Duration>,
    /// How long a statement may run; `0` is as long as it needs [default: 0]
    #[arg(long, value_name = "TIME", value_parser = duration)]
    pub(crate) statement_timeout: Option<Duration>,
    /// How often a migration is tried again that met the lock timeout [default: 10]
    #[arg(long, value_name = "N")]
    pub(crate) retries: Option<u32>,
}

pub(crate) fn engine() -> impl TypedValueParser<Value = Dialect> {
    PossibleValuesParser::new(Dialect::ALL.map(Dialect::name))
        .map(|name| Dialect::from_name(&name).expect("one of the possible values"))
}

/// `500ms`, `5s`, `2min`, or seconds.
pub(crate) fn duration(text: &str) -> Result<Duration, String> {
    let digits = text.find(|sign: char| !sign.is_ascii_digit());
    let (number, unit) = text.split_at(digits.unwrap_or(text.len()));
    let milliseconds = match unit.trim() {
        "ms" => 1,
        "s" | "" => 1_000,
        "min" | "m" => 60_000,
        "h" => 3_600_000,
        _ => return Err("write `500ms`, `5s`, `2min` or `1h`".to_owned()),
    };
    let number: u64 = number
        .parse()
        .map_err(|_| "write `500ms`, `5s`, `2min` or `1h`".to_owned())?;
    Ok(Duration::from_millis(number.saturating_mul(milliseconds)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_units() {
        for (text, ms) in [
            ("500ms", 500),
            ("5s", 5_000),
            ("7", 7_000),
            ("2min", 120_000),
        ] {
            assert_eq!(duration(text), Ok(Duration::from_millis(ms)), "{text}");
        }
        for bad in ["", "s", "5 days", "-1", "1.5s"] {
            assert!(duration(bad).is_err(), "{bad}");
        }
    }
}
