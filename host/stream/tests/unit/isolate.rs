//! Rules that fail and hang: which rows are set aside, what stops a rule for a source, and how many calls it takes.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use countersign_model::HeldRows;
use proptest::prelude::*;

use super::*;
use crate::QuarantineThreshold;
use crate::holds::{BegunHold, HELD_FOR, HoldCause, Holds};
use crate::testing::{Fake, FakeAnswer, FakeCall, declaration, failed, failure, found, judge, rows, slot, state};

/// Counts the rows of each key and keeps the last two references; `find` finds, citing what is kept. `fail` traps.
pub(super) fn count(sheet: &FakeCall<'_>) -> Result<FakeAnswer, CallFailure> {
    if sheet.has("fail") {
        return failure(FailureKind::Trap);
    }
    let mut answer = FakeAnswer::default();
    for (row, operation) in sheet.rows() {
        let Some(key) = sheet.key(row) else {
            if operation == "find" {
                answer.find(row, "without a key");
            }
            continue;
        };
        let (blob, mut kept) = answer
            .states
            .remove(&(0, key))
            .unwrap_or_else(|| (sheet.blob(0, key).to_vec(), sheet.kept(0, key).to_vec()));
        let count = blob.first().copied().unwrap_or_default() + 1;
        if operation == "find" {
            let finding = answer.find(row, &format!("row {count} of its key"));
            finding.evidence = kept.clone();
        }
        kept.push(sheet.reference(row));
        kept.drain(..kept.len().saturating_sub(2));
        answer.set_state(0, key, &[count], &kept);
    }
    Ok(answer)
}

pub(super) fn counting() -> (RuleStream, Arc<Fake>) {
    Fake::stream(declaration("", &slot("count")), count)
}

#[test]
fn a_trap_sets_aside_its_row_and_nothing_else() {
    let (mut stream, fake) = counting();
    judge(&mut stream, &rows(&[("seen", "ALICE"), ("seen", "BOB")]));
    let outcome = judge(
        &mut stream,
        &rows(&[
            ("seen", "ALICE"),
            ("find", "BOB"),
            ("seen", "ALICE"),
            ("fail", "ALICE"),
            ("find", "ALICE"),
            ("find", ""),
            ("fail", ""),
        ]),
    );
    assert_eq!(failed(&outcome), [(3, FailureKind::Trap), (6, FailureKind::Trap)]);
    assert_eq!(outcome.failures[0].failure.message, "as the test wants");
    assert_eq!(found(&outcome), [(1, "row 2 of its key"), (4, "row 4 of its key"), (5, "without a key")]);
    let state = state(&outcome);
    assert_eq!(state[0], ("aws:111122223333:ALICE", vec![4], vec!["event-2", "event-4"]));
    assert_eq!(state[1], ("aws:111122223333:BOB", vec![2], vec!["event-1", "event-1"]));
    assert!(outcome.begun.is_empty() && outcome.disagreements.is_empty());
    assert!(fake.calls().contains(&7));
}

#[test]
fn a_key_whose_rows_all_fail_keeps_the_state_that_it_had() {
    let (mut stream, _) = counting();
    judge(&mut stream, &rows(&[("seen", "ALICE")]));
    let outcome = judge(&mut stream, &rows(&[("fail", "ALICE"), ("seen", "BOB"), ("fail", "ALICE")]));
    assert_eq!(state(&outcome), [("aws:111122223333:BOB", vec![1], vec!["event-1"])]);
    let outcome = judge(&mut stream, &rows(&[("find", "ALICE")]));
    assert_eq!(found(&outcome), [(0, "row 2 of its key")]);
}

/// For every kind of failure, a row is set aside only if it fails alone, with fewer than two calls per row.
#[test]
fn every_kind_of_failure_is_split_down_to_the_row() {
    use FailureKind::{FuelExhausted, InvalidAnswer, MemoryExceeded, OutputExceeded, StackOverflow, Trap};
    for kind in [Trap, FuelExhausted, MemoryExceeded, OutputExceeded, StackOverflow, InvalidAnswer] {
        let (mut stream, fake) =
            Fake::stream(declaration("", ""), move |sheet: &FakeCall<'_>| match sheet.operations.len() {
                // More than three rows at once fail, and so does the bad row.
                0..4 if !sheet.has("bad") => Ok(FakeAnswer::default()),
                _ => failure(kind),
            });
        let all: Vec<(&str, &str)> = (0..50).map(|row| (if row % 17 == 4 { "bad" } else { "good" }, "ALICE")).collect();
        let outcome = judge(&mut stream, &rows(&all));
        assert_eq!(failed(&outcome), [(4, kind), (21, kind), (38, kind)]);
        assert!(fake.calls().len() < 2 * 50, "{kind:?}: {}", fake.calls().len());
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn fuel_that_runs_out_costs_at_most_two_calls_a_row(
        costs in proptest::collection::vec(prop_oneof![8 => 1usize..8, 1 => 90usize..120], 1..150),
        fuel in 8usize..101,
    ) {
        let (mut stream, fake) = Fake::stream(declaration("", ""), move |sheet: &FakeCall<'_>| {
            let cost: usize = sheet.operations.iter().map(|cost| cost.parse::<usize>().unwrap()).sum();
            if cost > fuel { failure(FailureKind::FuelExhausted) } else { Ok(FakeAnswer::default()) }
        });
        let operations: Vec<String> = costs.iter().map(ToString::to_string).collect();
        let all: Vec<(&str, &str)> = operations.iter().map(|cost| (cost.as_str(), "ALICE")).collect();
        // Repeated: what was learnt about fuel must not make it worse.
        for _ in 0..3 {
            let before = fake.calls().len();
            let outcome = judge(&mut stream, &rows(&all));
            let alone = (0u64..).zip(&costs).filter(|(_, cost)| **cost > fuel);
            let alone: Vec<_> = alone.map(|(position, _)| (position, FailureKind::FuelExhausted)).collect();
            prop_assert_eq!(failed(&outcome), alone);
            prop_assert!(fake.calls().len() - before <= 2 * costs.len());
        }
    }
}

