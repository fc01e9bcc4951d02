//! Decodes several inputs and joins them into one stream.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use countersign_formats::{Decoder, Format, Record, SourceBinding};
use countersign_model::{TimeZone, Timestamp};

use crate::input::{Bookmark, Input, NotDelivered};
use crate::processed::{InputChanged, Processed};

/// Beyond so many inputs, one is suspended after its first record until its turn comes: what is open then is only what
/// overlaps in time.
const MAX_OPEN: usize = 64;

/// An input and how its records are read.
pub type WithFormat = (Box<dyn Input>, ReadAs);

/// How the records of an input are read.
#[derive(Clone)]
pub struct ReadAs {
    /// The format that they are in.
    pub format: &'static dyn Format,
    /// What their source is bound to.
    pub binding: SourceBinding,
    /// The zone of local times that name none, where it is known.
    pub time_zone: Option<TimeZone>,
}

impl ReadAs {
    /// In a format, from a source of which nothing else is known.
    #[must_use]
    pub const fn format(format: &'static dyn Format) -> ReadAs {
        ReadAs { format, binding: SourceBinding::OF_FORMAT, time_zone: None }
    }
}

/// A decoded record of an input, with the bookmark after it.
#[derive(Clone, Debug)]
pub struct Received {
    /// The record; it holds the ordinal of its input.
    pub record: Record,
    /// Where its input goes on after it.
    pub bookmark: Bookmark,
}

/// Decodes inputs and joins them by event time; ties go by the order of the inputs, then by ordinal. Within an input the
/// order of delivery stays, also where its times go back. A dead letter has no time: it comes right where its input has
/// it, after the record before it. Holds one record an input, and one decoder a format.
#[must_use]
pub fn merge(inputs: Vec<WithFormat>) -> Merge {
    Merge::of(inputs.into_iter().map(|input| (input, None)).collect())
}

/// The same, but goes on after the records of each input that were processed before. These are read again to see that they
/// are still there.
///
/// # Errors
/// With every input that has other records than before.
pub fn resume(mut inputs: Vec<(WithFormat, Option<Processed>)>) -> Result<Merge, Vec<InputChanged>> {
    let resumed = inputs.iter_mut().filter_map(|((input, _), processed)| Some((input, processed.as_ref()?)));
    let changed: Vec<InputChanged> =
        resumed.filter_map(|(input, processed)| processed.skip(&mut **input).err()).collect();
    if changed.is_empty() { Ok(Merge::of(inputs)) } else { Err(changed) }
}

/// The joined stream; see [`merge()`].
pub struct Merge {
    inputs: Vec<Merged>,
    /// One for each format of each source.
    decoders: Vec<(ReadAs, Decoder)>,
    /// The inputs that have a record waiting, by its time and their place.
    heads: BinaryHeap<Reverse<(Timestamp, usize)>>,
}

struct Merged {
    input: Box<dyn Input>,
    decoder: usize,
    head: Option<Received>,
}

impl Merge {
    fn of(inputs: Vec<(WithFormat, Option<Processed>)>) -> Merge {
        let mut merge = Merge { inputs: Vec::new(), decoders: Vec::new(), heads: BinaryHeap::new() };
        let suspends = inputs.len() > MAX_OPEN;
        for (place, ((input, read_as), processed)) in inputs.into_iter().enumerate() {
            let decoder = merge.decoder(read_as);
            let processed = processed.unwrap_or_default();
            if let Some((_, decoder)) = merge.decoders.get_mut(decoder) {
                let ordinal = u32::try_from(place).unwrap_or(u32::MAX);
                let counted = processed.counted.into_iter();
                counted.for_each(|(source, counted)| decoder.restore(ordinal, &source, counted));
            }
            merge.inputs.push(Merged { input, decoder, head: None });
            merge.advance(place, processed.time);
            if suspends && let Some(merged) = merge.inputs.get_mut(place) {
                merged.input.suspend();
            }
        }
        merge
    }

    /// The records alone.
    pub fn records(self) -> impl Iterator<Item = Record> + Send {
        self.map(|received| received.record)
    }

    /// Acknowledges the records of an input up to a bookmark; see [`Input::acknowledge`]. An ordinal that no input has
    /// is ignored.
    ///
    /// # Errors
    /// When the input didn't deliver the record with this bookmark yet.
    pub fn acknowledge(&mut self, input: u32, bookmark: &Bookmark) -> Result<(), NotDelivered> {
        let merged = usize::try_from(input).ok().and_then(|place| self.inputs.get_mut(place));
        merged.map_or(Ok(()), |merged| merged.input.acknowledge(bookmark))
    }

    /// The place of the decoder: inputs of one format and source share it.
    fn decoder(&mut self, read_as: ReadAs) -> usize {
        let same = |known: &ReadAs| {
            known.format.name() == read_as.format.name()
                && known.binding == read_as.binding
                && known.time_zone == read_as.time_zone
        };
        let known = self.decoders.iter().position(|(known, _)| same(known));
        known.unwrap_or_else(|| {
            let decoder = Decoder::of_source(read_as.format, read_as.binding.clone(), read_as.time_zone.as_ref());
            self.decoders.push((read_as, decoder));
            self.decoders.len() - 1
        })
    }

    /// Takes an input's next record as its head. A dead letter waits at the time of the record before it.
    fn advance(&mut self, place: usize, before: Timestamp) {
        let Some(merged) = self.inputs.get_mut(place) else { return };
        let Some((_, decoder)) = self.decoders.get_mut(merged.decoder) else { return };
        let ordinal = u32::try_from(place).unwrap_or(u32::MAX);
        let Some(delivered) = merged.input.next() else {
            decoder.end(ordinal);
            merged.input.suspend();
            return;
        };
        let record = decoder.decode(ordinal, delivered.piece);
        let time = match &record {
            Record::Event { event, .. } => event.time,
            Record::DeadLetter(_) => before,
        };
        merged.head = Some(Received { record, bookmark: delivered.bookmark });
        self.heads.push(Reverse((time, place)));
    }
}

impl Iterator for Merge {
    type Item = Received;

    fn next(&mut self) -> Option<Received> {
        let Reverse((time, place)) = self.heads.pop()?;
        let received = self.inputs.get_mut(place).and_then(|merged| merged.head.take());
        self.advance(place, time);
        received
    }
}
