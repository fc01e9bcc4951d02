//! One detection rule in the stream: which events it wants, its state, and its calls.

use std::sync::Arc;

use countersign_declaration::Declaration;
use countersign_model::call::{ContextTable, DetectionCall, Detector, Parameter};
use countersign_model::vocabulary::PartitionKey;
use countersign_model::{ContextState, Event, StateChange, TimerChange, Timestamp};

use crate::columns::{Schema, build_batch, index_keys};
use crate::isolate::Run;
use crate::outcome::Outcome;
use crate::state::RuleState;
use crate::timers::{Due, RuleTimers};
use crate::turn::Turn;
use crate::{Sequenced, Tick, filter, keys};

/// A row as a rule gets it: the event and the rule's own key for it.
#[derive(Clone)]
pub(crate) struct Row<'a> {
    pub(crate) sequenced: &'a Sequenced,
    pub(crate) key: Option<Arc<str>>,
}

/// One detection rule in the stream.
pub struct RuleStream {
    pub(crate) declaration: Declaration,
    pub(crate) detector: Arc<dyn Detector + Send + Sync>,
    pub(crate) state: RuleState,
    pub(crate) timers: RuleTimers,
    schema: Schema,
    parameters: Vec<Parameter>,
    data: Vec<u8>,
    context: Vec<ContextTable>,
    /// How many rows a call may have: falls when fuel runs out, grows back. Never changes a result.
    pub(crate) rows_per_call: usize,
    /// The last position with findings, and how many it had.
    found: (u64, u32),
}

/// A call with what is needed to read its answer.
pub(crate) struct Prepared {
    pub(crate) call: DetectionCall,
    pub(crate) keys: Vec<Arc<str>>,
}

impl RuleStream {
    /// A rule with the parameters in force and the data it was built with. Context tables are not served by this
    /// version: declared ones are there, as missing.
    #[must_use]
    pub fn new(
        declaration: Declaration,
        detector: Arc<dyn Detector + Send + Sync>,
        parameters: Vec<Parameter>,
        data: Vec<u8>,
    ) -> RuleStream {
        let context = declaration
            .context
            .iter()
            .map(|wanted| ContextTable {
                availability: countersign_model::call::Availability::Missing,
                by_key: wanted.by_key,
                rows: 0,
                columns: Vec::new(),
            })
            .collect();
        RuleStream {
            state: RuleState::new(declaration.id.clone(), &declaration.slots),
            timers: RuleTimers::new(&declaration),
            schema: Schema::of(&declaration),
            declaration,
            detector,
            parameters,
            data,
            context,
            rows_per_call: usize::MAX,
            found: (0, 0),
        }
    }

    /// What the rule declared.
    #[must_use]
    pub fn declaration(&self) -> &Declaration {
        &self.declaration
    }

    /// Whether the rule wants this event.
    #[must_use]
    pub fn wants(&self, event: &Event) -> bool {
        filter::matches(&self.declaration, event)
    }

    /// Whether the context that the rule declared is there.
    #[must_use]
    pub fn context_state(&self) -> ContextState {
        if self.context.is_empty() { ContextState::Complete } else { ContextState::Missing }
    }

    /// Judges rows that the rule wants, in their order ([`Sequenced::order`]); no tick lies between them.
    pub fn judge(&mut self, rows: &[&Sequenced]) -> Outcome {
        if let Some(first) = rows.first() {
            self.state.enter(first.clock);
        }
        let key = self.declaration.partition_key;
        let keyed = key != PartitionKey::None;
        let rows: Vec<Row<'_>> = rows
            .iter()
            .map(|sequenced| Row {
                sequenced,
                key: match &sequenced.turn {
                    Turn::Timer(timer) => Some(Arc::clone(&timer.key)),
                    _ => keyed.then(|| keys::partition_key(key, &sequenced.event)).flatten().map(Arc::from),
                },
            })
            .collect();
        let mut run = Run::new(self);
        run.all(&rows);
        let mut outcome = run.finish();
        outcome.state = self.state.take_changes();
        outcome.timers = self.timers.take_changes();
        outcome.sort();
        self.number(&mut outcome);
        outcome
    }

    /// What a tick does to the rule's state. Returns how many keys were forgotten.
    pub fn tick(&mut self, tick: Tick) -> u64 {
        self.state.tick(tick)
    }

    /// The timers that are due at a tick, as the rows to be judged next. `position` and `clock` are those of the event
    /// that brought the tick.
    pub fn due(&mut self, tick: Tick, position: u64, clock: Timestamp) -> Due {
        self.timers.take_due(tick, position, clock)
    }

    /// How many of the rule's timers are yet to come.
    #[must_use]
    pub fn pending_timers(&self) -> u64 {
        self.timers.pending()
    }

    /// What changed in the rule's state since it was told last: what ticks forgot, which no row may tell.
    pub fn changes(&mut self) -> (Vec<StateChange>, Vec<TimerChange>) {
        (self.state.take_changes(), self.timers.take_changes())
    }

    /// Forgets the rule's state and its timers: what is to be stored of it, each key of a slot and each timer once.
    pub fn forget(&mut self) -> (Vec<StateChange>, Vec<TimerChange>) {
        (self.state.clear(), self.timers.clear())
    }

    /// Counts findings through the rows of a position: those of an earlier call went before.
    fn number(&mut self, outcome: &mut Outcome) {
        for found in &mut outcome.found {
            let (position, count) = &mut self.found;
            if *position != found.row.position {
                (*position, *count) = (found.row.position, 0);
            }
            found.finding.index = *count;
            *count += 1;
        }
    }

    pub(crate) fn prepare(&self, rows: &[Row<'_>]) -> Prepared {
        let (indices, keys) = index_keys(rows.iter().map(|row| row.key.as_ref()));
        let sequenced: Vec<&Sequenced> = rows.iter().map(|row| row.sequenced).collect();
        Prepared {
            call: DetectionCall {
                batch: build_batch(&self.schema, &sequenced, &indices, &keys),
                state: self.state.gather(&keys),
                parameters: self.parameters.clone(),
                data: self.data.clone(),
                context: self.context.clone(),
            },
            keys,
        }
    }
}
