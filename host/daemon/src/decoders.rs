//! From recorded batches to records: one decoder a source, by what the generation that serves says of it.

use std::collections::BTreeMap;

use countersign_formats::reader::Piece;
use countersign_formats::{Auto, Decoder, Record, SourceBinding};
use countersign_inputs::{Bookmark, Processed, ReadAs, Received, Sources};
use countersign_model::SourceId;
use countersign_model::vocabulary::ActionClass;
use countersign_recorder::{RecordedBatch, RecorderError, RecorderReader};
use countersign_session::Arrival;

/// The decoders.
pub(crate) struct Decoders {
    sources: Sources,
    /// What was counted of each source's records when the session was resumed, until its decoder is made.
    counted: Vec<Processed>,
    decoders: BTreeMap<u32, (SourceId, Decoder)>,
    /// Dead letters so far.
    dead: u64,
}

impl Decoders {
    /// Decoders of these sources, which go on after what was processed of each by its number.
    pub(crate) fn new(sources: Sources, processed: Vec<Processed>) -> Decoders {
        Decoders { sources, counted: processed, decoders: BTreeMap::new(), dead: 0 }
    }

    /// Calls `each` with the records of a batch after the first so many, with their numbers in it from 1 on.
    pub(crate) fn for_each<E>(
        &mut self,
        recorded: &RecordedBatch,
        name: &SourceId,
        after: u32,
        mut each: impl FnMut(u32, Arrival) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut pieces = recorded.batch.pieces();
        let mut number = 0;
        while let Some((piece, position)) = pieces.next_piece() {
            number += 1;
            if number > after {
                let record = self.decode(recorded.source, name, piece);
                self.tell(recorded.seq, name, &record);
                let received = Received::alone(record, Bookmark::from(position));
                each(number, Arrival::new(received, Some(recorded.arrived)))?;
            }
        }
        Ok(())
    }

    /// Dead letters so far.
    pub(crate) fn dead(&self) -> u64 {
        self.dead
    }

    /// Counts a record, and says by which id it is to be followed in the log.
    fn tell(&mut self, batch: u64, source: &SourceId, record: &Record) {
        match record {
            Record::Event { event, .. } => {
                let ordinal = event.raw.ordinal;
                tracing::debug!(%source, batch, ordinal, event_id = %event.id, "judging an event");
            }
            Record::DeadLetter(letter) => {
                self.dead += 1;
                let (ordinal, reason) = (letter.ordinal, letter.reason_code.code());
                tracing::debug!(%source, batch, ordinal, reason, "a record can't be used");
            }
        }
    }

    /// What became of a piece of a source.
    fn decode(&mut self, number: u32, name: &SourceId, piece: Piece<'_>) -> Record {
        let Decoders { sources, counted, decoders, .. } = self;
        let (_, decoder) = decoders.entry(number).or_insert_with(|| {
            let mut decoder = decoder(sources, name);
            let before = usize::try_from(number).ok().and_then(|number| counted.get_mut(number));
            for (source, counted) in before.map(|before| std::mem::take(&mut before.counted)).unwrap_or_default() {
                decoder.restore(number, &source, counted);
            }
            (name.clone(), decoder)
        });
        decoder.decode(number, piece)
    }

    /// Reads what comes as these sources say. What was counted goes on.
    pub(crate) fn swap(&mut self, sources: Sources) {
        for (number, (name, before)) in &mut self.decoders {
            let mut after = decoder(&sources, name);
            after.take_over(before, *number, name);
            *before = after;
        }
        self.sources = sources;
    }
}

/// The names of a recorder's sources by their numbers. They are read again where one has come since.
pub(crate) struct Names(BTreeMap<u32, SourceId>);

impl Names {
    pub(crate) fn read(reader: &RecorderReader) -> Result<Names, RecorderError> {
        Ok(Names(reader.sources()?.into_iter().map(|source| (source.number, source.name)).collect()))
    }

    /// The name of the source with this number.
    pub(crate) fn of(&mut self, reader: &RecorderReader, number: u32) -> Result<SourceId, RecorderError> {
        if !self.0.contains_key(&number) {
            *self = Names::read(reader)?;
        }
        // What is recorded is of a source with a number, by the tables' own rule.
        Ok(self.0.get(&number).cloned().unwrap_or_else(|| SourceId::from("unknown")))
    }

    pub(crate) fn all(&self) -> &BTreeMap<u32, SourceId> {
        &self.0
    }
}

/// How a source is read. One that the generation doesn't have any more speaks for nobody: what was recorded of it is judged,
/// and leads to observing.
fn decoder(sources: &Sources, name: &SourceId) -> Decoder {
    let read_as = sources.named(name).map(ReadAs::from).unwrap_or_else(|| ReadAs {
        format: &Auto,
        binding: SourceBinding::named(name.clone(), Vec::new(), ActionClass::Observe),
        time_zone: None,
    });
    Decoder::of_source(read_as.format, read_as.binding, read_as.time_zone.as_ref())
}
