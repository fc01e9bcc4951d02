//! From inputs to a sequence: redelivered events are only counted, each event gets its position and place in time, and
//! events too far ahead become dead letters. Every input takes its turn in the order in which it was pushed; one that
//! waits for witnesses to its time holds back those after it.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use countersign_formats::{DeadLetter, DeadReason};
use countersign_inputs::{Received, SKEW};
use countersign_model::{Event, HostNote, Patience, Place, RawAddress, SourceId, SourceStanding, Timestamp};
use countersign_stream::{Claim, Clock, Sequenced, Tick};

use crate::horizon::{Arrival as Known, HORIZON, Horizon};
use crate::input::{Arrival, Arrived, Input, Swap, Taken};

/// How many of the next events are witnesses to an event's time.
const WITNESSES: usize = 3;

/// Maximum of inputs that wait behind one for witnesses; only new events are witnesses.
const MAX_WAITING: usize = 1_024;

/// How long an event waits for witnesses after its arrival, by the arrivals of the inputs after it, microseconds. Without
/// arrivals, as in a replay, it waits until the inputs end.
pub const MAX_WAIT: i64 = 5 * 1_000_000;

/// What a record becomes in its turn.
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

/// The input whose turn has come.
#[expect(clippy::large_enum_variant, reason = "nearly every turn is a record, and none is kept")]
pub(crate) enum Turn {
    /// A record.
    Record {
        taken: Taken,
        /// The clock before the record, where a tick comes between: what is committed before the tick has that clock.
        before_tick: Option<Box<Clock>>,
        next: Next,
    },
    /// Time passed.
    Time(Timestamp, Option<Place>),
    /// Another generation.
    Generation(Swap, Option<Place>),
    /// A source stands otherwise.
    Source(SourceStanding, Option<Place>),
    /// A note of the host.
    Note(HostNote, Option<Place>),
}

/// An input that waits for its turn.
struct Waiting {
    /// When it arrived, or the input before it if that is later.
    arrived: Option<Timestamp>,
    /// The place after it in a recorder, if it comes of one.
    place: Option<Place>,
    what: What,
}

enum What {
    Event { event: Arc<Event>, has_receipt_time: bool, id_reused: bool, others: Option<Timestamp>, taken: Taken },
    Duplicate { raw: RawAddress, taken: Taken },
    DeadLetter { letter: DeadLetter, taken: Taken },
    Time(Timestamp),
    Generation(Swap),
    Source(SourceStanding),
    Note(HostNote),
}

/// Puts inputs into sequence.
pub(crate) struct Sequencer {
    horizon: Horizon,
    waiting: VecDeque<Waiting>,
    clock: Clock,
    max_gap: i64,
    next_position: u64,
    /// The greatest arrival of what was pushed.
    arrived: Option<Timestamp>,
    /// Whether no more inputs come for now: nothing waits any longer.
    ended: bool,
}

impl Sequencer {
    /// `max_gap` in microseconds.
    pub(crate) fn new(max_gap: i64, patience: Arc<BTreeMap<SourceId, Patience>>) -> Sequencer {
        let mut clock = Clock::default();
        clock.set_patience(patience);
        Sequencer::resume(max_gap, clock, 0, Horizon::new(HORIZON))
    }

    /// Goes on after what was taken before.
    pub(crate) fn resume(max_gap: i64, clock: Clock, next_position: u64, horizon: Horizon) -> Sequencer {
        let arrived = clock.arrived();
        Sequencer { horizon, waiting: VecDeque::new(), clock, max_gap, next_position, arrived, ended: false }
    }

    /// How long the records of sources are waited for from here on.
    pub(crate) fn set_patience(&mut self, patience: Arc<BTreeMap<SourceId, Patience>>) {
        self.clock.set_patience(patience);
    }

    /// The clock after all that was taken.
    pub(crate) fn clock(&self) -> &Clock {
        &self.clock
    }

    /// The position of the next event.
    pub(crate) fn position(&self) -> u64 {
        self.next_position
    }

    /// Gives the position of the next event to something else.
    pub(crate) fn take_position(&mut self) -> u64 {
        let position = self.next_position;
        self.next_position += 1;
        position
    }

    /// Takes in the host's own time.
    pub(crate) fn arrive(&mut self, arrived: Timestamp) {
        self.clock.arrive(arrived);
    }

    /// Takes in a tick without an event.
    pub(crate) fn pass(&mut self, tick: Tick) {
        self.clock.pass(tick);
    }

    /// Adds an input behind all others. Redeliveries are recognised here, because a copy of an event isn't a witness to it.
    pub(crate) fn push(&mut self, input: Input, place: Option<Place>) {
        self.ended = false;
        let (arrived, what) = match input {
            Input::Record(arrival) => (arrival.arrived, self.record(arrival)),
            Input::Time(time) => (Some(time), What::Time(time)),
            Input::Generation(swap) => (None, What::Generation(swap)),
            Input::Source(standing) => (None, What::Source(standing)),
            Input::Note(note) => (None, What::Note(note)),
        };
        self.arrived = self.arrived.max(arrived);
        self.waiting.push_back(Waiting { arrived: arrived.and(self.arrived), place, what });
    }

