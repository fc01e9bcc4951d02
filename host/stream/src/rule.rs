//! One detection rule in the stream: which events it wants, its state, and its calls.

use std::sync::Arc;

use countersign_declaration::{Declaration, Kept};
use countersign_model::call::{ContextTable, DetectionCall, Detector, Parameter};
use countersign_model::vocabulary::{PartitionKey, Severity};
use countersign_model::{DigestKey, Event, StateChange, TimerChange, Timestamp};

use crate::columns::{Schema, build_batch, index_keys};
use crate::context::{ContextCall, ContextSource, NoContext};
use crate::holds::Holds;
use crate::isolate::Judging;
use crate::occasion::OrderedOccasion;
use crate::outcome::{BundledFinding, Outcome};
use crate::sample::Sample;
use crate::spent::Spending;
use crate::state::RuleState;
use crate::timers::RuleTimers;
use crate::{Forgotten, Sequenced, Tick, keys};

/// Timers may take a fourth of what the rule may keep.
const TIMERS_SHARE: u64 = 4;

/// A row as a rule gets it: the event and the rule's own key for it.
#[derive(Clone)]
pub(crate) struct Row<'a> {
    pub(crate) sequenced: &'a Sequenced,
    pub(crate) key: Option<Arc<str>>,
    /// Whether it is judged on its own too, even if a batch says nothing about its key.
    pub(crate) sampled: bool,
}

/// One detection rule in the stream.
///
/// What it keeps is bounded in bytes ([`Kept`]): its state, what that was at the last tick, and its timers. At a tick it is
/// at most `state`. Between two ticks it is at most twice as much: after the row that brings it past that, the timers due
/// last are dropped and whole keys forgotten, each of the origin that holds most, until a fourth of that is free. So that the size
/// of batches doesn't show, rows that could bring it so far are judged one by one.
pub struct RuleStream {
    pub(crate) declaration: Declaration,
    pub(crate) detector: Arc<dyn Detector + Send + Sync>,
    pub(crate) state: RuleState,
    pub(crate) timers: RuleTimers,
    /// What was put on record since the last tick.
    pub(crate) spending: Spending,
    pub(crate) kept: Kept,
    pub(crate) holds: Holds,
    schema: Schema,
    parameters: Vec<Parameter>,
    data: Vec<u8>,
    context: Arc<dyn ContextSource>,
    /// A finding of a greater severity is one of this severity.
    pub(crate) greatest_severity: Severity,
    /// How many rows a call may have: falls when fuel runs out, grows back. Never changes a result.
    pub(crate) rows_per_call: usize,
    /// The last position with findings, and how many it had.
    last_findings: (u64, u32),
    sample: Option<Sample>,
    /// Rows given to the rule's code so far.
    judged: u64,
}

/// A call with what is needed to read its answer.
pub(crate) struct Prepared {
    pub(crate) call: DetectionCall,
    pub(crate) keys: Vec<Arc<str>>,
}

impl RuleStream {
    /// A rule with the parameters in force and the data it was built with. Declared context tables are missing; see
    /// [`with_context`](Self::with_context).
    #[must_use]
    pub fn new(
        declaration: Declaration,
        detector: Arc<dyn Detector + Send + Sync>,
        parameters: Vec<Parameter>,
        data: Vec<u8>,
    ) -> RuleStream {
        RuleStream {
            state: RuleState::new(&declaration),
            timers: RuleTimers::new(&declaration),
            spending: Spending::default(),
            kept: Kept::default(),
            holds: Holds::default(),
            schema: Schema::of(&declaration),
            declaration,
            detector,
            parameters,
            data,
            context: Arc::new(NoContext),
            greatest_severity: Severity::Fatal,
            rows_per_call: usize::MAX,
            last_findings: (0, 0),
            sample: None,
            judged: 0,
        }
    }

    /// The same with a sample of rows that are judged on their own too, drawn under the key of the run's digests.
    #[must_use]
    pub fn with_sample(self, key: &DigestKey) -> RuleStream {
        RuleStream { sample: Some(Sample::new(key, &self.declaration.id)), ..self }
    }

