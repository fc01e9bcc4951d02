//! One detection rule in the stream: which events it wants, its state, and its calls.

use std::sync::Arc;

use countersign_declaration::Declaration;
use countersign_model::call::{ContextTable, DetectionCall, Detector, Parameter};
use countersign_model::vocabulary::PartitionKey;
use countersign_model::{Event, StateChange};

use crate::columns::{Schema, build_batch, index_keys};
use crate::context::{ContextCall, ContextSource, NoContext};
use crate::isolate::Run;
use crate::outcome::Outcome;
use crate::state::RuleState;
use crate::{Sequenced, Tick, keys};

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
    schema: Schema,
    parameters: Vec<Parameter>,
    data: Vec<u8>,
    context: Arc<dyn ContextSource>,
    /// How many rows a call may have: falls when fuel runs out, grows back. Never changes a result.
    pub(crate) rows_per_call: usize,
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
            state: RuleState::new(declaration.id.clone(), &declaration.slots),
            schema: Schema::of(&declaration),
            declaration,
            detector,
            parameters,
            data,
            context: Arc::new(NoContext),
            rows_per_call: usize::MAX,
        }
    }

    /// The same with somebody who knows what context tables say.
    #[must_use]
    pub fn with_context(self, context: Arc<dyn ContextSource>) -> RuleStream {
        RuleStream { context, ..self }
    }

    /// What the rule declared.
    #[must_use]
    pub fn declaration(&self) -> &Declaration {
        &self.declaration
    }

    /// Judges rows that the rule wants, in the stream's order; no tick lies between them.
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
                key: keyed.then(|| keys::partition_key(key, &sequenced.event)).flatten().map(Arc::from),
            })
            .collect();
        let mut run = Run::new(self);
        run.all(&rows);
        let mut outcome = run.finish();
        outcome.state = self.state.take_changes();
        outcome.sort();
        outcome
    }

    /// What a tick does to the rule's state. Returns how many keys were forgotten.
    pub fn tick(&mut self, tick: Tick) -> u64 {
        self.state.tick(tick)
    }

    /// Whether the rule holds nothing: then a tick does nothing to it, and it has nothing to tell.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        self.state.is_idle()
    }

    /// What changed in the rule's state since it was told last: what ticks forgot, which no row may tell.
    pub fn changes(&mut self) -> Vec<StateChange> {
        self.state.take_changes()
    }

    /// Forgets the rule's state: what is to be stored of it, each key of a slot once.
    pub fn forget(&mut self) -> Vec<StateChange> {
        self.state.clear()
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
