//! Database migrations that are checked while your service compiles, and applied when it starts.
//!
//! [`migrations!`] reads annotated SQL files at compile time; what compiles is a static, ordered
//! list, [`Migrations`]. Its verbs run on sqlx: [`up`](Migrations::up) at start-up, in one round
//! trip when there is nothing to do, [`down`](Migrations::down) by the way back that the database
//! itself holds, and [`plan`](Migrations::plan), [`status`](Migrations::status) and
//! [`wait`](Migrations::wait), which only look. [`repair`](Migrator::repair) puts the history right
//! where it does not say what the database holds.
//!
//! Each engine is a feature: `postgres`, `sqlite`, `mysql` (for MariaDB too).
//!
//! The modules in the order in which a run goes through them:

mod additive;
mod adopt;
mod apply;
mod backup;
mod check;
mod connect;
mod engine;
pub mod engines;
mod error;
mod execute;
mod fleet;
mod history;
mod lease;
mod lock;
mod message;
mod migrations;
mod migrator;
mod observe;
mod place;
mod plan;
mod probe;
mod rehearse;
mod repair;
mod report;
mod risk;
mod rollback;
mod session;
mod step;
mod verify;
mod watch;
mod words;

pub mod testing;

pub use backstitch_core as core;
pub use backstitch_core::dir::Layout;
pub use backstitch_macros::migrations;

pub use adopt::{Adopt, Adopted, Adoption, Basis, Tool};
pub use backup::Occasion;
pub use connect::Connect;
pub use engine::Engine;
pub use error::{Error, ErrorKind};
pub use fleet::{Fleet, FleetReport, Outcome, TenantReport};
pub use history::record::{History, Repaired, Rollback};
pub use history::{Row, State};
pub use lease::Lock;
pub use migrations::{LoadOptions, Migrations};
pub use migrator::{Migrator, Mode};
pub use observe::{Event, Observer};
pub use plan::{Action, Down, OtherTool, OutOfOrder, Plan, Step, Unknown};
pub use rehearse::{
    Blocks, LeftOut, Rehearsal, Rehearsed, RehearsedStatement, RehearsedStep, TableLock,
};
pub use repair::Repair;
pub use report::{Direction, Done, Report, Status};
pub use risk::{Count, Level, Reason, Risk, StepRisk};
pub use step::StepFn;
pub use verify::{Drift, Drifted, NotCompared, ToldBy, Verification, Verify};

/// What `migrations!` writes into the program. Not for anybody else.
#[doc(hidden)]
pub mod __private {
    pub use crate::migrations::Embedded;
    pub use backstitch_core::Dialect;
}
