//! From events to findings: which events reach a rule, as which columns, with which state; what happens when a call
//! fails; which rules are no longer believed. Rules are called through [`countersign_model::call::Detector`]: this
//! crate knows no wasmtime, and does no I/O.

mod clock;
mod columns;
mod context;
mod filter;
mod isolate;
mod keys;
mod outcome;
mod quarantine;
mod reference;
mod rule;
mod shown;
mod state;
mod subject;
#[cfg(test)]
mod testing;
mod validate;

pub use clock::{Clock, LATENESS, Placement, SILENCE, TICK_EVENTS, Tick};
pub use columns::{Schema, build_batch, index_keys, value_column};
pub use context::{ContextCall, ContextSource, NoContext};
pub use filter::{Router, Tally, matches};
pub use keys::partition_key;
pub use outcome::{Bundle, Disagreement, Found, Outcome, RowDiagnostic, RowFailure};
pub use quarantine::{Quarantine, QuarantineThreshold};
pub use rule::RuleStream;
pub use state::Forgotten;
pub use subject::evidence_role;

use std::sync::Arc;

use countersign_model::{Event, Timestamp};

/// An event with its place in the stream.
#[derive(Clone, Debug)]
pub struct Sequenced {
    /// Ordinal among all events sequenced, from 0.
    pub position: u64,
    /// The event.
    pub event: Arc<Event>,
    /// The watermark of its source when it was sequenced, or the least of all sources if that had gone further.
    pub watermark: Timestamp,
    /// The gate's clock when it was sequenced.
    pub clock: Timestamp,
    /// Whether it is older than the watermark.
    pub late: bool,
    /// Stands for the event in references.
    pub(crate) seed: u64,
}

impl Sequenced {
    /// At a place in the stream.
    #[must_use]
    pub fn new(position: u64, event: Arc<Event>, placement: Placement) -> Sequenced {
        let seed = reference::event_seed(&event);
        Sequenced {
            position,
            event,
            watermark: placement.watermark,
            clock: placement.clock,
            late: placement.late,
            seed,
        }
    }
}
