//! Lines: what a finding was made of stays with the key's state, however rows come in batches, and goes with it.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use countersign_model::vocabulary::{ActionClass, EvidenceRole};
use countersign_model::{Binding, ContextState, Event, Line, StateChange};
use proptest::prelude::*;

use super::*;
use crate::isolate::tests::count;
use crate::rule::RuleStream;
use crate::testing::{Fake, FakeAnswer, FakeCall, call, declaration, judge, rows, second, sequence, slot};
use crate::{LINE_SLOT, Tick};

fn counting() -> RuleStream {
    Fake::stream(declaration("", &slot("count")), count).0
}

/// The lines of findings, by position.
fn lines(outcome: &Outcome) -> Vec<(u64, Line)> {
    outcome.findings.iter().map(|found| (found.finding.position, found.finding.line.clone())).collect()
}

fn unproved() -> Line {
    Line { unproved: true, ..Line::STRONGEST }
}

#[test]
fn an_act_that_authenticated_nobody_weakens_what_is_found_under_its_key_later() {
    let all = rows(&[("find", "ALICE"), ("seen", "?ALICE"), ("seen", "BOB"), ("find", "ALICE"), ("find", "BOB")]);
    let expected = [(0, Line::STRONGEST), (3, unproved()), (4, Line::STRONGEST)];
    assert_eq!(lines(&judge(&mut counting(), &all)), expected);
    let mut stream = counting();
    let alone: Vec<_> = all.iter().flat_map(|row| lines(&stream.judge(&[row]))).collect();
    assert_eq!(alone, expected);
}

#[test]
fn a_row_that_failed_left_nothing() {
    let all = rows(&[("fail", "?ALICE"), ("find", "ALICE")]);
    assert_eq!(lines(&judge(&mut counting(), &all)), [(1, Line::STRONGEST)]);
}

#[test]
fn a_rule_that_remembers_nothing_is_weakened_by_nothing() {
    let (mut stream, _) = Fake::stream(declaration("", ""), |call: &FakeCall<'_>| {
        let mut answer = FakeAnswer::default();
        for (row, _) in call.rows().filter(|(_, operation)| *operation == "find") {
            answer.find(row, "found");
        }
        Ok(answer)
    });
    let outcome = judge(&mut stream, &rows(&[("seen", "?ALICE"), ("find", "ALICE"), ("find", "?ALICE")]));
    assert_eq!(lines(&outcome), [(1, Line::STRONGEST), (2, unproved())]);
}

#[test]
fn a_line_goes_with_the_state_that_was_made() {
    let mut stream = counting();
    let outcome = judge(&mut stream, &rows(&[("seen", "?ALICE")]));
    let changed = |changes: &[StateChange]| -> Vec<(String, bool)> {
        changes.iter().map(|change| (change.slot.clone(), change.entry.is_some())).collect()
    };
    assert_eq!(changed(&outcome.state), [("count".to_owned(), true), (LINE_SLOT.to_owned(), true)], "stored with it");

    // Not yet expired: the line stays.
    stream.tick(Tick { at: second(60) });
    let mut later = rows(&[("seen", "BOB"), ("find", "ALICE")]);
    assert_eq!(lines(&judge(&mut stream, &later.split_off(1))), [(1, unproved())]);

    stream.tick(Tick { at: second(60 * 86_400) });
    assert_eq!(changed(&stream.changes().0), [("count".to_owned(), false), (LINE_SLOT.to_owned(), false)]);
    let outcome = judge(&mut stream, &rows(&[("find", "ALICE")]));
    assert_eq!(lines(&outcome), [(0, Line::STRONGEST)]);
}

#[test]
fn a_line_is_handed_over_with_the_state() {
    let mut stream = counting();
    judge(&mut stream, &rows(&[("seen", "?ALICE")]));
    let carried = stream.take_carried();
    let mut next = counting();
    assert!(next.adopt(carried).rest.is_empty());
    assert_eq!(lines(&judge(&mut next, &rows(&[("find", "ALICE")]))), [(0, unproved())]);
}

#[test]
fn what_a_source_says_that_isnt_bound_has_state_of_its_own() {
    let forged = |number, operation| Event { binding: Binding::NOT_BOUND, ..call(number, operation, "ALICE") };
    let events = vec![forged(0, "seen"), call(1, "find", "ALICE"), forged(2, "find")];
    let outcome = judge(&mut counting(), &sequence(events));
    let found: Vec<_> =
        outcome.findings.iter().map(|found| (found.finding.message.as_str(), &found.finding.line)).collect();
    let not_bound = Line { binding: Binding::NOT_BOUND, ..Line::STRONGEST };
    assert_eq!(
        found,
        [("row 1 of its key", &Line::STRONGEST), ("row 2 of its key", &not_bound)],
        "neither counts the other's"
    );
}

#[test]
fn a_source_that_may_lead_to_less_weakens_what_others_of_the_same_tenant_say() {
    let binding = Binding { highest_class: ActionClass::Challenge, ..Binding::BOUND };
    let limited = Event { binding, ..call(0, "seen", "ALICE") };
    let outcome = judge(&mut counting(), &sequence(vec![limited, call(1, "find", "ALICE")]));
    assert_eq!(lines(&outcome), [(1, Line { binding, ..Line::STRONGEST })]);
}

#[test]
fn a_finding_weakens_what_it_feeds() {
    let mut feeder = counting();
    let outcome = judge(&mut feeder, &rows(&[("seen", "?ALICE"), ("find", "ALICE")]));
    let mut found = outcome.findings[0].clone();
    found.finding.evidence_role = EvidenceRole::MerelyNames;
    found.finding.context = ContextState::Missing;
    let fed = Sequenced::finding_row(&found, 0);
    let mut stream = counting();
    let own = rows(&[("seen", "BOB"), ("seen", "BOB"), ("find", "ALICE")]);
    let outcome = stream.judge(&[&fed, &own[2]]);
    let line = outcome.findings.iter().find(|found| found.finding.position == 2).unwrap().finding.line.clone();
    let fed_by = [(found.finding.rule.clone(), found.finding.confidence)].into();
    assert_eq!(
        line,
        Line {
            evidence_role: EvidenceRole::MerelyNames,
            unproved: true,
            context: ContextState::Missing,
            binding: Binding::BOUND,
            fed_by
        }
    );
}

fn row() -> impl Strategy<Value = (&'static str, &'static str)> {
    let operations = prop_oneof![4 => Just("seen"), 2 => Just("find"), 1 => Just("fail")];
    (operations, prop_oneof![Just("A"), Just("B"), Just("?A"), Just("?B"), Just("")])
}

proptest! {
    /// Batches and ticks between them change nothing.
    #[test]
    fn lines_dont_depend_on_batches(all in proptest::collection::vec(row(), 1..24), batch in 1usize..8, tick in 0usize..24) {
        let all = rows(&all);
        let run = |batch: usize| -> Vec<(u64, Line)> {
            let mut stream = counting();
            let (before, after) = all.split_at(tick.min(all.len()));
            let mut found = Vec::new();
            for part in [before, after] {
                for rows in part.chunks(batch) {
                    found.extend(lines(&stream.judge(&rows.iter().collect::<Vec<_>>())));
                }
                stream.tick(Tick { at: second(0) });
            }
            found
        };
        prop_assert_eq!(run(batch), run(1));
    }
}
