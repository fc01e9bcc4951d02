//! From records to a sequence: redelivered events are only counted, each event gets its position and place in time, and
//! events too far ahead become dead letters.

use std::collections::VecDeque;
use std::sync::Arc;

use countersign_formats::{DeadLetter, DeadReason, Record};
use countersign_model::{Event, RawAddress, Timestamp};
use countersign_stream::{Clock, Sequenced, Tick};

use crate::horizon::{Arrival, HORIZON, Horizon};

/// How many of the next events are witnesses to an event's time.
const WITNESSES: usize = 3;

/// How far beyond its witnesses' times, or its own time of receipt, an event's time may move the clock, microseconds:
/// clocks differ, and records come slightly out of order.
const SKEW: i64 = 60 * 1_000_000;

/// Maximum of records that are read ahead for witnesses; only new events are witnesses.
const MAX_AHEAD: usize = 1_024;

/// The next item of the sequence.
pub enum Next {
    /// An event.
    Event {
        /// The tick that comes before it.
        tick: Option<Tick>,
        /// The event in its place.
        event: Sequenced,
        /// Whether another event had its id with other content.
        id_reused: bool,
    },
    /// An event that came before. It takes no position, moves no clock and reaches no rule.
    Duplicate(RawAddress),
    /// A record that isn't judged: it couldn't become an event, or its time is too far ahead of earlier events.
    DeadLetter(DeadLetter),
}

/// A record that was read.
enum Waiting {
    Event { event: Box<Event>, has_receipt_time: bool, id_reused: bool },
    Duplicate(RawAddress),
    DeadLetter(DeadLetter),
}

/// Puts records into sequence.
pub struct Sequencer<I> {
    records: I,
    horizon: Horizon,
    /// Records that were read ahead for witnesses.
    ahead: VecDeque<Waiting>,
    /// How many of them are new events.
    events_ahead: usize,
    clock: Clock,
    max_gap: i64,
    next_position: u64,
}

impl<I: Iterator<Item = Record>> Sequencer<I> {
    /// `max_gap` in microseconds.
    pub fn new(records: I, max_gap: i64) -> Sequencer<I> {
        Sequencer {
            records,
            horizon: Horizon::new(HORIZON),
            ahead: VecDeque::new(),
            events_ahead: 0,
            clock: Clock::default(),
            max_gap,
            next_position: 0,
        }
    }

    /// Reads the next record. Duplicates are recognised here, because a copy of an event isn't a witness to it.
    fn read(&mut self) -> Option<Waiting> {
        Some(match self.records.next()? {
            Record::DeadLetter(letter) => Waiting::DeadLetter(letter),
            Record::Event { event, has_receipt_time } => match self.horizon.arrive(&event, has_receipt_time) {
                Arrival::Duplicate => Waiting::Duplicate(event.raw),
                arrival => Waiting::Event { event, has_receipt_time, id_reused: arrival == Arrival::IdReused },
            },
        })
    }

    /// The latest time that a majority of the next events have reached; none without next events.
    fn witnessed_time(&mut self) -> Option<Timestamp> {
        while self.events_ahead < WITNESSES && self.ahead.len() < MAX_AHEAD {
            let Some(waiting) = self.read() else { break };
            self.events_ahead += usize::from(matches!(waiting, Waiting::Event { .. }));
            self.ahead.push_back(waiting);
        }
        let times = self.ahead.iter().filter_map(|waiting| match waiting {
            Waiting::Event { event, .. } => Some(event.time),
            Waiting::Duplicate(_) | Waiting::DeadLetter(_) => None,
        });
        let mut witnesses = [Timestamp::MIN; WITNESSES];
        let mut count = 0;
        for (witness, time) in witnesses.iter_mut().zip(times) {
            *witness = time;
            count += 1;
        }
        let witnesses = witnesses.get_mut(..count)?;
        witnesses.sort_unstable();
        // The second of three, the earlier of two, or the only one.
        witnesses.get(count.saturating_sub(1) / 2).copied()
    }

    /// Whether an event is too far ahead of earlier events and of its witnesses. For the first event its witnesses alone
    /// decide.
    fn is_too_far_ahead(&self, time: Timestamp, witnessed: Option<Timestamp>) -> bool {
        let disagree = |witnessed: Timestamp| time.micros_since(witnessed) > self.max_gap;
        match self.clock.now() {
            Some(_) => self.clock.is_ahead(time, self.max_gap) && witnessed.is_none_or(disagree),
            None => witnessed.is_some_and(disagree),
        }
    }
}

impl<I: Iterator<Item = Record>> Iterator for Sequencer<I> {
    type Item = Next;

    fn next(&mut self) -> Option<Next> {
        let waiting = match self.ahead.pop_front() {
            Some(waiting) => {
                self.events_ahead -= usize::from(matches!(waiting, Waiting::Event { .. }));
                waiting
            }
            None => self.read()?,
        };
        let (mut event, has_receipt_time, id_reused) = match waiting {
            Waiting::DeadLetter(letter) => return Some(Next::DeadLetter(letter)),
            Waiting::Duplicate(raw) => return Some(Next::Duplicate(raw)),
            Waiting::Event { event, has_receipt_time, id_reused } => (event, has_receipt_time, id_reused),
        };
        // An event that doesn't move the clock needs no witness.
        let moves = self.clock.now().is_none_or(|now| event.time > now);
        let witnessed = if moves { self.witnessed_time() } else { None };
        if moves && self.is_too_far_ahead(event.time, witnessed) {
            return Some(Next::DeadLetter(far_ahead_letter(&event, self.max_gap)));
        }
        // INVARIANT: if fewer than half of any four consecutive events are forged, the clock is never more than the skew
        // ahead of the latest genuine time: it moves to a genuine event's time, or no further than a genuine witness's.
        // The end of a stream has no witnesses and is trusted, within the maximum gap.
        let mut believed = witnessed.map_or(event.time, |witnessed| witnessed.plus_micros(SKEW));
        if has_receipt_time {
            believed = believed.min(event.ingest_time.plus_micros(SKEW));
        }
        let (tick, placement) = self.clock.place(&event.source, event.time, believed);
        if !has_receipt_time {
            event.ingest_time = placement.clock;
        }
        let position = self.next_position;
        self.next_position += 1;
        Some(Next::Event { tick, event: Sequenced::new(position, Arc::from(event), placement), id_reused })
    }
}

fn far_ahead_letter(event: &Event, max_gap: i64) -> DeadLetter {
    let RawAddress { input, ordinal, offset, length, .. } = event.raw;
    DeadLetter {
        input,
        ordinal,
        offset,
        length,
        reason_code: DeadReason::TimeFarAhead,
        reason: format!(
            "event time {} lies more than {} ahead of the events around it; see `--max-gap`",
            event.time,
            countersign_model::time::format_duration(max_gap)
        ),
        excerpt: String::new(),
        hint: None,
    }
}

#[cfg(test)]
#[path = "../tests/unit/sequence.rs"]
mod tests;
