//! In which direction of time a file was written: exports of consoles, queries and searches often come newest first.

use countersign_formats::{Decoder, Record};
use countersign_model::Timestamp;

use crate::input::Input;
use crate::merge::ReadAs;

/// So many neighbours at the beginning of a file tell its direction.
const MAX_NEIGHBOURS: u64 = 4_096;

/// Neighbours of which the later one has an earlier time, and the other way round. Equal times tell nothing.
#[derive(Default)]
struct Tally {
    before: Option<Timestamp>,
    neighbours: u64,
    falls: u64,
    rises: u64,
}

impl Tally {
    fn add(&mut self, time: Timestamp) {
        if let Some(before) = self.before.replace(time) {
            self.neighbours += 1;
            self.falls += u64::from(time < before);
            self.rises += u64::from(time > before);
        }
    }

    /// Whether nine in ten of the times that differ fall.
    fn falls(&self) -> bool {
        self.falls > 0 && self.falls * 10 >= (self.falls + self.rises) * 9
    }

    /// Whether nothing that follows makes nine in ten of them fall.
    fn cannot_fall(&self) -> bool {
        self.rises * 10 > MAX_NEIGHBOURS
    }
}

/// Whether an input that hasn't been read from is newest first: of the first 4,096 neighbours among its events, nine in ten
/// of those whose times differ fall. Where its source is believed about some of its events, only these count: what others
/// wrote into it turns nothing.
pub(crate) fn is_newest_first(input: &mut dyn Input, read_as: &ReadAs) -> bool {
    let mut decoder = Decoder::of_source(read_as.format, read_as.binding.clone(), read_as.time_zone.as_ref());
    let (mut all, mut bound) = (Tally::default(), Tally::default());
    while all.neighbours < MAX_NEIGHBOURS && !bound.cannot_fall() {
        let Some(record) = input.next() else { break };
        let Record::Event { event, .. } = decoder.decode(0, record.piece) else { continue };
        all.add(event.time);
        if event.binding.bound {
            bound.add(event.time);
        }
    }
    if bound.neighbours > 0 { bound.falls() } else { all.falls() }
}
