//! Records whose clocks are wrong, garbage between them, and what is made of it.

use countersign_model::vocabulary::{EventClass, Usage};
use countersign_model::{Actor, Digest, Event, Fields, RawAddress};

use super::*;

const HOUR: i64 = 3_600 * 1_000_000;

/// Hours after an arbitrary beginning.
fn hour(hour: i64) -> Timestamp {
    Timestamp(1_700_000_000_000_000).plus_micros(hour * HOUR)
}

fn address(ordinal: u64) -> RawAddress {
    RawAddress { input: 2, ordinal, offset: ordinal * 100, length: 90, digest: Digest::of(b"") }
}

/// An event of an hour; `Some` hour of receipt is the record's own word.
fn event(ordinal: u64, time: Timestamp, received: Option<Timestamp>) -> Record {
    let event = Event {
        source: "example",
        tenant: Arc::from("111122223333"),
        id: Arc::from(format!("event-{ordinal}")),
        class: EventClass::ApiActivity,
        time,
        ingest_time: received.unwrap_or(time),
        actor: Actor {
            account: None,
            usage: Usage::Programmatic,
            authenticated: true,
            session: None,
            token: None,
            grant: None,
        },
        chain: Vec::new(),
        target: None,
        fields: Fields::default(),
        raw: address(ordinal),
    };
    Record::Event { event: Box::new(event), has_receipt_time: received.is_some() }
}

fn garbage(ordinal: u64) -> Record {
    Record::DeadLetter(DeadLetter {
        input: 2,
        ordinal,
        offset: ordinal * 100,
        length: 90,
        reason_code: DeadReason::MalformedJson,
        reason: "expected a value".to_owned(),
        excerpt: "{".to_owned(),
    })
}

/// Events of hours, or garbage, in order.
fn records(hours: &[Option<i64>]) -> Vec<Record> {
    (0..)
        .zip(hours)
        .map(|(ordinal, at)| at.map_or_else(|| garbage(ordinal), |at| event(ordinal, hour(at), None)))
        .collect()
}

fn sequencer(records: Vec<Record>) -> Sequencer<impl Iterator<Item = Record>> {
    Sequencer::new(records.into_iter(), 24 * HOUR)
}

/// What became of each record, in the order in which it comes out: `Ok` the event of an hour, `Err` what was set aside.
fn outcome(hours: &[Option<i64>]) -> Vec<Result<i64, DeadReason>> {
    let outcome = sequencer(records(hours)).map(|next| match next {
        Next::Event(_, event) => Ok(event.event.time.micros_since(hour(0)) / HOUR),
        Next::SetAside(letter) => Err(letter.reason_code),
    });
    outcome.collect()
}

/// The hours that were set aside as too far ahead, and nothing else was.
#[track_caller]
fn check(hours: &[Option<i64>], ahead: &[usize]) {
    let expected: Vec<_> = hours
        .iter()
        .enumerate()
        .map(|(place, at)| match at {
            Some(_) if ahead.contains(&place) => Err(DeadReason::TimeFarAhead),
            Some(at) => Ok(*at),
            None => Err(DeadReason::MalformedJson),
        })
        .collect();
    assert_eq!(outcome(hours), expected);
}

const NO: Option<i64> = None;
const YEARS: i64 = 100_000;

fn at(hour: i64) -> Option<i64> {
    Some(hour)
}

#[test]
fn a_record_far_ahead_is_set_aside_and_the_next_ones_are_not() {
    check(&[at(0), at(1), at(YEARS), at(2), at(3), at(1)], &[2]);
    // A day is not far.
    check(&[at(0), at(24), at(1), at(2), at(3)], &[]);
    check(&[at(0), at(25), at(0), at(0), at(1)], &[1]);
    // Again and again.
    check(&[at(0), at(YEARS), at(1), at(YEARS), at(2), at(YEARS), at(3), at(4), at(4)], &[1, 3, 5]);
}

#[test]
fn time_moves_on_when_most_of_the_next_events_agree() {
    check(&[at(0), at(100), at(100), at(101), at(102)], &[]);
    // One of three is behind, two are.
    check(&[at(0), at(100), at(1), at(100), at(101), at(102)], &[]);
    check(&[at(0), at(100), at(1), at(2), at(101), at(102), at(103), at(104)], &[1]);
    // A stream with an event every two days is no stream of wrong clocks.
    check(&[at(0), at(48), at(96), at(144), at(192)], &[4]);
}

#[test]
fn one_record_has_no_say_about_itself() {
    check(&[at(0), at(100)], &[1]);
    // Nor do two against the others.
    check(&[at(0), at(YEARS), at(YEARS), at(1), at(2), at(3)], &[1, 2]);
}

#[test]
fn the_first_event_is_held_against_the_next_ones() {
    check(&[at(YEARS), at(0), at(1), at(2)], &[0]);
    check(&[at(YEARS), at(0), at(YEARS), at(1), at(2), at(3)], &[0, 2]);
    check(&[at(0), at(1), at(2)], &[]);
    check(&[at(0)], &[]);
    check(&[at(24), at(0), at(1)], &[]);
    // Far behind is not far ahead: the next ones agree with each other.
    check(&[at(-YEARS), at(0), at(1), at(2), at(3)], &[]);
}

