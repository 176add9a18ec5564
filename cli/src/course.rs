//! A run from its begin to its end, or to the Ctrl-C that ends it.

use std::future::Future;
use std::str::FromStr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use backstitch::{Error, Report, State};
use backstitch_core::Diagnostic;
use sqlx::pool::PoolOptions;
use sqlx::{ConnectOptions, Connection, Pool};

use crate::failure::Failure;
use crate::online::Work;
use crate::product::{self, Product};
use crate::progress::{NEWS, Progress};

/// So long the server may take to end what was broken off.
const PATIENCE: Duration = Duration::from_secs(30);

/// How a run ended.
pub(crate) enum Ending {
    /// As the library tells.
    Run(Result<Report, Error>),
    /// Somebody wanted it to stop.
    Interrupted,
}

/// The way to the database of a run, by which it can be broken off.
pub(crate) struct Line<DB: Product> {
    pub(crate) pool: Pool<DB>,
    number: Arc<Mutex<Option<String>>>,
    stop: Arc<AtomicBool>,
}

impl<DB: Product> Line<DB> {
    /// Opens nothing yet.
    ///
    /// # Errors
    /// When the URL is none.
    pub(crate) fn new(url: &str) -> Result<Line<DB>, Failure> {
        let options = <<DB::Connection as Connection>::Options as FromStr>::from_str(url);
        let Ok(options) = options else {
            return Err(Failure::usage(product::not_a_url(DB::PRODUCT)));
        };
        let number = Arc::new(Mutex::new(None));
        let stop = Arc::new(AtomicBool::new(false));
        let (noted, stopped) = (Arc::clone(&number), Arc::clone(&stop));
        let pool = PoolOptions::<DB>::new()
            .max_connections(1)
            .test_before_acquire(false)
            .after_connect(move |connection, _| {
                let (noted, stopped) = (Arc::clone(&noted), Arc::clone(&stopped));
                Box::pin(async move {
                    let number = DB::leash(connection, stopped).await?;
                    *lock(&noted) = Some(number);
                    Ok(())
                })
            })
            .connect_lazy_with(options.disable_statement_logging());
        Ok(Line { pool, number, stop })
    }

    /// Waits for the run, or for Ctrl-C; then nothing of the run is at work any more.
    pub(crate) async fn follow(
        &self,
        work: &Work<'_, DB>,
        progress: &Progress,
        run: impl Future<Output = Result<Report, Error>>,
    ) -> Ending {
        let ending = {
            // Dropped at the end of this block, and with it the connection.
            let run = std::pin::pin!(run);
            let news = async {
                loop {
                    tokio::time::sleep(NEWS).await;
                    progress.news();
                }
            };
            tokio::select! {
                result = run => Ending::Run(result),
                () = stop() => {
                    self.stop.store(true, Ordering::Relaxed);
                    Ending::Interrupted
                }
                () = news => unreachable!("it goes on for ever"),
            }
        };
        progress.end();
        if let Ending::Interrupted = ending {
            tokio::select! {
                () = self.clear_up(work) => {}
                // Who asks twice does not want to wait.
                () = stop() => {}
            }
        }
        ending
    }

    /// Ends what the server is still doing for us.
    async fn clear_up(&self, work: &Work<'_, DB>) {
        self.pool.close().await;
        let Some(number) = lock(&self.number).clone() else {
            return;
        };
        let began = Instant::now();
        let Ok(mut connection) = work.connect().await else {
            return;
        };
        while began.elapsed() < PATIENCE {
            match DB::end(&mut connection, &number).await {
                Ok(true) | Err(_) => break,
                Ok(false) => tokio::time::sleep(Duration::from_millis(100)).await,
            }
        }
        // It has served.
        let _ = connection.close().await;
    }
}

/// What an interrupted run has left behind.
pub(crate) async fn interrupted<DB: Product>(
    work: &Work<'_, DB>,
    ids: &[String],
    down: bool,
) -> Failure {
    let message = "interrupted";
    let status = match work.migrator().status(work.config.url.as_str()).await {
        Ok(status) => status,
        Err(error) => {
            let mut failure = Failure::from(error);
            failure
                .diagnostics
                .insert(0, Diagnostic::error("interrupted", message));
            return failure;
        }
    };
    let state = |id: &String| status.history.iter().find(|row| row.id == *id);
    let is_done = |id: &&String| match (state(id), down) {
        (row, true) => row.is_none(),
        (row, false) => row.is_some_and(|row| row.state == State::Applied),
    };
    let is_half = |id: &&String| {
        state(id).is_some_and(|row| row.state != State::Applied && row.statements_done > 0)
    };
    let done: Vec<&str> = ids.iter().filter(is_done).map(String::as_str).collect();
    let half = ids.iter().find(is_half);
    let rest: Vec<&str> = ids
        .iter()
        .filter(|id| !is_done(id) && !is_half(id))
        .map(String::as_str)
        .collect();
    let verb = if down { "taken back" } else { "applied" };
    let mut why = Vec::new();
    if !done.is_empty() {
        why.push(format!("Done, and stays so: {} {verb}.", done.join(", ")));
    }
    if let Some((id, row)) = half.and_then(|id| Some((id, state(id)?))) {
        why.push(format!(
            "`{id}` stopped in the middle: {} of {} statements have run.",
            row.statements_done, row.statements
        ));
    }
    if let (Some(first), None) = (rest.first(), half) {
        why.push(format!(
            "Nothing of `{first}` has happened, nor of what comes after it."
        ));
    }
    let help = match half {
        Some(_) => "See how it stands:\nbackstitch status",
        None => "The state is clean. To go on, give the same command again.",
    };
    let diagnostic = Diagnostic::error("interrupted", message);
    Failure::failed(diagnostic.why(why.join("\n")).help(help))
}

/// Ctrl-C, or whatever else asks the program to end.
async fn stop() {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};

        if let Ok(mut terminate) = signal(SignalKind::terminate()) {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = tokio::signal::ctrl_c() => {}
            }
            return;
        }
    }
    let _ = tokio::signal::ctrl_c().await;
}

fn lock(number: &Mutex<Option<String>>) -> std::sync::MutexGuard<'_, Option<String>> {
    number
        .lock()
        .unwrap_or_else(|panicked| panicked.into_inner())
}
