//! The engines, in earnest: what is promised is tested on each of them.
//!
//! First the ground that the other tests stand on, then the scenarios in the order in which
//! somebody who adopts the library would ask.

mod ground;
mod proxy;
mod servers;

mod adopt;
mod blocked;
mod checks;
mod drift;
mod errors;
mod few_messages;
mod fleet;
mod isolation;
mod lease;
mod loading;
mod locks;
mod many_at_once;
mod mode_all;
mod outside;
mod patience;
mod policies;
mod rehearse;
mod repair;
mod resume;
mod risk;
mod round_trip;
mod secrets;
mod sqlite;
mod steps;
mod telling;
mod two_locks;
mod unadopted;
mod verify;
