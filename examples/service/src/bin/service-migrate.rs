//! A program of its own for the image that migrates before the service is deployed.

use std::process::ExitCode;

fn main() -> ExitCode {
    let url = service::database_url();
    if url.starts_with("postgres") {
        backstitch_cli::main(&service::POSTGRES)
    } else if url.starts_with("sqlite") {
        backstitch_cli::main(&service::SQLITE)
    } else {
        backstitch_cli::main(&service::MARIADB)
    }
}
