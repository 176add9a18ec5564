//! The command line of backstitch.
//!
//! The only crate that prints, reads the environment and picks exit codes. What is printed is found
//! out by `backstitch_core`; nothing here reads SQL.
//!
//! The modules in the order in which a call passes through them:

pub mod program;

pub mod command;

pub mod check;
pub mod explain;

pub mod exit;
mod format;
mod markdown;
mod page;
mod project;
mod report;
mod screen;

pub use command::Command;
pub use exit::Exit;
pub use screen::Screen;
