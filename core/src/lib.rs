//! Reads annotated SQL migrations: text in, facts and diagnostics out.
//!
//! No async, no database, no terminal. The macro, the runtime and the command line all read
//! migrations through this crate, so that what compiles is what runs.
//!
//! The modules in the order in which a file passes through them:

pub mod annotation;
#[cfg(feature = "model")]
pub mod change;
pub mod checksum;
pub mod diagnostic;
pub mod dialect;
pub mod dir;
pub mod external;
#[cfg(feature = "model")]
pub mod facts;
pub mod lex;
pub mod lockfile;
pub mod migration;
pub mod options;
pub mod page;
#[cfg(feature = "model")]
pub mod proof;
pub mod render;
#[cfg(feature = "model")]
pub mod replay;
#[cfg(feature = "model")]
pub mod report;
pub mod resume;
#[cfg(feature = "model")]
pub mod rule;
#[cfg(feature = "model")]
mod rules;
#[cfg(feature = "model")]
pub mod schema;
pub mod set;
pub mod source;
pub mod split;
#[cfg(feature = "sqlite")]
pub mod sqlite;
pub mod statement;

pub use diagnostic::{Diagnostic, Severity};
pub use dialect::Dialect;
pub use migration::Migration;
pub use set::Set;