    fn record(&mut self, arrival: Arrival) -> What {
        let Arrival { what, bookmark, turned, turn, others, arrived: _ } = arrival;
        let taken = |input, length, digest| Taken {
            input,
            length,
            bookmark,
            turn,
            turned,
            digest,
            fingerprint: None,
            act: None,
            occurrence: None,
            source: None,
            place: None,
        };
        match what {
            Arrived::DeadLetter(letter) => {
                let taken = taken(letter.input, letter.length, letter.digest);
                What::DeadLetter { letter, taken }
            }
            Arrived::Event { event, has_receipt_time, occurrence, fingerprint, act } => {
                let RawAddress { input, length, digest, .. } = event.raw;
                let mut taken = taken(input, length, digest);
                taken.source = occurrence.is_some().then(|| event.source.clone());
                taken.occurrence = occurrence;
                let copied = act.is_some_and(|act| self.horizon.has_copy(act));
                let known = if copied { Known::Duplicate } else { self.horizon.arrive(fingerprint) };
                if known == Known::Duplicate {
                    return What::Duplicate { raw: event.raw, taken };
                }
                taken.fingerprint = Some(fingerprint);
                taken.act = act.filter(|act| self.horizon.arrive(*act) != Known::Duplicate);
                let id_reused = known == Known::IdReused;
                What::Event { event, has_receipt_time, id_reused, others, taken }
            }
        }
    }

    /// Nothing more comes for now: what waits for witnesses gets its turn without them.
    pub(crate) fn end(&mut self) {
        self.ended = true;
    }

    /// Whether an input waits for its turn.
    pub(crate) fn has_waiting(&self) -> bool {
        !self.waiting.is_empty()
    }

    /// The next input whose turn has come; none while the first waits for witnesses, or if there is none.
    pub(crate) fn next(&mut self) -> Option<Turn> {
        let moves = match &self.waiting.front()?.what {
            // An event that doesn't move the clock needs no witness.
            What::Event { event, .. } => self.clock.now().is_none_or(|now| event.time > now),
            _ => false,
        };
        let witnessed = if moves { self.witnessed_time()? } else { None };
        let Waiting { arrived, place, what } = self.waiting.pop_front()?;
        // Time that passed has its effect by ticks of its own.
        if let Some(arrived) = arrived.filter(|_| !matches!(what, What::Time(_))) {
            self.clock.arrive(arrived);
        }
        let (mut event, has_receipt_time, id_reused, others, taken) = match what {
            What::DeadLetter { letter, taken } => {
                return Some(unjudged(Taken { place, ..taken }, Next::DeadLetter(letter)));
            }
            What::Duplicate { raw, taken } => return Some(unjudged(Taken { place, ..taken }, Next::Duplicate(raw))),
            What::Time(time) => return Some(Turn::Time(time, place)),
            What::Generation(swap) => return Some(Turn::Generation(swap, place)),
            What::Source(standing) => return Some(Turn::Source(standing, place)),
            What::Note(note) => return Some(Turn::Note(note, place)),
            What::Event { event, has_receipt_time, id_reused, others, taken } => {
                (event, has_receipt_time, id_reused, others, Taken { place, ..taken })
            }
        };
        if moves && self.is_too_far_ahead(event.time, witnessed, others) {
            return Some(unjudged(taken, Next::DeadLetter(far_ahead_letter(&event, self.max_gap))));
        }
        // INVARIANT: if fewer than half of any four consecutive events are forged, the clock is never more than the skew
        // ahead of the latest genuine time: it moves to a genuine event's time, or no further than a genuine witness's.
        // The end of a stream has no witnesses and is trusted, within the maximum gap.
        // Neither is it more than the skew ahead of what another input has still to come to, nor of the host's own time.
        let received = has_receipt_time.then_some(event.ingest_time);
        let bounds = [witnessed, received, others, arrived].into_iter().flatten();
        let believed = bounds.map(|bound| bound.plus_micros(SKEW)).fold(event.time, Timestamp::min);
        let claim = Claim { source: &event.source, time: event.time, believed, bound: event.binding.bound };
        let plan = self.clock.plan(claim);
        let before_tick = plan.tick.map(|_| Box::new(self.clock.clone()));
        self.clock.apply(&event.source, &plan);
        if !has_receipt_time {
            Arc::make_mut(&mut event).ingest_time = plan.placement.clock;
        }
        let position = self.take_position();
        let event = Sequenced::new(position, event, plan.placement);
        Some(Turn::Record { taken, before_tick, next: Next::Event { tick: plan.tick, event, id_reused } })
    }

