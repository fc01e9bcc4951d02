//! The inputs of a recorder in the one order in which a host judges them.

use std::collections::VecDeque;

use countersign_model::{Place, SourceId};
use countersign_recorder::{RecordedBatch, RecordedHostInput, RecorderError, RecorderReader};

use crate::decoders::Names;

/// Host inputs that are read at once.
const HOST_INPUTS: usize = 64;

/// Where a host begins: the first host input is the generation that its session begins with.
pub(crate) const BEGIN: Place = Place { host: 1, ..Place::START };

/// The host's own inputs and batches of a recorder, in their one order.
pub(crate) struct Walk {
    pub(crate) reader: RecorderReader,
    /// Next is what lies here.
    pub(crate) place: Place,
    /// Sources by their numbers.
    pub(crate) names: Names,
    /// Host inputs that come next.
    host: VecDeque<RecordedHostInput>,
}

/// What comes next.
pub(crate) enum Step {
    Host(RecordedHostInput),
    /// A batch with the name of its source, of which so many records were taken before.
    Batch(RecordedBatch, SourceId, u32),
}

impl Walk {
    /// Begins at a place.
    pub(crate) fn new(reader: RecorderReader, place: Place) -> Result<Walk, RecorderError> {
        Ok(Walk { names: Names::read(&reader)?, reader, place, host: VecDeque::new() })
    }

    /// What comes next, of batches before `end`; none if nothing does yet. Host inputs that wait for their turn aren't taken:
    /// that they have it is for the one that judges to say.
    pub(crate) fn next(&mut self, end: u64) -> Result<Option<Step>, RecorderError> {
        match self.host_input::<RecorderError>(u64::MAX, |_, _| Ok(false))? {
            Some(input) => Ok(Some(Step::Host(input))),
            None => self.batch(end),
        }
    }

    /// What comes next for the one that judges; none if nothing does yet. `last` is the last host input on record. `give_turn`
    /// puts on record that all host inputs up to a number come before a batch, where they have no place yet.
    pub(crate) fn next_turn<E: From<RecorderError>>(
        &mut self,
        last: u64,
        give_turn: impl FnOnce(u64, u64) -> Result<(), E>,
    ) -> Result<Option<Step>, E> {
        match self.host_input(last, |last, before| give_turn(last, before).map(|()| true))? {
            Some(input) => Ok(Some(Step::Host(input))),
            None => Ok(self.batch(u64::MAX)?),
        }
    }

    /// The host input that comes before the next batch. Whether those without a place have their turn now says `turn`. Beyond
    /// `last` none is looked for: there are few, and a batch comes every few milliseconds.
    ///
    /// INVARIANT: what is taken has its place on record.
    fn host_input<E: From<RecorderError>>(
        &mut self,
        last: u64,
        turn: impl FnOnce(u64, u64) -> Result<bool, E>,
    ) -> Result<Option<RecordedHostInput>, E> {
        if self.place.within > 0 || last <= self.place.host {
            return Ok(None);
        }
        let batch = self.place.batch;
        // One that had no turn yet may have it by now.
        if self.host.front().is_none_or(|input| input.before.is_none()) {
            self.host = self.reader.host_inputs(self.place.host, HOST_INPUTS)?.into();
            let waits = |input: &RecordedHostInput| input.before.is_none();
            // INVARIANT: one with a later place keeps those behind it waiting.
            let comes = |input: &RecordedHostInput| input.before.is_none_or(|before| before <= batch);
            let last = self.host.iter().take_while(|input| comes(input)).filter(|input| waits(input)).last();
            if let Some(last) = last.map(|last| last.seq)
                && turn(last, batch)?
            {
                let waiting = self.host.iter_mut().filter(|input| input.seq <= last && input.before.is_none());
                waiting.for_each(|input| input.before = Some(batch));
            }
        }
        let is_next = |input: &mut RecordedHostInput| input.before.is_some_and(|before| before <= batch);
        let input = self.host.pop_front_if(is_next);
        if let Some(input) = &input {
            self.place.host = input.seq;
        }
        Ok(input)
    }

    fn batch(&mut self, end: u64) -> Result<Option<Step>, RecorderError> {
        if self.place.batch >= end {
            return Ok(None);
        }
        let Some(batch) = self.reader.batch(self.place.batch)? else { return Ok(None) };
        let name = self.names.of(&self.reader, batch.source)?;
        let taken = std::mem::take(&mut self.place.within);
        self.place.batch += 1;
        Ok(Some(Step::Batch(batch, name, taken)))
    }
}
