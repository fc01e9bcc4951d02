//! Events with wrong times, with garbage between them.

use countersign_formats::{Record, SharedAct};
use countersign_inputs::{Bookmark, Received};
use countersign_model::vocabulary::FieldId;
use countersign_model::{Binding, Digest, Value};

use super::*;
use proptest::prelude::*;

const HOUR: i64 = 3_600 * 1_000_000;

/// Hours after an arbitrary beginning.
fn hour(hour: i64) -> Timestamp {
    Timestamp(1_700_000_000_000_000).plus_micros(hour * HOUR)
}

fn address(ordinal: u64) -> RawAddress {
    RawAddress { input: 2, ordinal, offset: ordinal * 100, length: 90, digest: Digest::of(b"") }
}

/// An event of an hour; with `received`, the record has its own time of receipt.
fn event(ordinal: u64, time: Timestamp, received: Option<Timestamp>) -> Record {
    let mut event = countersign_testing::event(ordinal);
    (event.time, event.ingest_time) = (time, received.unwrap_or(time));
    event.raw = address(ordinal);
    Record::Event { event: Box::new(event), has_receipt_time: received.is_some(), occurrence: None, shared: None }
}

fn garbage(ordinal: u64) -> Record {
    Record::DeadLetter(DeadLetter {
        input: 2,
        ordinal,
        offset: ordinal * 100,
        length: 90,
        digest: Digest::of(b""),
        reason_code: DeadReason::MalformedJson,
        reason: "expected a value".to_owned(),
        excerpt: "{".to_owned(),
        hint: None,
    })
}

/// Events of hours, or garbage, in order.
fn records(hours: &[Option<i64>]) -> Vec<Record> {
    (0..)
        .zip(hours)
        .map(|(ordinal, at)| at.map_or_else(|| garbage(ordinal), |at| event(ordinal, hour(at), None)))
        .collect()
}

fn sequencer(records: Vec<Record>) -> impl Iterator<Item = Next> {
    sequence(records.into_iter(), 24 * HOUR)
}

/// The items of the sequence in order: `Ok` for an event with its hour, `Err` for a dead letter.
fn outcome(hours: &[Option<i64>]) -> Vec<Result<i64, DeadReason>> {
    let outcome = sequencer(records(hours)).map(|next| match next {
        Next::Event { event, .. } => Ok(event.event.time.micros_since(hour(0)) / HOUR),
        Next::DeadLetter(letter) => Err(letter.reason_code),
        Next::Duplicate(raw) => panic!("{raw:?} came before"),
    });
    outcome.collect()
}

