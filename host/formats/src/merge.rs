//! Joins several inputs into one stream.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use countersign_model::Timestamp;

use crate::record::Record;
use crate::source::Records;

/// Joins inputs by event time; ties go by the order of the arguments, then by ordinal. Within an input the order of
/// delivery stays, also where its times go back. A dead letter has no time: it comes right where its input has it,
/// after the record before it. Holds one record an input.
#[must_use]
pub fn merge(inputs: Vec<Records>) -> Merge {
    let mut merge = Merge {
        inputs: inputs.into_iter().map(|records| Input { records, head: None }).collect(),
        heads: BinaryHeap::new(),
    };
    for place in 0..merge.inputs.len() {
        merge.advance(place, Timestamp::MIN);
    }
    merge
}

/// The joined stream; see [`merge()`].
pub struct Merge {
    inputs: Vec<Input>,
    /// The inputs that have a record waiting, by its time and their place.
    heads: BinaryHeap<Reverse<(Timestamp, usize)>>,
}

struct Input {
    records: Records,
    head: Option<Record>,
}

impl Merge {
    /// Takes an input's next record as its head. A dead letter waits at the time of the record before it.
    fn advance(&mut self, place: usize, before: Timestamp) {
        let Some(input) = self.inputs.get_mut(place) else { return };
        input.head = input.records.next();
        let time = match &input.head {
            Some(Record::Event { event, .. }) => event.time,
            Some(Record::DeadLetter(_)) => before,
            None => return,
        };
        self.heads.push(Reverse((time, place)));
    }
}

impl Iterator for Merge {
    type Item = Record;

    fn next(&mut self) -> Option<Record> {
        let Reverse((time, place)) = self.heads.pop()?;
        let record = self.inputs.get_mut(place).and_then(|input| input.head.take());
        self.advance(place, time);
        record
    }
}