    /// The same, and it isn't called for a while with rows of a kind on which it fails too often: see [`Holds`].
    #[must_use]
    pub fn with_holds(self, holds: Holds) -> RuleStream {
        RuleStream { holds, ..self }
    }

    /// What it has failed on, and with which rows it isn't called therefore.
    #[must_use]
    pub fn holds(&self) -> &Holds {
        &self.holds
    }

    /// The same, to be changed.
    pub fn holds_mut(&mut self) -> &mut Holds {
        &mut self.holds
    }

    /// Rows given to the rule's code so far: the first ones are all in the sample.
    #[must_use]
    pub fn judged(&self) -> u64 {
        self.judged
    }

    /// Goes on counting the rows given to the rule's code.
    pub fn set_judged(&mut self, judged: u64) {
        self.judged = judged;
    }

    /// The same with a source of context tables.
    #[must_use]
    pub fn with_context(self, context: Arc<dyn ContextSource>) -> RuleStream {
        RuleStream { context, ..self }
    }

    /// The same with the greatest severity that its findings may have.
    #[must_use]
    pub fn with_greatest_severity(self, greatest_severity: Severity) -> RuleStream {
        RuleStream { greatest_severity, ..self }
    }

    /// The same with the most that the host keeps of it.
    #[must_use]
    pub fn with_kept(self, kept: Kept) -> RuleStream {
        RuleStream { kept, ..self }
    }

    /// What the rule declared.
    #[must_use]
    pub fn declaration(&self) -> &Declaration {
        &self.declaration
    }

    /// Judges rows that the rule wants, in their order ([`Sequenced::order`]); no tick lies between them.
    pub fn judge(&mut self, rows: &[&Sequenced]) -> Outcome {
        if let Some(first) = rows.first() {
            self.state.begin_rows(first.clock);
        }
        let key = self.declaration.partition_key;
        let keyed = key != PartitionKey::None;
        let rows: Vec<Row<'_>> = rows
            .iter()
            .zip(self.judged..)
            .map(|(sequenced, number)| {
                let key = match &sequenced.occasion {
                    OrderedOccasion::Timer(timer) => Some(Arc::clone(&timer.key)),
                    _ => keyed.then(|| keys::partition_key(key, &sequenced.event)).flatten().map(Arc::from),
                };
                let sampled = self.sample.as_ref().is_some_and(|sample| sample.has(number, sequenced, key.as_deref()));
                Row { sequenced, key, sampled }
            })
            .collect();
        self.judged += rows.len() as u64;
        let mut judging = Judging::new(self);
        judging.judge_all(&rows);
        let mut outcome = judging.finish(&rows);
        outcome.state = self.state.take_changes();
        outcome.timers = self.timers.take_changes();
        outcome.sort();
        self.number_findings(&mut outcome);
        outcome
    }

    /// Applies a tick to the rule's state. Returns how many keys were forgotten.
    pub fn tick(&mut self, tick: Tick) -> u64 {
        self.spending = Spending::default();
        let timers = &self.timers;
        let max_bytes = self.kept.state - timers.held().min(self.max_timer_bytes());
        self.state.tick(tick, max_bytes, |key| timers.has_key(key))
    }

    /// The timers that are due at a tick, as the rows to be judged next; those over a bound are dropped. `position` and
    /// `clock` are those of the event that brought the tick, which [`tick`](Self::tick) was called with before.
    pub fn due(&mut self, tick: Tick, position: u64, clock: Timestamp) -> Vec<Sequenced> {
        self.timers.take_due(tick, self.max_timer_bytes(), position, clock)
    }

    fn max_timer_bytes(&self) -> u64 {
        self.kept.state / TIMERS_SHARE
    }

    /// What the rule keeps, bytes: state, what it was at the last tick, and timers.
    #[must_use]
    pub fn held(&self) -> u64 {
        self.state.held() + self.timers.held()
    }

    /// How many of the next rows can't bring what is kept past its bound, whatever the answer to them is; at least one.
    pub(crate) fn rows_that_fit(&self, rows: &[Row<'_>]) -> usize {
        let mut left = (2 * self.kept.state).saturating_sub(self.held());
        let fits = |row: &&Row<'_>| {
            let added = row.key.as_deref().map_or(0, |key| {
                self.state.most_added(key, row.sequenced) + self.timers.most_added(key, row.sequenced)
            });
            let fits = added <= left;
            left = left.saturating_sub(added);
            fits
        };
        rows.iter().take_while(fits).count().max(1)
    }

