//! From events to findings: which events reach a rule, as which columns, with which state; what happens when a call
//! fails; with which rows a rule isn't called for a while. Rules are called through [`countersign_model::call::Detector`]: this crate
//! knows no wasmtime, and does no I/O.

mod carry;
mod citable;
mod clock;
mod columns;
mod context;
mod fair;
mod filter;
mod holds;
mod isolate;
mod keys;
mod occasion;
mod origin;
mod outcome;
mod own;
mod parked;
mod quarantine;
mod reference;
mod rule;
mod sample;
mod spent;
mod state;
mod subject;
#[cfg(test)]
#[path = "../tests/unit/testing.rs"]
mod testing;
mod timers;
mod validate;
mod window;

pub use carry::{Adopted, Carried, KeptChanges, Migrated};
pub use clock::{Claim, Clock, Placement, Plan, TICK_EVENTS, Tick};
pub use columns::{Schema, build_batch, index_keys, value_at, value_column};
pub use context::{ContextCall, ContextSource, NoContext};
pub use filter::{Router, Tally, holds, matches};
pub use holds::{BegunHold, Count, CountKey, HELD_FOR, HoldCause, Holds, PARTY_HELD_FOR, is_held, take_ended};
pub use keys::{network, partition_key};
pub use occasion::{DeliveredFinding, DueTimer, OrderedOccasion};
pub use outcome::{Bundle, BundledFinding, Disagreement, Outcome, RowDiagnostic, RowFailure, RowHold};
pub use own::LINE_SLOT;
pub use parked::Charges;
pub use quarantine::{QuarantineThreshold, Sighting};
pub use rule::RuleStream;
pub use spent::{Spending, Spent};
pub use state::Forgotten;
pub use subject::evidence_role;
pub use window::Step;

use std::sync::{Arc, OnceLock};

use countersign_model::{Event, RuleId, Timestamp};

/// A row as rules get it: an event with its place in the stream, and why it comes. An event comes once by itself to every
/// rule that wants it; again to a rule that set a timer on it, and to rules that subscribe to findings on it.
#[derive(Clone, Debug)]
pub struct Sequenced {
    /// Ordinal among all events sequenced, from 0; for a timer, that of the event which brought the tick.
    pub position: u64,
    /// The event that the row shows.
    pub event: Arc<Event>,
    /// The watermark of its source when it was sequenced, or the least of all sources if that was later; for a timer, the
    /// tick's time.
    pub watermark: Timestamp,
    /// The gate's clock when it was sequenced; for a timer, at the event which brought the tick.
    pub clock: Timestamp,
    /// Whether it is an event older than the watermark.
    pub late: bool,
    /// Why it comes.
    pub occasion: OrderedOccasion,
    /// The event's part of references; computed for the first rule that is shown it, as most events concern none.
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
            occasion: OrderedOccasion::Event,
            seed: OnceLock::new(),
        }
    }

    /// The reference by which a rule knows the row's event, under the rule's own key.
    #[must_use]
    pub fn reference(&self, rule: &RuleId, key: Option<&str>) -> u64 {
        let key = key.map_or(reference::NO_KEY_SEED, reference::key_seed);
        reference::reference(reference::rule_seed(rule), key, self.seed())
    }

    pub(crate) fn seed(&self) -> u64 {
        *self.seed.get_or_init(|| reference::event_seed(&self.event))
    }
}
