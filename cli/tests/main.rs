//! The program as people call it: screen by screen, on every engine, and on a terminal.

mod backups;
mod moves;
mod program;
mod session;
mod sessions;
mod settings;
#[cfg(unix)]
mod terminal;
