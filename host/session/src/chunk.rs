//! A chunk of the stream between two ticks: every rule judges its rows of it, on as many threads as there are workers,
//! and the results are put into one total order that depends neither on threads nor on batches. Rules judge level by
//! level: those that subscribe to nothing first, then those that subscribe to them, and so on. `judge` is one rule,
//! `judges` are all.

mod judge;
mod judges;
mod remembered;

use std::collections::{BTreeSet, HashSet};
use std::hash::Hash;

use countersign_formats::DeadLetter;
use countersign_model::{Hold, HoldEnd, RuleId, StateChange, TimerChange};
use countersign_stream::{
    BundledFinding, Count, CountKey, Disagreement, KeptChanges, RowDiagnostic, RowFailure, RowHold, Sequenced,
};

pub use judges::Judges;
pub use remembered::{Absent, KEPT_FOR_ABSENT_RULES, Remembered};

/// Something that happened at a position.
pub enum Item {
    /// A dead letter, before the event of this position.
    DeadLetter(DeadLetter),
    /// Rows that were held reach a rule again, from the row of this position on.
    Readmitted {
        /// The hold that ended.
        hold: Hold,
        /// Why.
        end: HoldEnd,
    },
    /// A row set aside for one rule.
    SetAside(RowFailure),
    /// A rule isn't called with some rows for a while.
    Held(Box<RowHold>),
    /// A rule contradicted itself.
    Disagreement(Disagreement),
    /// A rule's diagnostic for its author.
    Diagnostic(RowDiagnostic),
    /// A finding.
    Finding(Box<BundledFinding>),
}

impl Item {
    /// Its order among the items of one position: what holds rows from a rule comes before its diagnostics and findings.
    fn order(&self) -> u8 {
        match self {
            Item::DeadLetter(_) => 0,
            Item::Readmitted { .. } => 1,
            Item::SetAside(_) => 2,
            Item::Held(_) => 3,
            Item::Disagreement(_) => 4,
            Item::Diagnostic(_) => 5,
            Item::Finding(_) => 6,
        }
    }
}

/// An item in its place.
pub struct Placed {
    /// The position.
    pub position: u64,
    /// Whether its row is another than a timer's; timers come first.
    pub after_timers: bool,
    /// The rule's depth in the graph of subscriptions.
    pub depth: usize,
    /// Index of the rule among the generation's detections, which are in order of their ids.
    pub rule: usize,
    /// What happened.
    pub item: Item,
}

/// Events and dead letters between two ticks.
#[derive(Default)]
pub struct Chunk {
    /// The events, in order.
    pub events: Vec<Sequenced>,
    /// The dead letters, each before the event of its position.
    pub dead_letters: Vec<(u64, DeadLetter)>,
    /// How many records were only counted.
    pub duplicates: usize,
}

impl Chunk {
    /// The number of its records.
    pub fn record_count(&self) -> usize {
        self.events.len() + self.dead_letters.len() + self.duplicates
    }
}

/// The changes of what rules keep by a chunk, and by the tick before it.
#[derive(Debug, Default)]
pub struct Changes {
    /// Of keyed state.
    pub state: Vec<StateChange>,
    /// Of timers.
    pub timers: Vec<TimerChange>,
    /// The state as of the last tick of keys that changed for the first time since.
    pub baselines: Vec<StateChange>,
    /// What is counted of the rows on which rules fail, and what isn't any more (none); with the rule.
    pub counts: Vec<(RuleId, CountKey, Option<Count>)>,
    /// The rules that were visited, by their places.
    pub visited: BTreeSet<usize>,
    /// Rules that are gone, and forgotten now.
    pub forgotten_rules: BTreeSet<RuleId>,
    /// Rules that are gone, for which a tick passed for the first time.
    pub ticked_rules: BTreeSet<RuleId>,
}

/// Keeps the last member of each key, in order.
fn keep_last<T, K: Eq + Hash>(members: &mut Vec<T>, key: impl for<'t> Fn(&'t T) -> (&'t RuleId, &'t String, &'t K)) {
    let mut seen = HashSet::with_capacity(members.len());
    let mut kept: Vec<bool> = members.iter().rev().map(|member| seen.insert(key(member))).collect();
    members.retain(|_| kept.pop().unwrap_or(true));
}

impl Changes {
    /// Adds those of a later chunk. Of several changes of a key the last counts.
    pub fn merge(&mut self, later: Changes) {
        if self.is_empty() {
            *self = later;
            return;
        }
        let Changes { state, timers, baselines, counts, visited, forgotten_rules, ticked_rules } = later;
        self.extend((state, timers));
        self.baselines.extend(baselines);
        self.counts.extend(counts);
        self.visited.extend(visited);
        self.forgotten_rules.extend(forgotten_rules);
        self.ticked_rules.extend(ticked_rules);
    }

    /// What the changed state takes, bytes.
    pub(crate) fn state_bytes(&self) -> u64 {
        let entries = self.state.iter().chain(&self.baselines).filter_map(|change| change.entry.as_ref());
        entries.map(|entry| entry.blob.len() as u64).sum()
    }

    /// Leaves out changes of keys and timers that are changed again later.
    pub(crate) fn compact(&mut self) {
        keep_last(&mut self.state, |change| (&change.rule, &change.slot, &change.key));
        keep_last(&mut self.timers, |change| (&change.rule, &change.key, &change.id));
    }

    fn is_empty(&self) -> bool {
        let Changes { state, timers, baselines, counts, visited, forgotten_rules, ticked_rules } = self;
        state.is_empty()
            && timers.is_empty()
            && baselines.is_empty()
            && counts.is_empty()
            && visited.is_empty()
            && forgotten_rules.is_empty()
            && ticked_rules.is_empty()
    }

    /// Adds what is removed because nothing keeps it.
    pub(crate) fn extend_kept(&mut self, KeptChanges { state, timers, baselines }: KeptChanges) {
        self.extend((state, timers));
        self.baselines.extend(baselines);
    }

    fn extend(&mut self, (state, timers): (Vec<StateChange>, Vec<TimerChange>)) {
        self.state.extend(state);
        self.timers.extend(timers);
    }
}
