//! The estate's ordinary work: an endless, even flow of activities, made as it is read.

mod machines;
mod people;
mod pipelines;

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use countersign_model::Timestamp;

use crate::cloudtrail::caller::Session;
use crate::estate::Estate;
use crate::plan::{Plan, Planned};
use crate::random::{Random, Stream};
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

/// An instance as it runs now.
struct Running {
    session: Session,
    address: String,
}

/// A person's console session, console user or SSO.
struct SignedIn {
    session: Session,
    /// Through the reserved SSO role rather than as an IAM user.
    sso: bool,
    address: String,
    until: Timestamp,
}

/// What ordinary work remembers between activities.
pub(super) struct Memory {
    running: Vec<Running>,
    signed_in: Vec<Option<SignedIn>>,
    next_run: Vec<Timestamp>,
}

/// The flow itself, in order of time.
pub(crate) struct Ordinary {
    estate: Estate,
    random: Random,
    memory: Memory,
    moves: std::vec::IntoIter<Move>,
    next_move: Option<Move>,
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

impl Ordinary {
    /// `count` records from `start`, `per_minute` of them a minute.
    pub(crate) fn new(
        estate: Estate,
        seed: u64,
        start: Timestamp,
        per_minute: u64,
        count: u64,
        moves: Vec<Move>,
    ) -> Ordinary {
        let mut random = Random::new(seed, Stream::Ordinary);
        let memory = Memory {
            running: estate
                .instances
                .iter()
                .map(|instance| Running {
                    session: Session::new(&mut random, start.plus_micros(-90 * MINUTE), false),
                    address: instance.public_address.clone(),
                })
                .collect(),
            signed_in: estate.people.iter().map(|_| None).collect(),
            next_run: estate.jobs.iter().map(|_| start).collect(),
        };
        let mut moves = moves.into_iter();
        Ordinary {
            next_move: moves.next(),
            moves,
            estate,
            random,
            memory,
            start,
            per_minute: per_minute.max(1),
            left: count,
            emitted: 0,
            serial: 0,
            last: start,
            pending: BinaryHeap::new(),
        }
    }

    /// When the next record is due by the even flow.
    fn due(&self) -> Timestamp {
        let micros = u128::from(self.emitted) * MINUTE.unsigned_abs() as u128 / u128::from(self.per_minute);
        self.start.plus_micros(i64::try_from(micros).unwrap_or(i64::MAX)).max(self.last)
    }

    fn begin_activity(&mut self, now: Timestamp) {
        while let Some(change) = self.next_move.take_if(|change| change.time <= now) {
            if let Some(running) = self.memory.running.get_mut(change.instance) {
                running.address = change.address;
                running.session = Session::new(&mut self.random, change.time, false);
            }
            self.next_move = self.moves.next();
        }
        let mut plan = Plan::new(&self.estate, &mut self.random, now);
        match plan.random.below(100) {
            0..44 => people::work(&mut plan, &mut self.memory),
            44..72 => machines::instance(&mut plan, &self.memory),
            72..84 => machines::function(&mut plan),
            84..87 => machines::service(&mut plan),
            87..89 => machines::container(&mut plan),
            89 => machines::report(&mut plan),
            90..95 => machines::job(&mut plan, &mut self.memory),
            95..99 => pipelines::check(&mut plan),
            _ => pipelines::deploy(&mut plan),
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
