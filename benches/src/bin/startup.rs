//! What a start-up with nothing to do costs, as a ratio to a bare query.
//!
//! `cargo run --release --bin startup` with `TEST_POSTGRES_URL` and `TEST_MYSQL_URL` set. For each
//! engine and number of applied migrations the contenders take turns, each on a connection that
//! was just opened, as a service has it; the connection itself is not counted. Medians are
//! compared, not printed alone, because only ratios carry over to another machine.
//!
//! - `bare`: one simple query for the newest row of an indexed table of the same size.
//! - `backstitch`: `Migrations::up` on the same kind of connection.
//! - `sqlx`: `sqlx::migrate::Migrator::run`, the same migrations applied by it.

use std::time::{Duration, Instant};

use backstitch::{Layout, LoadOptions, Migrations};
use backstitch_tests::servers::{Database, Engine};
use sqlx::migrate::Migrator;
use sqlx::{AssertSqlSafe, Connection};

const SIZES: [usize; 2] = [10, 10_000];
const ROUNDS: usize = 101;

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    println!("| engine | applied | bare | backstitch | sqlx |");
    println!("|---|---|---|---|---|");
    for size in SIZES {
        postgres(size).await?;
        mysql(size).await?;
    }
    Ok(())
}

macro_rules! bench {
    ($name:ident, $engine:ident, $db:ident, $connection:ident, $quote:literal) => {
        async fn $name(size: usize) -> Result<()> {
            let Some(database) = Database::create(Engine::$engine) else {
                return Ok(());
            };
            let folder = folder(size)?;
            let options = LoadOptions {
                layout: Layout::UpDown,
                ..LoadOptions::default()
            };
            let migrations = Migrations::<sqlx::$db>::load(folder.path(), options)?;
            let peer = Migrator::new(folder.path()).await?;
            let url = database.url();
            migrations.up(url).await?;
            let mut setup = sqlx::$connection::connect(url).await?;
            peer.run(&mut setup).await?;
            let bare = concat!(
                "SELECT state, digest, layout FROM ",
                $quote,
                "__migrations__",
                $quote,
                " WHERE namespace = '' ORDER BY seq DESC LIMIT 1"
            );
            sqlx::raw_sql(AssertSqlSafe(
                concat!("ANALYZE ", $quote, "__migrations__", $quote)
                    .replace("ANALYZE `", "ANALYZE TABLE `"),
            ))
            .execute(&mut setup)
            .await?;
            let mut times: [Vec<Duration>; 3] = Default::default();
            for round in 0..ROUNDS {
                for turn in 0..3 {
                    let contender = (turn + round) % 3;
                    let mut connection = sqlx::$connection::connect(url).await?;
                    let began = Instant::now();
                    match contender {
                        0 => drop(sqlx::raw_sql(bare).fetch_optional(&mut connection).await?),
                        1 => drop(migrations.up(&mut connection).await?),
                        _ => peer.run(&mut connection).await?,
                    }
                    times[contender].push(began.elapsed());
                    connection.close().await?;
                }
            }
            let [bare, ours, sqlx] = times.map(median);
            let ratio = |time: Duration| time.as_secs_f64() / bare.as_secs_f64();
            println!(
                "| {} | {size} | 1.00 ({bare:.0?}) | {:.2} | {:.2} |",
                stringify!($engine),
                ratio(ours),
                ratio(sqlx)
            );
            Ok(())
        }
    };
}

bench!(postgres, Postgres, Postgres, PgConnection, "\"");
bench!(mysql, MariaDb, MySql, MySqlConnection, "`");

/// Migrations that both tools read, cheap to apply: the schema is not what is measured.
fn folder(size: usize) -> Result<tempfile::TempDir> {
    let folder = tempfile::tempdir()?;
    for number in 1..=size {
        let stem = folder.path().join(format!("{number:05}_m"));
        std::fs::write(stem.with_extension("up.sql"), format!("SELECT {number}"))?;
        std::fs::write(stem.with_extension("down.sql"), format!("SELECT -{number}"))?;
    }
    Ok(folder)
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times[times.len() / 2]
}
