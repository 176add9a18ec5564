//! `backstitch ping`: whether the database answers, and how fast.

use std::time::{Duration, Instant};

use clap::Args;
use serde_json::json;
use sqlx::Connection;

use crate::exit::Exit;
use crate::failure::Failure;
use crate::online::{Online, Work};
use crate::product::{self, Product};
use crate::target::Target;
use crate::when;

/// The arguments of `ping`.
#[derive(Clone, Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Ping {
    #[command(flatten)]
    target: Target,
    /// For programs: see JSON.md of this crate
    #[arg(long)]
    json: bool,
}

const EXAMPLES: &str = "\
Examples:
  backstitch ping                                  the database of DATABASE_URL
  backstitch ping --url sqlite:data/todo.db        another one
  until backstitch ping; do sleep 1; done          wait for a server that is starting

Exit codes:
  0 it answers   1 it does not";

impl Online for Ping {
    fn target(&self) -> &Target {
        &self.target
    }

    async fn run<DB: Product>(&self, work: &mut Work<'_, DB>) -> Result<Exit, Failure> {
        let place = work.place()?;
        let began = Instant::now();
        let mut connection = work.connect().await?;
        let connected = began.elapsed();
        let answered = fastest::<DB>(&mut connection).await?;
        // It has served.
        let _ = connection.close().await;
        // It answers, also whom it does not let read the history.
        let status = work.migrator().status(work.config.url.as_str()).await.ok();
        let server = status.as_ref().and_then(|status| status.server.as_deref());
        let server = server.map(DB::server);
        let server = server.unwrap_or_else(|| DB::PRODUCT.to_owned());
        let ms = |time: Duration| (time.as_secs_f64() * 10_000.0).round() / 10.0;
        let text = match self.json {
            true => format!(
                "{:#}\n",
                json!({
                    "server": server,
                    "database": place.database,
                    "host": place.host,
                    "connect_ms": ms(connected),
                    "round_trip_ms": ms(answered),
                    "applied": status.map(|status| status.history.len()),
                })
            ),
            false => format!(
                "{server} answers: {}{}, connected in {}, one round trip takes {}\n",
                place.database,
                place
                    .host
                    .map(|host| format!(" on {host}"))
                    .unwrap_or_default(),
                when::lasted(connected),
                when::lasted(answered),
            ),
        };
        work.screen.print(&text);
        Ok(Exit::Done)
    }
}

async fn fastest<DB: Product>(connection: &mut DB::Connection) -> Result<Duration, Failure> {
    let mut fastest = Duration::MAX;
    for _ in 0..5 {
        let began = Instant::now();
        let answer = DB::ask(connection, "SELECT 1").await;
        answer.map_err(|error| product::refused::<DB>("the database does not answer", &error))?;
        fastest = fastest.min(began.elapsed());
    }
    Ok(fastest)
}
