//! A service with a command line: `service serve`, `service migrate up`.

use std::process::ExitCode;

use clap::Parser;

#[derive(Parser)]
enum Service {
    /// Brings the database up to date, then works
    Serve,
    /// Looks after the database
    #[command(subcommand)]
    Migrate(backstitch_cli::Command),
}

#[tokio::main]
async fn main() -> ExitCode {
    match Service::parse() {
        Service::Migrate(command) => service::migrate(&command),
        Service::Serve => match serve().await {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                eprintln!("{error}");
                ExitCode::FAILURE
            }
        },
    }
}

async fn serve() -> Result<(), backstitch::Error> {
    let url = service::database_url();
    let report = if url.starts_with("postgres") {
        service::POSTGRES.up(url.as_str()).await?
    } else if url.starts_with("sqlite") {
        service::SQLITE.up(url.as_str()).await?
    } else {
        service::MARIADB.up(url.as_str()).await?
    };
    println!("{report}");
    Ok(())
}