    /// Keeps what is kept within its bound after a row.
    pub(crate) fn keep_within(&mut self) {
        let max = 2 * self.kept.state;
        if self.held() <= max {
            return;
        }
        self.timers.drop_over(self.max_timer_bytes());
        let (over, timers) = (self.held().saturating_sub(max - max / 4), &self.timers);
        self.state.evict(over, &|key: &str| timers.has_key(key));
    }

    /// Whether the rule holds nothing: then a tick does nothing to it, and it has no changes to report.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        self.state.is_idle() && self.timers.is_idle()
    }

    /// Whether the rule can keep anything of the rows that it is given.
    #[must_use]
    pub fn keeps(&self) -> bool {
        !self.declaration.slots.is_empty() || self.declaration.timers.is_some()
    }

    /// How many of the rule's timers are pending.
    #[must_use]
    pub fn pending_timers(&self) -> u64 {
        self.timers.pending()
    }

    /// How many timers were dropped since this was called last, because the rule had too many or they took too much.
    pub fn take_dropped_timers(&mut self) -> u64 {
        self.timers.take_dropped()
    }

    /// What was put on record since the last tick.
    #[must_use]
    pub fn spending(&self) -> &Spending {
        &self.spending
    }

    /// How many keys of each slot were forgotten so far, by the slot's name, in declared order.
    pub fn forgotten(&self) -> impl Iterator<Item = (&str, Forgotten)> {
        self.state.forgotten()
    }

    /// The state as of the last tick of keys that changed for the first time since, each once.
    pub fn take_baselines(&mut self) -> Vec<StateChange> {
        self.state.take_baselines()
    }

    /// The clock at the first row since the last tick; none without a row.
    #[must_use]
    pub fn stamp(&self) -> Option<Timestamp> {
        self.state.stamp()
    }

    /// Goes on counting what ticks forget of a slot.
    pub fn set_forgotten(&mut self, slot: &str, forgotten: Forgotten) {
        self.state.set_forgotten(slot, forgotten);
    }

    /// What changed in the rule's state since this was called last: what ticks forgot, which no row reports.
    pub fn changes(&mut self) -> (Vec<StateChange>, Vec<TimerChange>) {
        (self.state.take_changes(), self.timers.take_changes())
    }

    /// Numbers findings through the rows of a position, earlier calls included.
    fn number_findings(&mut self, outcome: &mut Outcome) {
        for BundledFinding { finding, row, .. } in &mut outcome.findings {
            let (position, count) = &mut self.last_findings;
            if *position != row.position {
                (*position, *count) = (row.position, 0);
            }
            finding.index = *count;
            *count += 1;
        }
    }

    pub(crate) fn prepare(&self, rows: &[Row<'_>]) -> Prepared {
        let (indices, keys) = index_keys(rows.iter().map(|row| row.key.as_ref()));
        let sequenced: Vec<&Sequenced> = rows.iter().map(|row| row.sequenced).collect();
        let context = self.tables(&sequenced, &keys);
        Prepared {
            call: DetectionCall {
                batch: build_batch(&self.schema, &sequenced, &indices, &keys),
                state: self.state.gather(&keys),
                parameters: self.parameters.clone(),
                data: self.data.clone(),
                context,
            },
            keys,
        }
    }

    fn tables(&self, rows: &[&Sequenced], keys: &[Arc<str>]) -> Vec<ContextTable> {
        if self.declaration.context.is_empty() {
            return Vec::new();
        }
        let events: Vec<&Event> = rows.iter().map(|row| &*row.event).collect();
        let partition_key = self.declaration.partition_key;
        let call = ContextCall { events: &events, keys, partition_key, now: self.state.now() };
        self.declaration.context.iter().map(|wanted| self.context.table(wanted, &call)).collect()
    }
}

#[cfg(test)]
#[path = "../tests/unit/kept.rs"]
mod tests;
