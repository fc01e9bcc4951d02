//! A chunk of the stream between two ticks: every rule judges its rows of it, on as many threads as there are workers,
//! and the results are put into one total order that depends neither on threads nor on batches. Rules judge level by
//! level: those that subscribe to nothing first, then those that subscribe to them, and so on. `judge` is one rule,
//! `judges` are all.

mod judge;
mod judges;

use countersign_formats::DeadLetter;
use countersign_model::{StateChange, TimerChange};
use countersign_stream::{BundledFinding, Disagreement, RowDiagnostic, RowFailure, Sequenced};

pub(crate) use judges::Judges;

/// Something that happened at a position.
pub(crate) enum Item {
    /// A dead letter, before the event of this position.
    DeadLetter(DeadLetter),
    /// A row set aside for one rule.
    SetAside(RowFailure),
    /// A rule missed the deadline twice.
    Stopped(RowFailure),
    /// A rule went into quarantine.
    Quarantined {
        /// Distinct accounts that failed, and that were seen.
        accounts: (u64, u64),
    },
    /// A rule contradicted itself.
    Disagreement(Disagreement),
    /// A rule's diagnostic for its author.
    Diagnostic(RowDiagnostic),
    /// A finding.
    Finding(Box<BundledFinding>),
}

impl Item {
    /// Its order among the items of one position: what silences a rule comes before its diagnostics and findings.
    fn order(&self) -> u8 {
        match self {
            Item::DeadLetter(_) => 0,
            Item::SetAside(_) => 1,
            Item::Stopped(_) => 2,
            Item::Quarantined { .. } => 3,
            Item::Disagreement(_) => 4,
            Item::Diagnostic(_) => 5,
            Item::Finding(_) => 6,
        }
    }
}

/// An item in its place.
pub(crate) struct Placed {
    pub(crate) position: u64,
    /// Whether its row is another than a timer's; timers come first.
    pub(crate) after_timers: bool,
    /// The rule's depth in the graph of subscriptions.
    pub(crate) depth: usize,
    /// Index of the rule among the generation's detections, which are in order of their ids.
    pub(crate) rule: usize,
    pub(crate) item: Item,
}

/// Events and dead letters between two ticks.
#[derive(Default)]
pub(crate) struct Chunk {
    pub(crate) events: Vec<Sequenced>,
    pub(crate) dead_letters: Vec<(u64, DeadLetter)>,
    /// How many records were only counted.
    pub(crate) duplicates: usize,
}

impl Chunk {
    /// The number of its records.
    pub(crate) fn len(&self) -> usize {
        self.events.len() + self.dead_letters.len() + self.duplicates
    }
}

/// The changes of rules' state and timers by a chunk.
#[derive(Debug, Default)]
pub(crate) struct Changes {
    pub(crate) state: Vec<StateChange>,
    pub(crate) timers: Vec<TimerChange>,
}

impl Changes {
    fn extend(&mut self, (state, timers): (Vec<StateChange>, Vec<TimerChange>)) {
        self.state.extend(state);
        self.timers.extend(timers);
    }
}
