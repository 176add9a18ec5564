//! The words for what statements do.

mod alter;
mod data;
mod object;
mod table;

pub use alter::*;
pub use data::*;
pub use object::*;
pub use table::*;