#[test]
fn garbage_is_no_witness() {
    // Neither for nor against.
    check(&[at(0), at(100), NO, NO, NO, at(101), at(102), at(103)], &[]);
    check(&[at(0), at(YEARS), NO, NO, NO, at(1), at(2), at(3)], &[1]);
    check(&[at(0), NO, NO, NO, NO], &[]);
    check(&[NO, at(0), NO, NO, NO, at(1)], &[]);
    check(&[at(YEARS), NO, NO, NO, at(0), at(1)], &[0]);
    check(&[at(0), at(100), NO, NO, NO], &[1]);
}

#[test]
fn garbage_without_end_is_not_held_in_memory() {
    let garbage_after = |first: Vec<Record>| first.into_iter().chain((10..).map(garbage));
    let mut sequencer = Sequencer::new(garbage_after(records(&[at(0), at(100)])), 24 * HOUR);
    assert!(matches!(sequencer.next(), Some(Next::Event(..))));
    assert!(sequencer.ahead.len() <= MOST_AHEAD);
    assert!(matches!(sequencer.next(), Some(Next::SetAside(letter)) if letter.reason_code == DeadReason::TimeFarAhead));
    assert!(sequencer.ahead.len() <= MOST_AHEAD);
    assert!(matches!(sequencer.next(), Some(Next::SetAside(letter)) if letter.ordinal == 10));
}

#[test]
fn what_is_set_aside_says_where_it_is_and_why() {
    let set_aside = sequencer(records(&[at(0), at(48), at(1)])).find_map(|next| match next {
        Next::SetAside(letter) => Some(letter),
        Next::Event(..) => None,
    });
    let expected = DeadLetter {
        input: 2,
        ordinal: 1,
        offset: 100,
        length: 90,
        reason_code: DeadReason::TimeFarAhead,
        reason: format!("event time {} lies more than 1d ahead of the events around it; see `--max-gap`", hour(48)),
        excerpt: String::new(),
    };
    assert_eq!(set_aside, Some(expected));
}

/// The events that were judged.
fn events(records: Vec<Record>) -> Vec<Sequenced> {
    let events = sequencer(records).filter_map(|next| match next {
        Next::Event(_, event) => Some(event),
        Next::SetAside(_) => None,
    });
    events.collect()
}

#[test]
fn positions_count_events_only() {
    let sequenced = events(records(&[NO, at(0), NO, at(YEARS), at(1), NO, at(2), at(3)]));
    let places: Vec<_> = sequenced.iter().map(|event| (event.position, event.event.raw.ordinal)).collect();
    assert_eq!(places, [(0, 1), (1, 4), (2, 6), (3, 7)]);
}

#[test]
fn ingest_time_is_the_records_own_or_the_greatest_event_time_so_far() {
    let sequenced = events(vec![
        event(0, hour(1), None),
        event(1, hour(0), None),
        event(2, hour(2), Some(hour(9))),
        // Set aside: its time is nobody's.
        event(3, hour(YEARS), None),
        event(4, hour(1), None),
        event(5, hour(1), Some(hour(-9))),
        event(6, hour(3), None),
    ]);
    let ingested: Vec<_> = sequenced.iter().map(|event| event.event.ingest_time).collect();
    assert_eq!(ingested, [1, 1, 9, 2, -9, 3].map(hour));
    assert_eq!(sequenced.iter().map(|event| event.clock).collect::<Vec<_>>(), [1, 1, 2, 2, 2, 3].map(hour));
    assert_eq!(sequenced.iter().map(|event| event.late).collect::<Vec<_>>(), [false, true, false, true, true, false]);
}

#[test]
fn ticks_come_before_the_event_that_brings_them() {
    let second = |second: i64| hour(0).plus_micros(second * 1_000_000);
    let times = [0, 59, 60, 61, 10, 120];
    let records = (0..).zip(times).map(|(ordinal, at)| event(ordinal, second(at), None)).collect();
    let ticks: Vec<_> = sequencer(records)
        .filter_map(|next| match next {
            Next::Event(tick, event) => tick.map(|tick| (event.position, tick.at)),
            Next::SetAside(_) => None,
        })
        .collect();
    assert_eq!(ticks, [(2, second(60 - 300)), (5, second(120 - 300))]);
}

#[test]
fn times_at_the_ends_of_the_range_are_held_there() {
    let extremes =
        [Timestamp(i64::MIN), Timestamp(0), Timestamp(i64::MAX), Timestamp(1), Timestamp(i64::MIN), Timestamp(2)];
    let records = (0..).zip(extremes).map(|(ordinal, at)| event(ordinal, at, None)).collect();
    let judged: Vec<_> = events(records).iter().map(|event| event.event.time.micros()).collect();
    assert_eq!(judged, [i64::MIN, 0, 1, i64::MIN, 2]);
}