/// Where the rule was stopped, and for which source.
fn stopped(outcome: &Outcome) -> Vec<(u64, &str)> {
    let begun = outcome.begun.iter().map(|one| {
        let BegunHold { hold, cause } = &one.begun;
        assert_eq!(*cause, HoldCause::Deadline { message: "as the test wants".to_owned() });
        assert_eq!((hold.rows, &hold.party, hold.since), (HeldRows::All, &None, one.row.clock));
        assert_eq!((&hold.source, hold.until), (&one.row.event.source, hold.since.plus_micros(HELD_FOR)));
        (one.row.position, &*hold.source)
    });
    begun.collect()
}

#[test]
fn a_deadline_is_retried_alone_and_then_stops_the_rule_for_the_source() {
    let (mut stream, fake) = Fake::stream(declaration("", &slot("count")), |sheet: &FakeCall<'_>| {
        if sheet.has("hang") { failure(FailureKind::Deadline) } else { count(sheet) }
    });
    let all = [("find", "ALICE"), ("fail", "BOB"), ("hang", "BOB"), ("find", "ALICE"), ("hang", "ALICE")];
    let outcome = judge(&mut stream, &rows(&all));
    assert_eq!(stopped(&outcome), [(2, "example")]);
    // Findings before it stay, and nothing after it is judged; the row itself isn't set aside.
    assert_eq!((found(&outcome), failed(&outcome)), (vec![(0, "row 1 of its key")], vec![(1, FailureKind::Trap)]));
    assert_eq!((outcome.delivered, outcome.held), (3, 2));
    // The batch, the first row and its recheck, the second, and the one that hangs: alone, once.
    assert_eq!(fake.calls(), [5, 1, 1, 1, 1]);
    // Nor does it judge the source's later rows, but those of another.
    let outcome = judge(&mut stream, &of_sources(&[("find", "ALICE", "example"), ("find", "BOB", "other")]));
    assert_eq!((found(&outcome), outcome.held), (vec![(1, "row 1 of its key")], 1));
}

/// Misses the deadline in the calls with these numbers, from 0.
fn hangs_in(calls: &'static [usize]) -> (RuleStream, Arc<Fake>) {
    let made = AtomicUsize::new(0);
    Fake::stream(declaration("", &slot("count")), move |sheet: &FakeCall<'_>| {
        let call = made.fetch_add(1, Ordering::Relaxed);
        if calls.contains(&call) { failure(FailureKind::Deadline) } else { count(sheet) }
    })
}

#[test]
fn a_single_missed_deadline_costs_no_row() {
    let all = [("find", "ALICE"), ("seen", "BOB"), ("find", "BOB")];
    let (mut stream, _) = counting();
    let undisturbed = judge(&mut stream, &rows(&all));
    // In the batch, and in each of the one-row calls of a finding.
    for call in 0..4 {
        let call: &'static [usize] = [&[0], &[1], &[2], &[3]][call];
        let (mut stream, fake) = hangs_in(call);
        let outcome = judge(&mut stream, &rows(&all));
        assert!(outcome.begun.is_empty() && outcome.failures.is_empty() && outcome.disagreements.is_empty());
        assert_eq!(
            (found(&outcome), state(&outcome)),
            (found(&undisturbed), state(&undisturbed)),
            "{call:?} {:?}",
            fake.calls()
        );
    }
}

/// A row that comes alone has a second try too.
#[test]
fn a_row_in_a_batch_of_its_own_is_retried() {
    let (mut stream, fake) = hangs_in(&[0]);
    let outcome = judge(&mut stream, &rows(&[("seen", "ALICE")]));
    assert!(outcome.begun.is_empty());
    assert_eq!(fake.calls(), [1, 1]);
    let (mut stream, fake) = hangs_in(&[0, 1]);
    let outcome = judge(&mut stream, &rows(&[("seen", "ALICE")]));
    assert_eq!(stopped(&outcome), [(0, "example")]);
    assert_eq!(fake.calls(), [1, 1]);
}

