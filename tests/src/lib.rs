//! What the tests of more than one crate stand on: databases, a proxy that counts, processes.
//!
//! Nothing in here knows backstitch; what it promises is tested in `tests/engines` against real
//! servers. `tests/run` starts these servers; without them the tests say what they left out.

pub mod agreement;
pub mod announce;
pub mod corpus;
pub mod differ;
pub mod generate;
pub mod grammar;
pub mod length;
pub mod mutation;
#[cfg(unix)]
pub mod own;
pub mod process;
pub mod project;
pub mod proxy;
pub mod servers;
pub mod syntax;
pub mod url;
mod wire;
