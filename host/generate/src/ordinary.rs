//! The estate's ordinary work: an endless, even flow of activities, made as it is read.

mod cloudtrail;
mod okta;
mod windows;

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use countersign_model::Timestamp;

use crate::estate::Estate;
use crate::plan::{Plan, Planned};
use crate::random::{Random, Stream};
use crate::telemetry::Telemetry;
use crate::time::MINUTE;

/// Records waiting for their turn, at most; beyond it no activity begins.
const MAX_PENDING: usize = 16_384;

/// An instance comes back at another public address.
#[derive(Clone, Debug)]
pub(crate) struct Move {
    pub(crate) time: Timestamp,
    /// Place of the instance in the estate.
    pub(crate) instance: usize,
    pub(crate) address: String,
}

/// What the work seen by one system remembers between activities.
enum Memory {
    CloudTrail(cloudtrail::Memory),
    Okta(okta::Memory),
    WindowsSecurity(windows::Memory),
}

/// The flow itself, in order of time.
pub(crate) struct Ordinary {
    estate: Estate,
    random: Random,
    memory: Memory,
    start: Timestamp,
    per_minute: u64,
    /// Records still to come.
    left: u64,
    emitted: u64,
    serial: u64,
    last: Timestamp,
    pending: BinaryHeap<Reverse<Waiting>>,
}

#[derive(PartialEq, Eq)]
struct Waiting {
    record: Planned,
    serial: u64,
}

impl Ord for Waiting {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (self.record.time, self.serial).cmp(&(other.record.time, other.serial))
    }
}

impl PartialOrd for Waiting {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

/// How much ordinary work there is.
#[derive(Clone, Copy)]
pub(crate) struct Flow {
    pub(crate) start: Timestamp,
    /// Records a minute.
    pub(crate) per_minute: u64,
    /// Records in all.
    pub(crate) count: u64,
}

impl Ordinary {
    /// The work of an estate as one system sees it.
    pub(crate) fn new(telemetry: Telemetry, estate: Estate, seed: u64, flow: Flow, moves: Vec<Move>) -> Ordinary {
        let mut random = Random::new(seed, Stream::Ordinary(telemetry));
        let memory = match telemetry {
            Telemetry::CloudTrail => {
                Memory::CloudTrail(cloudtrail::Memory::new(&estate, &mut random, flow.start, moves))
            }
            Telemetry::Okta => Memory::Okta(okta::Memory::new(&estate)),
            Telemetry::WindowsSecurity => Memory::WindowsSecurity(windows::Memory::new(&estate, flow.start)),
        };
        Ordinary {
            estate,
            random,
            memory,
            start: flow.start,
            per_minute: flow.per_minute.max(1),
            left: flow.count,
            emitted: 0,
            serial: 0,
            last: flow.start,
            pending: BinaryHeap::new(),
        }
    }

    /// When the next record is due by the even flow.
    fn due(&self) -> Timestamp {
        let micros = u128::from(self.emitted) * MINUTE.unsigned_abs() as u128 / u128::from(self.per_minute);
        self.start.plus_micros(i64::try_from(micros).unwrap_or(i64::MAX)).max(self.last)
    }

    fn begin_activity(&mut self, now: Timestamp) {
        let mut plan = Plan::new(&self.estate, &mut self.random, now);
        match &mut self.memory {
            Memory::CloudTrail(memory) => cloudtrail::begin(&mut plan, memory),
            Memory::Okta(memory) => okta::begin(&mut plan, memory),
            Memory::WindowsSecurity(memory) => windows::begin(&mut plan, memory),
        }
        for record in plan.out {
            self.serial += 1;
            self.pending.push(Reverse(Waiting { record, serial: self.serial }));
        }
    }
}

impl Iterator for Ordinary {
    type Item = Planned;

    fn next(&mut self) -> Option<Planned> {
        self.left = self.left.checked_sub(1)?;
        let due = self.due();
        // Every activity makes at least one call at once, so one is enough; the bound is for the proof, not the case.
        for _ in 0..8 {
            let waits = self.pending.peek().is_some_and(|Reverse(first)| first.record.time <= due);
            if waits || self.pending.len() >= MAX_PENDING {
                break;
            }
            self.begin_activity(due);
        }
        let Reverse(first) = self.pending.pop()?;
        self.emitted += 1;
        self.last = first.record.time;
        Some(first.record)
    }
}
