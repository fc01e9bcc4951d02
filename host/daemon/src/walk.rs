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

    /// What comes next, of batches before `end`; none if nothing does yet.
    pub(crate) fn next(&mut self, end: u64) -> Result<Option<Step>, RecorderError> {
        if self.place.within == 0 {
            // One that had no turn yet may have it by now.
            if self.host.front().is_none_or(|input| input.before.is_none()) {
                self.host = self.reader.host_inputs(self.place.host, HOST_INPUTS)?.into();
            }
            let batch = self.place.batch;
            let is_next = |input: &RecordedHostInput| input.before.is_some_and(|before| before <= batch);
            if let Some(input) = self.host.pop_front_if(|input| is_next(input)) {
                self.place.host = input.seq;
                return Ok(Some(Step::Host(input)));
            }
        }
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
