//! Judges inputs in one order, decides, and commits what came of them.
//!
//! A [`Session`] is resumed from a store, takes [`Input`]s, and commits chunk by chunk; it may end anywhere, and another
//! goes on. [`replay()`] is a session over inputs that end. Inputs get their turn in `sequence`, rules judge them in
//! `chunk`, `ledger` writes what happened in total order, `memory` and `resume` are what outlives a session.

mod activity;
pub mod chunk;
mod error;
mod figures;
mod horizon;
mod input;
mod kept;
mod ledger;
mod memory;
mod replay;
pub mod report;
mod resume;
pub mod sequence;
mod session;
mod stored;

pub use activity::{ActivityDay, CallerCount, activity};
pub use countersign_gate::VERSION as GATE_VERSION;
pub use error::SessionError;
pub use figures::{Figures, RuleFigures};
pub use horizon::Fingerprint;
pub use input::{Arrival, Input, Swap};
pub use kept::{KeptRules, copy_rules, copy_session};
pub use replay::{Replay, replay, run};
pub use report::{DecisionLine, FindingLine, Line, Notice, Observer, Report, Summary};
pub use resume::Standing;
pub use session::{Session, SessionOptions};
pub use stored::{StoredRule, stored_rules};
