//! Leases: what is contained by us ([`Holding`]), for how long, and what ending it takes ([`compare`]). Pure: time, findings
//! and what is there are passed in, in the order in which they are on record.
//!
//! A lease is desired state: a target stays contained while any lease on it lives. A lease's end restores nothing where that
//! would give an attacker back what it had; then it is prolonged once, and after that a person decides.

mod holding;
mod undo;

pub use holding::{Begin, Condition, Conditions, Effect, Holding, Lease, Notice, Settlement, Standing, Target};
pub use undo::{Undo, compare};
