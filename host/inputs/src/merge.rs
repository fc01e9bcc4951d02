//! Decodes several inputs and joins them into one stream.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};

use countersign_formats::{Decoder, Format, Record, SourceBinding};
use countersign_model::{TimeZone, Timestamp};

use crate::input::{Bookmark, Input, InputRecord, NotDelivered};
use crate::processed::{InputChanged, Processed};

/// Beyond so many inputs, one is suspended after its first record until its turn comes: what is open then is only what
/// overlaps in time.
pub(crate) const MAX_OPEN: usize = 64;

/// How far an event's time may lie beyond those of the events around it and still be believed, microseconds: clocks differ,
/// and records come slightly out of order.
pub const SKEW: i64 = 60 * 1_000_000;

/// So many of an input's next events say whether the time of one is believed.
const NEXT_EVENTS: usize = 15;

/// Maximum of records that are read ahead in an input to find them.
const MAX_AHEAD: usize = 64;

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
    /// Whether its input is read from its end.
    pub turned: bool,
    /// The time at which it had its turn among the inputs.
    pub turn: Timestamp,
    /// The least time that another input has still to come to; none where there is no other.
    pub others: Option<Timestamp>,
}

impl Received {
    /// A record of the only input.
    #[must_use]
    pub fn alone(record: Record, bookmark: Bookmark) -> Received {
        let turn = record.event_time().unwrap_or(Timestamp::MIN);
        Received { record, bookmark, turned: false, turn, others: None }
    }
}

impl From<Record> for Received {
    /// A record that isn't read on from, as in tests and tools.
    fn from(record: Record) -> Received {
        Received::alone(record, Bookmark::START)
    }
}

/// Decodes inputs and joins them by event time; ties go by the order of the inputs, then by ordinal. Within an input the
/// order of delivery stays, also where its times go back. A dead letter has no time: it comes right where its input has
/// it, after the record before it.
///
/// An event waits for its time only as far as its input confirms it: if most of the next 15 events of the input lie more
/// than [`SKEW`] before it, it waits for the earliest of these instead, so that a forged time delays no other record. Holds
/// so many records of an input whose turn is near, else one, and one decoder a format.
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
    /// The next record, and those that were read to see whether its time is believed.
    ahead: VecDeque<(Record, Bookmark)>,
    /// How many of these are events.
    events: usize,
    ended: bool,
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
            merge.inputs.push(Merged { input, decoder, ahead: VecDeque::new(), events: 0, ended: false });
            let looked = suspends && merge.look(place, processed.time);
            if !looked {
                merge.advance(place, processed.time);
            }
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

    /// Has an input's next record wait for its turn.
    fn advance(&mut self, place: usize, before: Timestamp) {
        let Some(merged) = self.inputs.get_mut(place) else { return };
        let Some((_, decoder)) = self.decoders.get_mut(merged.decoder) else { return };
        merged.read_ahead(place, decoder);
        if let Some(time) = merged.turn(before) {
            self.heads.push(Reverse((time, place)));
        }
    }

    /// The same for an input whose turn may be far: only its next record is held. What comes after it is decoded by a
    /// decoder of its own, since it will be decoded again. Does nothing with what can be read only once.
    fn look(&mut self, place: usize, before: Timestamp) -> bool {
        let Some(merged) = self.inputs.get_mut(place) else { return false };
        let Some((read_as, decoder)) = self.decoders.get_mut(merged.decoder) else { return false };
        merged.read(place, decoder);
        let Some((_, bookmark)) = merged.ahead.front() else { return true };
        let bookmark = *bookmark;
        if !merged.input.rewind(&bookmark) {
            return false;
        }
        let mut passing = Decoder::of_source(read_as.format, read_as.binding.clone(), read_as.time_zone.as_ref());
        merged.read_ahead(place, &mut passing);
        let time = merged.turn(before);
        merged.input.rewind(&bookmark);
        merged.ahead.truncate(1);
        merged.events = usize::from(merged.ahead.front().is_some_and(|(record, _)| record.event_time().is_some()));
        merged.ended = false;
        self.heads.extend(time.map(|time| Reverse((time, place))));
        true
    }
}

impl Merged {
    /// Reads until there are enough events to say whether the time of the first is believed.
    fn read_ahead(&mut self, place: usize, decoder: &mut Decoder) {
        while !self.ended && self.events <= NEXT_EVENTS && self.ahead.len() < MAX_AHEAD {
            self.read(place, decoder);
        }
    }

    fn read(&mut self, place: usize, decoder: &mut Decoder) {
        let ordinal = u32::try_from(place).unwrap_or(u32::MAX);
        let Some(InputRecord { piece, bookmark }) = self.input.next() else {
            decoder.end(ordinal);
            self.input.suspend();
            self.ended = true;
            return;
        };
        let record = decoder.decode(ordinal, piece);
        self.events += usize::from(record.event_time().is_some());
        self.ahead.push_back((record, bookmark));
    }

    /// The time at which the next record has its turn; none at the end. `before` is that of the record before it.
    fn turn(&self, before: Timestamp) -> Option<Timestamp> {
        let (next, _) = self.ahead.front()?;
        let Some(time) = next.event_time() else { return Some(before) };
        let after = self.ahead.iter().skip(1).filter_map(|(record, _)| record.event_time());
        let (mut count, mut behind, mut earliest) = (0_usize, 0_usize, time);
        for other in after.take(NEXT_EVENTS) {
            count += 1;
            behind += usize::from(other.plus_micros(SKEW) < time);
            earliest = earliest.min(other);
        }
        // INVARIANT: as long as at least half of the next events of an input are genuine, none waits longer than the skew for a
        // forged time.
        Some(if behind > 0 && behind >= count.div_ceil(2) { earliest } else { time })
    }

    fn take(&mut self) -> Option<(Record, Bookmark)> {
        let taken = self.ahead.pop_front()?;
        self.events -= usize::from(taken.0.event_time().is_some());
        Some(taken)
    }
}

impl Iterator for Merge {
    type Item = Received;

    fn next(&mut self) -> Option<Received> {
        let Reverse((turn, place)) = self.heads.pop()?;
        let others = self.heads.peek().map(|Reverse((time, _))| *time);
        let merged = self.inputs.get_mut(place)?;
        let turned = merged.input.is_turned();
        let (record, bookmark) = merged.take()?;
        self.advance(place, turn);
        Some(Received { record, bookmark, turned, turn, others })
    }
}
