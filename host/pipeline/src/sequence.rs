//! From records to a sequence: each event its position and place in time, records too far ahead set aside.

use std::collections::VecDeque;
use std::sync::Arc;

use countersign_model::Timestamp;
use countersign_sources::{DeadLetter, DeadReason, Record};
use countersign_stream::{Clock, Sequenced, Tick};

/// How many of the next events are asked whether they agree with one that lies far ahead.
const WITNESSES: usize = 3;

/// The most records that wait while witnesses are looked for: what couldn't become an event is none.
const MOST_AHEAD: usize = 1_024;

/// What comes next.
pub(crate) enum Next {
    /// An event, and the tick that comes before it.
    Event(Option<Tick>, Sequenced),
    /// A record that isn't judged: it couldn't become an event, or lies too far ahead of what has been seen.
    SetAside(DeadLetter),
}

/// Puts records into sequence.
pub(crate) struct Sequencer<I> {
    records: I,
    /// Looked at to see whether they agree, and still to come.
    ahead: VecDeque<Record>,
    clock: Clock,
    max_gap: i64,
    next_position: u64,
}

impl<I: Iterator<Item = Record>> Sequencer<I> {
    /// `max_gap` in microseconds.
    pub(crate) fn new(records: I, max_gap: i64) -> Sequencer<I> {
        Sequencer { records, ahead: VecDeque::new(), clock: Clock::default(), max_gap, next_position: 0 }
    }

    /// Whether most of the next events lie near this time, or past it, rather than near what was seen before: then time
    /// has moved on, and it isn't this record's clock that is wrong. None when there are no next events.
    fn agreed(&mut self, time: Timestamp) -> Option<bool> {
        let mut events = self.ahead.iter().filter(|record| matches!(record, Record::Event { .. })).count();
        while events < WITNESSES && self.ahead.len() < MOST_AHEAD {
            let Some(record) = self.records.next() else { break };
            events += usize::from(matches!(record, Record::Event { .. }));
            self.ahead.push_back(record);
        }
        let near = self.ahead.iter().filter_map(|record| match record {
            Record::Event { event, .. } => Some(time.micros_since(event.time) <= self.max_gap),
            Record::DeadLetter(_) => None,
        });
        let votes: Vec<bool> = near.take(WITNESSES).collect();
        (!votes.is_empty()).then(|| votes.iter().filter(|near| **near).count() * 2 > votes.len())
    }

    /// The first event has nothing before it to be far ahead of: the next ones decide.
    fn too_far_ahead(&mut self, time: Timestamp) -> bool {
        match self.clock.greatest() {
            Some(_) => self.clock.is_ahead(time, self.max_gap) && self.agreed(time) != Some(true),
            None => self.agreed(time) == Some(false),
        }
    }
}

impl<I: Iterator<Item = Record>> Iterator for Sequencer<I> {
    type Item = Next;

    fn next(&mut self) -> Option<Next> {
        let record = match self.ahead.pop_front() {
            Some(record) => record,
            None => self.records.next()?,
        };
        let (mut event, has_receipt_time) = match record {
            Record::DeadLetter(letter) => return Some(Next::SetAside(letter)),
            Record::Event { event, has_receipt_time } => (event, has_receipt_time),
        };
        if self.too_far_ahead(event.time) {
            return Some(Next::SetAside(DeadLetter {
                input: event.raw.input,
                ordinal: event.raw.ordinal,
                offset: event.raw.offset,
                length: event.raw.length,
                reason_code: DeadReason::TimeFarAhead,
                reason: format!(
                    "event time {} lies more than {} ahead of the events around it; see `--max-gap`",
                    event.time,
                    countersign_model::time::format_duration(self.max_gap)
                ),
                excerpt: String::new(),
            }));
        }
        let tick = self.clock.tick_before(event.time);
        let placement = self.clock.place(event.time);
        if !has_receipt_time {
            event.ingest_time = placement.clock;
        }
        let position = self.next_position;
        self.next_position += 1;
        Some(Next::Event(tick, Sequenced::new(position, Arc::from(event), placement)))
    }
}

#[cfg(test)]
mod tests;
