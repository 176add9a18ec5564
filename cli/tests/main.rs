//! The program as people call it: screen by screen, on every engine, and on a terminal.

mod alone;
mod backups;
#[cfg(unix)]
mod bar;
mod contract;
mod copies;
#[cfg(unix)]
mod examples;
mod exits;
mod moves;
mod optimize;
mod program;
mod readme;
#[cfg(unix)]
mod rights;
mod session;
mod sessions;
mod settings;
#[cfg(unix)]
mod terminal;
#[cfg(unix)]
mod tls;