/// A rule that is quick in a batch and hangs alone: rows of all keys before the one at which it stops are judged, and rows
/// after it if they are of other sources.
#[test]
fn one_row_calls_follow_the_order_of_the_stream() {
    let (mut stream, fake) = Fake::stream(declaration("", &slot("count")), |sheet: &FakeCall<'_>| {
        if sheet.operations == ["hang"] { failure(FailureKind::Deadline) } else { count(sheet) }
    });
    let all = [
        ("find", "ALICE", "one"),
        ("seen", "CAROL", "one"),
        ("find", "", "one"),
        ("hang", "ALICE", "one"),
        ("seen", "CAROL", "one"),
        ("find", "ALICE", "two"),
        ("find", "", "one"),
    ];
    let outcome = judge(&mut stream, &of_sources(&all));
    assert_eq!(stopped(&outcome), [(3, "one")]);
    assert_eq!(found(&outcome), [(0, "row 1 of its key"), (2, "without a key"), (5, "row 2 of its key")]);
    assert_eq!(state(&outcome)[1], ("aws:111122223333:CAROL", vec![1], vec!["event-1"]));
    assert!(outcome.disagreements.is_empty(), "a missed deadline is no contradiction");
    // The batch, alone up to the one that hangs twice; what is left before it; after it the other source's, and its recheck.
    assert_eq!(fake.calls(), [7, 1, 1, 1, 1, 1, 1, 1]);
}

#[test]
fn a_stopped_rule_is_not_called_again() {
    let (mut stream, fake) = hangs_in(&[0, 2]);
    let outcome = judge(&mut stream, &rows(&[("seen", "A"), ("seen", "B"), ("seen", "C"), ("seen", "D")]));
    assert_eq!(stopped(&outcome), [(1, "example")]);
    assert_eq!(fake.calls(), [4, 1, 1]);
}

/// Rows with an operation, a subject and a source each.
fn of_sources(all: &[(&str, &str, &str)]) -> Vec<Sequenced> {
    let plain: Vec<(&str, &str)> = all.iter().map(|(operation, subject, _)| (*operation, *subject)).collect();
    let mut rows = rows(&plain);
    for (row, (_, _, source)) in rows.iter_mut().zip(all) {
        Arc::make_mut(&mut row.event).source = (*source).into();
    }
    rows
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// Whether a rule hangs in whatever call has a row, or only where the row is called alone for its finding.
    #[test]
    fn where_a_rule_stops_does_not_show_the_batch(
        all in proptest::collection::vec(
            (
                prop_oneof![8 => Just("seen"), 6 => Just("find"), 2 => Just("fail"), 1 => Just("hang"), 1 => Just("tire")],
                prop_oneof![Just("A"), Just("B"), Just("C"), Just("")],
                prop_oneof![Just("one"), Just("two"), Just("three")],
            ),
            1..40,
        ),
        size in 2usize..20,
    ) {
        let rows = of_sources(&all);
        let run = |size: usize| {
            let (stream, _) = Fake::stream(declaration("", &slot("count")), |sheet: &FakeCall<'_>| {
                if sheet.has("hang") || sheet.operations == ["tire"] {
                    return failure(FailureKind::Deadline);
                }
                let mut answer = count(sheet)?;
                for (row, _) in sheet.rows().filter(|(_, operation)| *operation == "tire") {
                    answer.find(row, "only in a batch");
                }
                Ok(answer)
            });
            let mut stream = stream.with_holds(Holds::new(QuarantineThreshold { min_accounts: 3, percent: 60 }));
            let mut seen: Vec<String> = Vec::new();
            let mut kept = BTreeMap::new();
            for rows in rows.chunks(size) {
                let outcome = judge(&mut stream, rows);
                assert!(outcome.disagreements.is_empty());
                seen.extend(found(&outcome).iter().map(|one| format!("{one:?}")));
                seen.extend(failed(&outcome).iter().map(|one| format!("{one:?}")));
                seen.extend(outcome.begun.iter().map(|one| format!("{} {:?}", one.row.position, one.begun)));
                let state = state(&outcome).into_iter();
                kept.extend(state.map(|(key, blob, events)| (key.to_owned(), format!("{blob:?} {events:?}"))));
                seen.push(format!("{} of {}", outcome.held, rows.len()));
            }
            let held: u64 = seen.iter().filter_map(|one| one.split_once(" of ")?.0.parse::<u64>().ok()).sum();
            seen.retain(|one| !one.contains(" of ") || one.contains('('));
            seen.sort();
            let counts: Vec<_> = stream.holds_mut().take_changes();
            (seen, kept, held, counts)
        };
        prop_assert_eq!(run(size), run(1));
    }
}
