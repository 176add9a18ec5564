//! Faults, in earnest: processes are killed, connections cut, servers restarted and disks filled
//! in the middle of a run, and afterwards nothing is lost, doubled or locked.
//!
//! Each file is a family of faults. `tests/run` goes through all of them in a short form, `tests/run
//! --long` more often; `tests/faults.md` lists what was tried and what came of it.

#[path = "../engines/ground.rs"]
#[allow(dead_code, reason = "the scenarios of the engines need more of it")]
mod ground;

mod course;

use backstitch_tests::{length, own};

mod kill;

mod every_message;
mod every_step;

mod await_points;
mod clock;
mod full;
mod restart;
mod rights;
mod sight;

mod crowd;
mod galera;
mod standby;
mod two_locks;

mod history;
mod hostile;
