//! The engines, in earnest: what is promised is tested on each of them.
//!
//! First the ground that the other tests stand on.

mod proxy;
mod servers;