/// Asserts that exactly these events become dead letters because they are too far ahead.
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
fn an_event_far_ahead_becomes_a_dead_letter_and_the_next_ones_do_not() {
    check(&[at(0), at(1), at(YEARS), at(2), at(3), at(1)], &[2]);
    // A day is not far.
    check(&[at(0), at(24), at(1), at(2), at(3)], &[]);
    check(&[at(0), at(25), at(0), at(0), at(1)], &[1]);
    // Repeatedly.
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
fn an_event_is_no_witness_to_itself() {
    check(&[at(0), at(100)], &[1]);
    // Nor are two against the others.
    check(&[at(0), at(YEARS), at(YEARS), at(1), at(2), at(3)], &[1, 2]);
}

#[test]
fn the_first_event_is_compared_with_the_next_ones() {
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
    let mut sequencer = sequence(garbage_after(records(&[at(0), at(100)])), 24 * HOUR);
    assert!(matches!(sequencer.next(), Some(Next::Event { .. })));
    assert!(sequencer.sequencing.0.waiting.len() <= MAX_WAITING + 1);
    assert!(
        matches!(sequencer.next(), Some(Next::DeadLetter(letter)) if letter.reason_code == DeadReason::TimeFarAhead)
    );
    assert!(sequencer.sequencing.0.waiting.len() <= MAX_WAITING + 1);
    assert!(matches!(sequencer.next(), Some(Next::DeadLetter(letter)) if letter.ordinal == 10));
}

#[test]
fn a_dead_letter_has_its_address_and_reason() {
    let found = sequencer(records(&[at(0), at(48), at(1)])).find_map(|next| match next {
        Next::DeadLetter(letter) => Some(letter),
        _ => None,
    });
    let expected = DeadLetter {
        input: 2,
        ordinal: 1,
        offset: 100,
        length: 90,
        digest: Digest::of(b""),
        reason_code: DeadReason::TimeFarAhead,
        reason: format!("event time {} lies more than 1d ahead of the events around it; see `--max-gap`", hour(48)),
        excerpt: String::new(),
        hint: None,
    };
    assert_eq!(found, Some(expected));
}

/// The events that were judged.
fn events(records: Vec<Record>) -> Vec<Sequenced> {
    let events = sequencer(records).filter_map(|next| match next {
        Next::Event { event, .. } => Some(event),
        _ => None,
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
        // A dead letter: its time moves nothing.
        event(3, hour(YEARS), None),
        event(4, hour(1), None),
        event(5, hour(1), Some(hour(-9))),
        event(6, hour(3), None),
    ]);
    let ingested: Vec<_> = sequenced.iter().map(|event| event.event.ingest_time).collect();
    // The third is an hour ahead of its witnesses: it moves the clock by a minute.
    let minute = hour(1).plus_micros(SKEW);
    assert_eq!(ingested, [hour(1), hour(1), hour(9), minute, hour(-9), hour(3)]);
    let clocks: Vec<_> = sequenced.iter().map(|event| event.clock).collect();
    assert_eq!(clocks, [hour(1), hour(1), minute, minute, minute, hour(3)]);
    assert_eq!(sequenced.iter().map(|event| event.late).collect::<Vec<_>>(), [false, true, false, false, false, false]);
}

#[test]
fn ticks_come_before_the_event_that_brings_them() {
    let second = |second: i64| hour(0).plus_micros(second * 1_000_000);
    let times = [0, 59, 60, 61, 10, 120];
    let records = (0..).zip(times).map(|(ordinal, at)| event(ordinal, second(at), None)).collect();
    let ticks: Vec<_> = sequencer(records)
        .filter_map(|next| match next {
            Next::Event { tick, event, .. } => tick.map(|tick| (event.position, tick.at)),
            _ => None,
        })
        .collect();
    assert_eq!(ticks, [(2, second(60 - 300)), (5, second(120 - 300))]);
}

#[test]
fn times_at_the_ends_of_the_range_saturate() {
    let extremes =
        [Timestamp(i64::MIN), Timestamp(0), Timestamp(i64::MAX), Timestamp(1), Timestamp(i64::MIN), Timestamp(2)];
    let records = (0..).zip(extremes).map(|(ordinal, at)| event(ordinal, at, None)).collect();
    let judged: Vec<_> = events(records).iter().map(|event| event.event.time.micros()).collect();
    assert_eq!(judged, [i64::MIN, 0, 1, i64::MIN, 2]);
}

/// Seconds after an arbitrary beginning.
fn second(second: i64) -> Timestamp {
    hour(0).plus_micros(second * 1_000_000)
}

/// The clock's second after each event that was judged.
fn clocks(seconds: &[i64]) -> Vec<i64> {
    let records = (0..).zip(seconds).map(|(ordinal, at)| event(ordinal, second(*at), None)).collect();
    events(records).iter().map(|event| event.clock.micros_since(second(0)) / 1_000_000).collect()
}

#[test]
fn a_forged_time_moves_the_clock_no_further_than_the_skew_beyond_genuine_ones() {
    assert_eq!(clocks(&[0, 3_600, 1, 2, 3]), [0, 62, 62, 62, 62]);
    // Repeatedly: each is compared with genuine times, not with the clock that earlier forged ones reached.
    let seconds: Vec<i64> = (0..400).map(|at| if at % 4 == 1 { at + 80_000 } else { at }).collect();
    let clocks = clocks(&seconds);
    assert!(clocks.iter().zip(0..).all(|(clock, at)| *clock <= at + 64), "{clocks:?}");
}

#[test]
fn a_quiet_night_passes_when_the_next_events_agree() {
    assert_eq!(clocks(&[0, 1, 36_000, 36_001, 36_002]), [0, 1, 36_000, 36_001, 36_002]);
    // The end has no witnesses.
    assert_eq!(clocks(&[0, 1, 36_000]), [0, 1, 36_000]);
}

#[test]
fn a_time_counts_no_further_than_its_receipt_and_the_skew() {
    let sequenced = events(vec![
        event(0, second(0), Some(second(1))),
        event(1, second(7_200), Some(second(2))),
        event(2, second(7_200), Some(second(3))),
        event(3, second(7_200), Some(second(4))),
        event(4, second(7_200), Some(second(7_200))),
    ]);
    let clocks: Vec<_> = sequenced.iter().map(|event| event.clock.micros_since(second(0)) / 1_000_000).collect();
    assert_eq!(clocks, [0, 62, 63, 64, 7_200]);
}

/// The items of the sequence: positions of events (with whether the id was used before), and `None` for duplicates.
fn arrivals(records: Vec<Record>) -> Vec<Option<(u64, bool)>> {
    let arrivals = sequencer(records).map(|next| match next {
        Next::Event { event, id_reused, .. } => Some((event.position, id_reused)),
        Next::Duplicate(_) => None,
        Next::DeadLetter(letter) => panic!("{letter:?}"),
    });
    arrivals.collect()
}

/// An event with this id that says this.
fn event_with(id: &str, says: &str, received: Option<i64>) -> Record {
    let Record::Event { mut event, has_receipt_time, occurrence, shared } = event(0, second(0), received.map(second))
    else {
        panic!()
    };
    event.id = Arc::from(id);
    event.fields.set(FieldId::ApiRequestData, Value::Json(Arc::from(format!("{{\"says\":\"{says}\"}}"))));
    Record::Event { event, has_receipt_time, occurrence, shared }
}

#[test]
fn a_redelivery_takes_no_position_and_another_content_is_another_event() {
    let records = vec![
        event_with("a", "one", None),
        event_with("b", "one", None),
        event_with("a", "one", None),
        // Guessing an id hides no event.
        event_with("a", "two", None),
        event_with("a", "two", None),
        event_with("b", "one", None),
        event_with("c", "one", None),
    ];
    let expected = [Some((0, false)), Some((1, false)), None, Some((2, true)), None, None, Some((3, false))];
    assert_eq!(arrivals(records), expected);
}

#[test]
fn a_redelivery_may_differ_in_its_time_of_receipt() {
    let other = || {
        let Record::Event { mut event, has_receipt_time, occurrence, shared } = event_with("a", "three", Some(9))
        else {
            panic!()
        };
        event.actor.authenticated = false;
        Record::Event { event, has_receipt_time, occurrence, shared }
    };
    let records = vec![event_with("a", "one", Some(1)), event_with("a", "one", Some(2)), other(), other()];
    assert_eq!(arrivals(records), [Some((0, false)), None, Some((1, true)), None]);
}

#[test]
fn a_redelivery_may_be_spelled_otherwise() {
    let spelled = |request: &str, bytes: &[u8]| {
        let Record::Event { mut event, .. } = event_with("a", "", None) else { panic!() };
        event.fields.set(FieldId::ApiRequestData, Value::Json(Arc::from(request)));
        event.fields.set(FieldId::RawData, Value::Json(Arc::from(String::from_utf8_lossy(bytes))));
        event.raw.digest = Digest::of(bytes);
        Record::Event { event, has_receipt_time: false, occurrence: None, shared: None }
    };
    let records = vec![
        spelled(r#"{"a":1,"b":"\u00e9"}"#, b"one"),
        spelled(r#"{ "b" : "é", "a" : 1.0 }"#, b"two"),
        spelled(r#"{"a":2,"b":"é"}"#, b"three"),
    ];
    assert_eq!(arrivals(records), [Some((0, false)), None, Some((1, true))]);
}

/// A copy of an act with this id, received by `recipient`; `change` makes it differ.
fn copy(id: &str, recipient: &str, change: impl FnOnce(&mut Event)) -> Record {
    let Record::Event { mut event, .. } = event(0, second(0), None) else { panic!() };
    (event.id, event.tenant) = (Arc::from(id), Arc::from(recipient));
    event.fields.set(FieldId::MetadataUid, Value::Text(Arc::from(id)));
    event.fields.set(FieldId::CloudAccountUid, Value::Text(Arc::from(recipient)));
    change(&mut event);
    let differing = vec![FieldId::MetadataUid, FieldId::CloudAccountUid, FieldId::RawData];
    let shared = Some(SharedAct { id: "act".to_owned(), recipient: Arc::from(recipient), differing });
    Record::Event { event, has_receipt_time: false, occurrence: None, shared }
}

#[test]
fn copies_of_an_act_for_others_are_one_event() {
    let same = |_: &mut Event| {};
    let records = vec![
        copy("a", "111", same),
        copy("b", "222", same),
        copy("c", "333", same),
        copy("b", "222", same),
        // Redelivered.
        copy("a", "111", same),
        // The first one's recipient gets no copy of its own record.
        copy("d", "111", same),
    ];
    assert_eq!(arrivals(records), [Some((0, false)), None, None, None, None, Some((1, false))]);
}

#[test]
fn a_copy_that_differs_stands_alone_whichever_comes_first() {
    let changes: [fn(&mut Event); 7] = [
        |event| event.time = event.time.plus_micros(1),
        |event| event.actor.session = Some(Arc::from("another")),
        |event| event.actor.account = "aws:111:another".parse().ok(),
        |event| event.actor.authenticated = !event.actor.authenticated,
        |event| event.fields.set(FieldId::ApiRequestData, Value::Json(Arc::from("{}"))),
        |event| event.fields.set(FieldId::StatusCode, Value::Text(Arc::from("AccessDenied"))),
        // Of a source that is believed less, or more.
        |event| event.binding = Binding::NOT_BOUND,
    ];
    for change in changes {
        let expected = [Some((0, false)), Some((1, false)), None, None];
        let (forged, genuine) = (|id, to| copy(id, to, change), |id, to| copy(id, to, |_: &mut Event| {}));
        let forged_first = vec![forged("a", "111"), genuine("b", "222"), genuine("c", "333"), forged("d", "333")];
        assert_eq!(arrivals(forged_first), expected);
        let genuine_first = vec![genuine("a", "111"), forged("b", "222"), genuine("c", "333"), forged("d", "333")];
        assert_eq!(arrivals(genuine_first), expected);
    }
}

#[test]
fn what_a_source_is_not_believed_about_is_no_witness_to_what_one_is() {
    let flooded = |of: Timestamp| {
        let mut records = Vec::new();
        for (number, at) in (0..60).step_by(2).zip(0..) {
            records.push(event(number * 10, hour(at), None));
            records.extend((1..9).map(|forged| {
                let Record::Event { mut event, .. } = event(number * 10 + forged, of, None) else { panic!() };
                event.binding = Binding::NOT_BOUND;
                Record::Event { event, has_receipt_time: false, occurrence: None, shared: None }
            }));
        }
        let genuine = events(records).into_iter().filter(|event| event.event.binding.bound);
        genuine.map(|event| event.clock.micros_since(hour(0)) / HOUR).collect::<Vec<_>>()
    };
    // Neither is the clock stopped by old times, nor are genuine events too far ahead then.
    assert_eq!(flooded(hour(-YEARS)), (0..30).collect::<Vec<_>>());
}

/// An event of an input beside another that has still to come to this hour.
fn beside(ordinal: u64, at: i64, others: i64) -> Arrival {
    let received = Received::alone(event(ordinal, hour(at), None), Bookmark::START);
    Arrival::new(Received { others: Some(hour(others)), ..received }, None)
}

#[test]
fn no_input_moves_time_beyond_what_another_has_to_come_to() {
    let mut sequencer = Sequencer::new(24 * HOUR, Arc::default());
    // They agree with each other, but another input's next record is of the first hour.
    let arrivals = [beside(0, 0, 0), beside(1, 5, 1), beside(2, 5, 1), beside(3, 5, 1), beside(4, 5, 1)];
    arrivals.into_iter().for_each(|arrival| sequencer.push(arrival.into(), None));
    // More than the gap beyond it.
    (5..9).for_each(|ordinal| sequencer.push(beside(ordinal, YEARS, 1).into(), None));
    sequencer.push(beside(9, 1, 5).into(), None);
    sequencer.end();
    let clocks: Vec<String> = std::iter::from_fn(|| sequencer.next())
        .map(|turn| match turn {
            Turn::Record { next: Next::Event { event, .. }, .. } => {
                format!("{}", event.clock.micros_since(hour(0)) / 1_000_000)
            }
            Turn::Record { next: Next::DeadLetter(letter), .. } => letter.reason_code.code().to_owned(),
            _ => panic!(),
        })
        .collect();
    let far = "time-far-ahead";
    assert_eq!(clocks, ["0", "3660", "3660", "3660", "3660", far, far, far, far, "3660"]);
}

#[test]
fn no_event_moves_time_beyond_the_hosts_own_clock_at_its_arrival() {
    let mut sequencer = Sequencer::new(24 * HOUR, Arc::default());
    for ordinal in 0..6 {
        let received = Received::alone(event(ordinal, hour(i64::from(ordinal > 0) * 5), None), Bookmark::START);
        sequencer.push(Arrival::new(received, Some(second(i64::try_from(ordinal).unwrap()))).into(), None);
    }
    sequencer.end();
    let clocks: Vec<i64> = std::iter::from_fn(|| sequencer.next())
        .map(|turn| match turn {
            Turn::Record { next: Next::Event { event, .. }, .. } => event.clock.micros_since(second(0)) / 1_000_000,
            _ => panic!(),
        })
        .collect();
    assert_eq!(clocks, [0, 61, 62, 63, 64, 65]);
}

#[test]
fn a_copy_is_no_witness() {
    let far = |ordinal| event(ordinal, hour(YEARS), None);
    let copies: Vec<Record> = vec![event(0, hour(0), None), far(1), far(1), far(1), far(1)];
    let items: Vec<_> = sequencer(copies)
        .map(|next| match next {
            Next::Event { .. } => "event",
            Next::Duplicate(_) => "duplicate",
            Next::DeadLetter(_) => "dead letter",
        })
        .collect();
    assert_eq!(items, ["event", "dead letter", "duplicate", "duplicate", "duplicate"]);
}

/// What becomes of inputs that arrive at seconds, each an event of an hour or, without one, time alone; taken in after each
/// push, or only once all were pushed.
fn turns(inputs: &[(i64, Option<i64>)], at_once: bool) -> Vec<String> {
    let mut sequencer = Sequencer::new(24 * HOUR, Arc::default());
    let mut turns = Vec::new();
    let mut drain = |sequencer: &mut Sequencer| {
        while let Some(turn) = sequencer.next() {
            turns.push(match turn {
                Turn::Record { next: Next::Event { tick, event, .. }, .. } => {
                    format!("{} at {} clock {} tick {tick:?}", event.position, event.event.time, event.clock)
                }
                Turn::Record { next: Next::DeadLetter(letter), .. } => letter.reason,
                Turn::Record { next: Next::Duplicate(raw), .. } => format!("{raw:?}"),
                Turn::Time(time, _) => time.to_string(),
                Turn::Generation(..) => "generation".to_owned(),
                Turn::Source(..) => "source".to_owned(),
                Turn::Note(..) => "note".to_owned(),
            });
        }
    };
    for ((arrived, at), ordinal) in inputs.iter().zip(0..) {
        let arrived = hour(YEARS).plus_micros(arrived * 1_000_000);
        sequencer.push(
            match at {
                Some(at) => {
                    let received = Received::alone(event(ordinal, hour(*at), None), Bookmark::START);
                    Input::Record(Arrival::new(received, Some(arrived)))
                }
                None => Input::Time(arrived),
            },
            None,
        );
        if at_once {
            drain(&mut sequencer);
        }
    }
    drain(&mut sequencer);
    sequencer.end();
    drain(&mut sequencer);
    turns
}

#[test]
fn an_event_waits_for_witnesses_for_so_long_by_the_arrivals_after_it() {
    let far = 1_000;
    // Alone for six seconds, the host's clock says; so the event gets its turn, without a witness against it.
    let alone = turns(
        &[(0, Some(0)), (1, Some(1)), (2, Some(1)), (3, Some(1)), (10, Some(20)), (16, None), (17, Some(2))],
        true,
    );
    assert!(alone.iter().any(|turn| turn.contains(&hour(20).to_string())), "{alone:?}");
    // Three that disagree come within five seconds.
    let inputs = [
        (0, Some(0)),
        (1, Some(1)),
        (2, Some(1)),
        (3, Some(1)),
        (10, Some(far)),
        (11, Some(2)),
        (12, Some(2)),
        (14, Some(2)),
    ];
    assert!(turns(&inputs, true).iter().any(|turn| turn.contains("--max-gap")));
}

proptest! {
    /// Which events are witnesses depends on arrivals, never on when judging happens to run.
    #[test]
    fn when_turns_are_taken_does_not_show(
        inputs in prop::collection::vec((0i64..4, prop::option::weighted(0.9, 0i64..60)), 1..60),
    ) {
        let mut at = 0;
        let inputs: Vec<_> = inputs.into_iter().map(|(later, hour)| { at += later; (at, hour) }).collect();
        prop_assert_eq!(turns(&inputs, true), turns(&inputs, false));
    }

    /// With no two forged events within four consecutive ones, and none at the end.
    #[test]
    fn forged_times_never_get_the_clock_further_than_the_skew(
        honest in prop::collection::vec((0i64..3_000, prop::collection::vec(-200_000i64..200_000, 0..2)), 4..60),
    ) {
        let (mut at, mut greatest, mut records, mut forged_before) = (0, 0, Vec::new(), 3);
        for (gap, forged) in &honest {
            for ahead in forged {
                if forged_before >= 3 {
                    records.push(at + ahead);
                    forged_before = 0;
                }
            }
            at += gap;
            greatest = at;
            records.push(at);
            forged_before += 1;
        }
        records.extend([at, at, at]);
        let clocks = clocks(&records);
        prop_assert!(clocks.iter().all(|clock| *clock <= greatest + 60), "{clocks:?} of {records:?}");
        prop_assert!(clocks.is_sorted());
        // And time goes on: forged times don't hold genuine ones back.
        prop_assert!(clocks.last() >= Some(&greatest), "{clocks:?} of {records:?}");
    }
}
