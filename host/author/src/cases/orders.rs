//! Other orders of a case's records in which its rules must find the same: events of unrelated keys change places.
//!
//! Permuted are the events between two ticks, except the first, which brings the tick. Two events are related if they have
//! the same key for any rule of the case; related events stay in their order. Dead letters, redeliveries and late events
//! stay where they are, and nothing crosses them. An order is used only if its sequence has the same ticks, at the same
//! times and between the same events, and the same late events: then a rule can see nothing but the order itself, and the
//! watermark within a tick.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use countersign_declaration::Declaration;
use countersign_formats::Record;
use countersign_model::vocabulary::PartitionKey;
use countersign_model::{RawAddress, Timestamp};
use countersign_stream::partition_key;

use countersign_session::SessionOptions;
use countersign_session::sequence::{self, Next};

/// How many orders are tried.
const ORDERS: u64 = 4;

/// Maximum length of a run of events that is permuted: the cost grows with its square.
const MAX_RUN: usize = 256;

/// Another order.
pub(super) struct Order {
    /// The records in it.
    pub(super) records: Vec<Record>,
    /// A description: the first event that changed places, and how many did.
    pub(super) shown: String,
}

/// Some orders in which rules with these declarations must find the same as in the given one; none if all consecutive
/// events are related.
pub(super) fn orders<'d>(records: &[Record], rules: impl Iterator<Item = &'d Declaration>) -> Vec<Order> {
    let keys: BTreeSet<PartitionKey> =
        rules.map(|rule| rule.partition_key).filter(|key| *key != PartitionKey::None).collect();
    let sequence = Sequence::of(records);
    let runs = runs(records, &sequence);
    let keyed: Vec<Vec<Option<String>>> = records.iter().map(|record| keys_of(record, &keys)).collect();
    let mut seen = BTreeSet::from([(0..records.len()).collect::<Vec<usize>>()]);
    let mut orders = Vec::new();
    for seed in 0..ORDERS {
        let order = permute(records.len(), &runs, &keyed, seed);
        if !seen.insert(order.clone()) {
            continue;
        }
        let permuted: Vec<Record> = order.iter().filter_map(|place| records.get(*place)).cloned().collect();
        if Sequence::of(&permuted) == sequence {
            orders.push(Order { shown: describe(records, &order), records: permuted });
        }
    }
    orders
}

/// A record's place in its input.
type Place = (u32, u64);

fn place(raw: &RawAddress) -> Place {
    (raw.input, raw.ordinal)
}

/// The parts of a sequence that mustn't change.
#[derive(PartialEq, Eq, Default)]
struct Sequence {
    ticks: Vec<Timestamp>,
    /// For each event, how many ticks came before it, and whether it is late.
    events: BTreeMap<Place, (usize, bool)>,
    others: BTreeSet<Place>,
}

impl Sequence {
    fn of(records: &[Record]) -> Sequence {
        let mut sequence = Sequence::default();
        for next in sequence::sequence(records.iter().cloned(), SessionOptions::MAX_GAP) {
            match next {
                Next::Event { tick, event, .. } => {
                    sequence.ticks.extend(tick.map(|tick| tick.at));
                    sequence.events.insert(place(&event.event.raw), (sequence.ticks.len(), event.late));
                }
                Next::Duplicate(raw) => {
                    sequence.others.insert(place(&raw));
                }
                Next::DeadLetter(letter) => {
                    sequence.others.insert((letter.input, letter.ordinal));
                }
            }
        }
        sequence
    }
}

/// The runs of records, by their places, within which events may change places.
fn runs(records: &[Record], sequence: &Sequence) -> Vec<Vec<usize>> {
    let mut runs: Vec<Vec<usize>> = Vec::new();
    let mut run = Vec::new();
    let mut ticks = None;
    for (at, record) in records.iter().enumerate() {
        let known = match record {
            Record::Event { event, .. } => sequence.events.get(&place(&event.raw)),
            Record::DeadLetter(_) => None,
        };
        match known {
            Some((before, false)) if ticks == Some(*before) && run.len() < MAX_RUN => run.push(at),
            _ => runs.push(std::mem::take(&mut run)),
        }
        ticks = known.map(|(before, _)| *before).or(ticks);
    }
    runs.push(run);
    runs.retain(|run| run.len() > 1);
    runs
}

fn keys_of(record: &Record, keys: &BTreeSet<PartitionKey>) -> Vec<Option<String>> {
    match record {
        Record::Event { event, .. } => keys.iter().map(|key| partition_key(*key, event)).collect(),
        Record::DeadLetter(_) => Vec::new(),
    }
}

/// All places, with those of each run permuted: any event may come next whose earlier related events have come.
fn permute(records: usize, runs: &[Vec<usize>], keyed: &[Vec<Option<String>>], seed: u64) -> Vec<usize> {
    let related = |a: usize, b: usize| match (keyed.get(a), keyed.get(b)) {
        (Some(a), Some(b)) => a.iter().zip(b).any(|(a, b)| a.is_some() && a == b),
        _ => true,
    };
    let mut order: Vec<usize> = (0..records).collect();
    let mut random = seed;
    for run in runs {
        let mut left = run.clone();
        for place in run {
            let free = |at: &usize| {
                let (before, from) = left.split_at(*at);
                from.first().is_some_and(|event| !before.iter().any(|earlier| related(*earlier, *event)))
            };
            let free: Vec<usize> = (0..left.len()).filter(free).collect();
            let drawn = match seed {
                // In the first order each event moves as far forward as it can.
                0 => free.last(),
                _ => free.get(usize::try_from(draw(&mut random) % free.len().max(1) as u64).unwrap_or_default()),
            };
            let (Some(drawn), Some(slot)) = (drawn, order.get_mut(*place)) else { continue };
            *slot = left.remove(*drawn);
        }
    }
    order
}

/// `SplitMix64` (Steele, Lea and Flood, 2014).
fn draw(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let value = (*state ^ (*state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}

fn describe(records: &[Record], order: &[usize]) -> String {
    let id = |at: usize| match records.get(at) {
        Some(Record::Event { event, .. }) => Arc::clone(&event.id),
        _ => Arc::from(""),
    };
    let moved: Vec<(usize, usize)> = order.iter().copied().enumerate().filter(|(at, from)| at != from).collect();
    let first = moved.first().map_or_else(String::new, |(at, from)| format!("`{}` before `{}`", id(*from), id(*at)));
    format!("{first}, {} events moved", moved.len())
}

#[cfg(test)]
#[path = "../../tests/unit/cases_orders.rs"]
mod tests;