    /// The latest time that a majority of the next events have reached, none without next events; or nothing yet, while
    /// the first input still waits for them. Which events are witnesses depends on the inputs alone, never on when this is
    /// asked. What a source isn't believed about is no witness to what one is.
    fn witnessed_time(&self) -> Option<Option<Timestamp>> {
        let first = self.waiting.front()?;
        let of_bound = matches!(&first.what, What::Event { event, .. } if event.binding.bound);
        let until = first.arrived.map(|arrived| arrived.plus_micros(MAX_WAIT));
        let mut witnesses = [Timestamp::MIN; WITNESSES];
        let mut count = 0;
        let mut decided = self.ended;
        for (behind, waiting) in self.waiting.iter().skip(1).enumerate() {
            let late = until.is_some_and(|until| waiting.arrived.is_some_and(|arrived| arrived > until));
            if late || behind >= MAX_WAITING {
                decided = true;
                break;
            }
            if let What::Event { event, .. } = &waiting.what
                && (event.binding.bound || !of_bound)
            {
                if let Some(witness) = witnesses.get_mut(count) {
                    *witness = event.time;
                }
                count += 1;
                if count == WITNESSES {
                    decided = true;
                    break;
                }
            }
        }
        decided |= self.waiting.len() > MAX_WAITING;
        if !decided {
            return None;
        }
        let witnesses = witnesses.get_mut(..count)?;
        witnesses.sort_unstable();
        // The second of three, the earlier of two, or the only one.
        Some(witnesses.get(count.saturating_sub(1) / 2).copied())
    }

    /// Whether an event is too far ahead of earlier events and of its witnesses, or of what another input has still to come
    /// to. For the first event of a single input its witnesses alone decide.
    fn is_too_far_ahead(&self, time: Timestamp, witnessed: Option<Timestamp>, others: Option<Timestamp>) -> bool {
        let disagree = |witnessed: Timestamp| time.micros_since(witnessed) > self.max_gap;
        if others.is_some_and(disagree) {
            return true;
        }
        match self.clock.now() {
            Some(_) => self.clock.is_ahead(time, self.max_gap) && witnessed.is_none_or(disagree),
            None => witnessed.is_some_and(disagree),
        }
    }
}

fn unjudged(taken: Taken, next: Next) -> Turn {
    Turn::Record { taken, before_tick: None, next }
}

/// Records in the sequence in which a session judges them, with the same positions.
pub struct Sequence<I> {
    sequencing: Sequencing,
    records: I,
}

/// Puts records into sequence, as they come of one input or joined of several. `max_gap` in microseconds, as in
/// [`SessionOptions`](crate::SessionOptions).
pub fn sequence<I: Iterator<Item: Into<Received>>>(records: I, max_gap: i64) -> Sequence<I> {
    Sequence { sequencing: Sequencing::new(max_gap), records }
}

impl<I> Sequence<I> {
    /// The clock after the records so far.
    #[must_use]
    pub fn clock(&self) -> &Clock {
        self.sequencing.0.clock()
    }

    /// The position of the next event.
    #[must_use]
    pub fn position(&self) -> u64 {
        self.sequencing.0.position()
    }
}

impl<I: Iterator<Item: Into<Received>>> Iterator for Sequence<I> {
    type Item = Next;

    fn next(&mut self) -> Option<Next> {
        loop {
            if let Some(next) = self.sequencing.take() {
                return Some(next);
            }
            match self.records.next() {
                Some(record) => self.sequencing.push(Arrival::of(record).into()),
                None if self.sequencing.0.ended => return None,
                None => self.sequencing.end(),
            }
        }
    }
}

/// Puts inputs into sequence as they are pushed. Nothing judges them: ticks have no timers, which take positions of their own
/// in a session.
pub struct Sequencing(Sequencer);

impl Sequencing {
    /// `max_gap` in microseconds, as in [`SessionOptions`](crate::SessionOptions).
    #[must_use]
    pub fn new(max_gap: i64) -> Sequencing {
        Sequencing(Sequencer::new(max_gap, Arc::default()))
    }

    /// Adds an input behind all others.
    pub fn push(&mut self, input: Input) {
        self.0.push(input, None);
    }

    /// No more inputs come for now: what waits for witnesses has its turn without them.
    pub fn end(&mut self) {
        self.0.end();
    }

    /// The next record whose turn has come; none while the first waits for witnesses, or if there is none.
    pub fn take(&mut self) -> Option<Next> {
        loop {
            match self.0.next()? {
                Turn::Record { next, .. } => return Some(next),
                Turn::Time(arrived, _) => {
                    self.0.arrive(arrived);
                    let ticks: Vec<Tick> = self.0.clock().ticks_until(arrived).collect();
                    ticks.into_iter().for_each(|tick| self.0.pass(tick));
                }
                Turn::Generation(swap, _) => self.0.set_patience(swap.patience),
                Turn::Source(..) | Turn::Note(..) => {}
            }
        }
    }
}

fn far_ahead_letter(event: &Event, max_gap: i64) -> DeadLetter {
    let RawAddress { input, ordinal, offset, length, digest } = event.raw;
    DeadLetter {
        input,
        ordinal,
        offset,
        length,
        digest,
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
