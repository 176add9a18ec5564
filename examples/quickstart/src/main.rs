//! A to-do service that brings its database up to date when it starts.
//!
//! The migrations are compiled in. `sqlite.rs` and `postgres.rs` hold one engine each: a service
//! that has decided keeps one of them and drops the enum in `database.rs`.

mod database;
mod http;
mod postgres;
mod sqlite;

use std::error::Error;
use std::net::Ipv4Addr;
use std::process::ExitCode;

use backstitch::Report;
use clap::Parser;
use tokio::net::TcpListener;
use tracing_subscriber::EnvFilter;

use database::Database;

/// A to-do service that brings its database up to date when it starts.
#[derive(Parser)]
struct Arguments {
    /// Bring the database up to date, then end.
    #[arg(long)]
    once: bool,
    /// A `sqlite:` or a `postgres:` URL.
    #[arg(long, env, hide_env_values = true, default_value = "sqlite:todo.db")]
    database_url: String,
    /// Where to listen on this machine; 0 takes any port that is free.
    #[arg(long, env, default_value_t = 3000)]
    port: u16,
}

#[tokio::main]
async fn main() -> ExitCode {
    // RUST_LOG=info shows each migration as it is applied, RUST_LOG=debug each statement.
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("warn"));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .init();
    match run(Arguments::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(arguments: Arguments) -> Result<(), Box<dyn Error>> {
    let database = Database::open(&arguments.database_url)?;
    bring_up_to_date(&database).await?;
    if !arguments.once {
        serve(database.clone(), arguments.port).await?;
    }
    database.close().await;
    Ok(())
}

async fn bring_up_to_date(database: &Database) -> Result<(), backstitch::Error> {
    let result = database.migrate().await;
    match &result {
        Ok(report) => {
            tell_done(report);
            println!("{report}");
        }
        // What was done before stays done.
        Err(error) => tell_done(error.report()),
    }
    result.map(drop)
}

async fn serve(database: Database, port: u16) -> Result<(), Box<dyn Error>> {
    database.make_inbox().await?;
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port))
        .await
        .map_err(|error| format!("cannot listen on port {port}: {error}"))?;
    println!("listening on http://{}", listener.local_addr()?);
    axum::serve(listener, http::router(database))
        .with_graceful_shutdown(asked_to_stop())
        .await?;
    println!("stopped");
    Ok(())
}

fn tell_done(report: &Report) {
    for done in &report.done {
        let ms = done.elapsed.as_secs_f64() * 1000.0;
        println!("applied {:<24} {ms:>7.1} ms  {}", done.id, done.name);
    }
}

/// Ctrl-C, or what a container sends.
async fn asked_to_stop() {
    let interrupt = tokio::signal::ctrl_c();
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        let mut terminate = signal(SignalKind::terminate()).expect("a handler can be installed");
        tokio::select! {
            _ = interrupt => {}
            _ = terminate.recv() => {}
        }
    }
    #[cfg(not(unix))]
    let _ = interrupt.await;
}
