//! How records are delivered: in order, or late, twice, out of turn and damaged, in shares of a thousand.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use countersign_model::Timestamp;

use crate::plan::Planned;
use crate::random::{Random, Stream};
use crate::telemetry::Telemetry;
use crate::time::{MINUTE, SECOND, whole_second};

/// Records held back, at most; beyond it the next are delivered in their turn.
const MAX_HELD: usize = 65_536;
/// From an event to its delivery when nothing is amiss.
const DELIVERY: i64 = 2 * MINUTE;

/// Shares of a thousand of the records. The default is none: everything in order, once and whole.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Disorder {
    /// Delivered 10 to 40 minutes after their turn.
    pub late: u32,
    /// Delivered up to 30 seconds after their turn.
    pub out_of_order: u32,
    /// Delivered twice, the second time up to 2 minutes later, byte for byte the same.
    pub duplicate: u32,
    /// Followed by a damaged copy of themselves. Whole records stay whole, so labels hold.
    pub bad: u32,
}

/// A record as it is delivered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivered {
    /// When it happened, whole seconds, as in the record.
    pub event_time: Timestamp,
    /// When it was delivered; never less than that of the one before.
    pub ingest_time: Timestamp,
    /// The provider's id of the event, also where the record was damaged.
    pub event_id: String,
    /// One line of JSON without a line break; not JSON where the record was damaged so.
    pub line: String,
    /// What happened to it on the way.
    pub delivery: Delivery,
}

/// What happened to a record on its way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Delivery {
    /// Nothing.
    InOrder,
    /// It came out of its turn or late.
    Delayed,
    /// It came before.
    Duplicate,
    /// It is a damaged copy of another record.
    Bad(Bad),
}

/// How a record is damaged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bad {
    /// Cut off in the middle: not JSON.
    Truncated,
    /// Without its time: `eventTime`, `published`, or the three times of a Windows record.
    WithoutTime,
    /// Without the name or number of its kind: `eventName`, `eventType`, `EventID`.
    WithoutName,
    /// JSON, but not an object.
    NotAnObject,
}

/// Delivers planned records.
pub(crate) struct Deliveries<I> {
    records: I,
    telemetry: Telemetry,
    disorder: Disorder,
    random: Random,
    /// The next record in its turn, read ahead to know what is due before it.
    next: Option<Planned>,
    held: BinaryHeap<Reverse<Held>>,
    serial: u64,
    last: Timestamp,
}

#[derive(PartialEq, Eq)]
struct Held {
    due: Timestamp,
    serial: u64,
    record: Planned,
    delivery: Delivery,
}

impl Ord for Held {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (self.due, self.serial).cmp(&(other.due, other.serial))
    }
}

impl PartialOrd for Held {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl<I: Iterator<Item = Planned>> Deliveries<I> {
    pub(crate) fn new(mut records: I, telemetry: Telemetry, disorder: Disorder, seed: u64) -> Deliveries<I> {
        Deliveries {
            next: records.next(),
            records,
            telemetry,
            disorder,
            random: Random::new(seed, Stream::Disorder),
            held: BinaryHeap::new(),
            serial: 0,
            last: Timestamp::MIN,
        }
    }

    fn hold(&mut self, due: Timestamp, record: Planned, delivery: Delivery) {
        self.serial += 1;
        self.held.push(Reverse(Held { due, serial: self.serial, record, delivery }));
    }

    fn deliver(&mut self, due: Timestamp, record: Planned, delivery: Delivery) -> Delivered {
        self.last = self.last.max(due);
        Delivered {
            event_time: whole_second(record.time),
            ingest_time: self.last,
            event_id: record.event_id,
            line: record.line,
            delivery,
        }
    }

    fn later(&mut self, due: Timestamp, low: i64, high: i64) -> Timestamp {
        let wait = self.random.between(low.unsigned_abs(), high.unsigned_abs());
        due.plus_micros(i64::try_from(wait).unwrap_or(high))
    }
}

impl<I: Iterator<Item = Planned>> Iterator for Deliveries<I> {
    type Item = Delivered;

    fn next(&mut self) -> Option<Delivered> {
        loop {
            let turn = self.next.as_ref().map(|record| record.time.plus_micros(DELIVERY));
            let due_first = match (self.held.peek(), turn) {
                (Some(Reverse(held)), Some(turn)) => held.due <= turn,
                (Some(_), None) => true,
                (None, _) => false,
            };
            if due_first {
                let Reverse(held) = self.held.pop()?;
                return Some(self.deliver(held.due, held.record, held.delivery));
            }
            let (record, turn) = (self.next.take()?, turn?);
            self.next = self.records.next();
            if self.held.len() < MAX_HELD {
                if self.random.chance(self.disorder.duplicate) {
                    let due = self.later(turn, 0, 2 * MINUTE);
                    self.hold(due, record.clone(), Delivery::Duplicate);
                }
                if self.random.chance(self.disorder.bad) {
                    let (record, bad) = damage(&mut self.random, self.telemetry, &record);
                    self.hold(turn, record, Delivery::Bad(bad));
                }
                if self.random.chance(self.disorder.late) {
                    let due = self.later(turn, 10 * MINUTE, 40 * MINUTE);
                    self.hold(due, record, Delivery::Delayed);
                    continue;
                }
                if self.random.chance(self.disorder.out_of_order) {
                    let due = self.later(turn, 1, 30 * SECOND);
                    self.hold(due, record, Delivery::Delayed);
                    continue;
                }
            }
            return Some(self.deliver(turn, record, Delivery::InOrder));
        }
    }
}

fn damage(random: &mut Random, telemetry: Telemetry, record: &Planned) -> (Planned, Bad) {
    let (times, name) = telemetry.vital();
    let mut record = record.clone();
    let bad = match random.below(4) {
        0 => {
            let middle = record.line.len() / 2;
            let cut = (0..=middle).rev().find(|place| record.line.is_char_boundary(*place)).unwrap_or(0);
            record.line.truncate(cut);
            Bad::Truncated
        }
        1 => {
            times.iter().for_each(|key| remove(&mut record.line, key));
            Bad::WithoutTime
        }
        2 => {
            remove(&mut record.line, name);
            Bad::WithoutName
        }
        _ => {
            record.line = format!("[\"{}\"]", record.event_id);
            Bad::NotAnObject
        }
    };
    (record, bad)
}

/// Removes a member with a number, or with a text that holds no comma.
fn remove(line: &mut String, key: &str) {
    let Some(start) = line.find(&format!("\"{key}\":")) else { return };
    let Some(length) = line.get(start..).and_then(|rest| rest.find(',')) else { return };
    line.replace_range(start..=start + length, "");
}
