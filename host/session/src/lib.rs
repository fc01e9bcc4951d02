//! Judges inputs in one order, decides, and commits what came of them.

pub mod chunk;
pub mod events;
mod horizon;
mod ledger;
pub mod report;
pub mod run;
pub mod sequence;

pub use report::{DecisionLine, FindingLine, Notice, Observer, Report, Summary};
pub use run::{RunError, RunOptions, run, tick_times};
