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
#[path = "../tests/unit/testing.rs"]
mod testing;
mod timers;
mod turn;
mod validate;

pub use clock::{Clock, LATENESS, Placement, SILENCE, TICK_EVENTS, Tick};
pub use columns::{Schema, build_batch, index_keys, value_at, value_column};
pub use context::{ContextCall, ContextSource, NoContext};
pub use filter::{Router, Tally, holds, matches};
pub use keys::partition_key;
pub use outcome::{Bundle, Disagreement, Found, Outcome, RowDiagnostic, RowFailure};
pub use quarantine::{Quarantine, QuarantineThreshold};
pub use rule::RuleStream;
pub use state::Forgotten;
pub use subject::evidence_role;
pub use timers::Due;
pub use turn::{FindingTurn, TimerTurn, Turn};

use std::sync::{Arc, OnceLock};

use countersign_model::{Event, RuleId, Timestamp};

/// A row as rules get it: an event with its place in the stream, and why it comes. An event comes by itself to any rule
/// that wants it; once more to a rule that set a timer on it, and to those that subscribe to what was found on it.
#[derive(Clone, Debug)]
pub struct Sequenced {
    /// Ordinal among all events sequenced, from 0; of a timer, that of the event which brought the tick.
    pub position: u64,
    /// The event that the row shows.
    pub event: Arc<Event>,
    /// The watermark of its source when it was sequenced, or the least of all sources if that had gone further; of a
    /// timer, the tick's time.
    pub watermark: Timestamp,
    /// The gate's clock when it was sequenced; of a timer, at the event which brought the tick.
    pub clock: Timestamp,
    /// Whether it is an event older than the watermark.
    pub late: bool,
    /// Why it comes.
    pub turn: Turn,
    /// Stands for the event in references; made for the first rule that is shown it, as most events concern none.
    seed: OnceLock<u64>,
}

impl Sequenced {
    /// At a place in the stream.
    #[must_use]
    pub fn new(position: u64, event: Arc<Event>, placement: Placement) -> Sequenced {
        Sequenced {
            position,
            event,
            watermark: placement.watermark,
            clock: placement.clock,
            late: placement.late,
            turn: Turn::Event,
            seed: OnceLock::new(),
        }
    }

    /// What stands for the row's event where a rule is shown it, under the rule's own key.
    #[must_use]
    pub fn reference(&self, rule: &RuleId, key: Option<&str>) -> u64 {
        let key = key.map_or(reference::NO_KEY_SEED, reference::key_seed);
        reference::reference(reference::rule_seed(rule), key, self.seed())
    }

    pub(crate) fn seed(&self) -> u64 {
        *self.seed.get_or_init(|| reference::event_seed(&self.event))
    }
}
