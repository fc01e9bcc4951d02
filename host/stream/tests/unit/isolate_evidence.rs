//! Evidence of findings: which events one-row calls may cite, and how they are resolved.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use std::sync::Arc;

use countersign_model::vocabulary::{EvidenceRole, SubjectRole};
use countersign_model::{ContextState, Digest};

use super::*;
use crate::isolate::tests::{count, counting};
use crate::outcome::Outcome;
use crate::rule::RuleStream;
use crate::testing::{
    Fake, FakeAnswer, FakeCall, declaration, declared, event, failed, found, judge, rows, second, sequence, slot,
    state, text,
};

fn evidence(found: &BundledFinding) -> Vec<&str> {
    found.finding.evidence.iter().map(|evidence| evidence.event_id.as_str()).collect()
}

fn disagreed(outcome: &Outcome) -> Vec<(u64, &str)> {
    outcome.disagreements.iter().map(|one| (one.row.position, one.what)).collect()
}

#[test]
fn rows_without_a_key_cant_cite_each_other() {
    let (mut stream, _) = Fake::stream(declaration("", &slot("count")), |sheet: &FakeCall<'_>| {
        let mut answer = FakeAnswer::default();
        let shown = sheet.reference(0);
        if let Some((row, _)) = sheet.rows().find(|(_, operation)| *operation == "find") {
            answer.find(row, "found").evidence = vec![shown, sheet.reference(row)];
        }
        Ok(answer)
    });
    let outcome = judge(&mut stream, &rows(&[("seen", ""), ("find", "")]));
    // The batch is refused; alone the row cites itself.
    assert_eq!((failed(&outcome), disagreed(&outcome)), (vec![], vec![]));
    assert_eq!(outcome.findings.iter().map(evidence).collect::<Vec<_>>(), [["event-1"]]);
    let mut stream = stream_that_cites_any();
    let outcome = judge(&mut stream, &rows(&[("seen", ""), ("find", "")]));
    assert_eq!((failed(&outcome), disagreed(&outcome)), (vec![(1, FailureKind::InvalidAnswer)], vec![]));
}

/// Cites the first row that it was ever shown.
fn stream_that_cites_any() -> RuleStream {
    let first = std::sync::OnceLock::new();
    let (stream, _) = Fake::stream(declaration("", &slot("count")), move |sheet: &FakeCall<'_>| {
        let mut answer = FakeAnswer::default();
        let shown = *first.get_or_init(|| sheet.reference(0));
        if let Some((row, _)) = sheet.rows().find(|(_, operation)| *operation == "find") {
            answer.find(row, "found").evidence = vec![shown];
        }
        Ok(answer)
    });
    stream
}

#[test]
fn evidence_is_the_rows_own_first_and_each_event_once() {
    let (mut stream, _) = Fake::stream(declaration("", &slot("count")), |sheet: &FakeCall<'_>| {
        let mut answer = count(sheet)?;
        for finding in &mut answer.plain.findings {
            finding.evidence.push(sheet.reference(finding.row));
        }
        if let Some(first) = answer.plain.findings.first().cloned() {
            let twice = vec![first.evidence[1], first.evidence[1]];
            answer.plain.findings.push(AnswerFinding { evidence: twice, ..first });
        }
        Ok(answer)
    });
    let outcome =
        judge(&mut stream, &rows(&[("seen", "ALICE"), ("seen", "BOB"), ("seen", "ALICE"), ("find", "ALICE")]));
    let cited: Vec<_> = outcome.findings.iter().map(evidence).collect();
    assert_eq!(cited, [vec!["event-3", "event-0", "event-2"], vec!["event-3", "event-2"]]);
    let finding = &outcome.findings[0].finding;
    assert_eq!(
        (finding.event_id.as_str(), finding.event_time, finding.context),
        ("event-3", second(3), ContextState::Complete)
    );
    let raw: Vec<Digest> = [3u64, 0, 2].map(|number| Digest::of(&number.to_be_bytes())).to_vec();
    assert_eq!(finding.evidence.iter().map(|evidence| evidence.raw).collect::<Vec<_>>(), raw);
}

/// In a batch a rule can cite another row of the key from the same call; alone only what was kept.
#[test]
fn a_row_that_was_not_kept_cant_be_cited_alone() {
    let (mut stream, _) = Fake::stream(declaration("", &slot("count")), |sheet: &FakeCall<'_>| {
        let mut answer = FakeAnswer::default();
        // Its references are in the blob, where the host doesn't see them.
        let key = sheet.key(0).unwrap();
        let mut first = sheet.blob(0, key).to_vec();
        for (row, operation) in sheet.rows() {
            if operation == "seen" {
                first = sheet.reference(row).to_be_bytes()[..4].to_vec();
            }
            if operation == "find" {
                let shown =
                    (0..row).map(|row| sheet.reference(row)).find(|shown| shown.to_be_bytes()[..4] == first[..]);
                answer.find(row, "found").evidence = vec![shown.unwrap_or(7)];
            }
        }
        answer.set_state(0, key, &first, &[]);
        Ok(answer)
    });
    let outcome = judge(&mut stream, &rows(&[("seen", "ALICE"), ("find", "ALICE")]));
    assert_eq!((found(&outcome), failed(&outcome)), (vec![], vec![(1, FailureKind::InvalidAnswer)]));
    let message = &outcome.failures[0].failure.message;
    assert_eq!(message, "reference 0000000000000007 is neither the row's own nor kept with its key");
}

#[test]
fn kept_references_move_between_slots_and_go_with_their_key() {
    let (mut stream, _) =
        Fake::stream(declaration("", &format!("{}{}", slot("first"), slot("second"))), |sheet: &FakeCall<'_>| {
            let mut answer = FakeAnswer::default();
            for (row, operation) in sheet.rows() {
                let key = sheet.key(row).unwrap();
                let first = sheet.kept(0, key).to_vec();
                match operation {
                    "keep" => answer.set_state(0, key, b"x", &[sheet.reference(row)]),
                    "move" => {
                        answer.set_state(0, key, &[], &[]);
                        answer.set_state(1, key, b"y", &first);
                    }
                    "forget" => answer.set_state(1, key, &[], &[]),
                    _ => answer.find(row, "found").evidence = sheet.kept(1, key).to_vec(),
                }
            }
            Ok(answer)
        });
    let mut one = |number: u64, operation: &str| {
        let mut event = event(number);
        event.actor.account = Some(crate::testing::account("ALICE"));
        event.fields.set(countersign_model::vocabulary::FieldId::ApiOperation, text(operation));
        judge(&mut stream, &sequence(vec![event]))
    };
    one(0, "keep");
    let moved = one(1, "move");
    let changes: Vec<_> = declared(&moved.state).map(|change| (change.slot.as_str(), change.entry.is_some())).collect();
    assert_eq!(changes, [("first", false), ("second", true)]);
    assert_eq!(evidence(&one(2, "find").findings[0]), ["event-2", "event-0"]);
    assert_eq!(state(&one(3, "forget")), [("aws:111122223333:ALICE", vec![], vec![])]);
    assert_eq!(evidence(&one(4, "find").findings[0]), ["event-4"]);
}

/// Keeps thousands of references in two slots and cites all of them, the latest of a slot first.
#[test]
fn a_rule_may_keep_and_cite_thousands_of_events() {
    let slots = format!("{}{}", slot("first"), slot("second")).replace("kept-references = 2", "kept-references = 1000");
    let (mut stream, _) = Fake::stream(declaration("", &slots), |sheet: &FakeCall<'_>| {
        let mut answer = FakeAnswer::default();
        let key = sheet.key(0).unwrap();
        let mut kept = [sheet.kept(0, key).to_vec(), sheet.kept(1, key).to_vec()];
        for (row, operation) in sheet.rows() {
            match operation {
                "find" => answer.find(row, "found").evidence = [&kept[0][..], &kept[1][..]].concat(),
                slot => kept[slot.parse::<usize>().unwrap()].insert(0, sheet.reference(row)),
            }
        }
        kept.iter().zip(0..).for_each(|(kept, slot)| answer.set_state(slot, key, b"x", kept));
        Ok(answer)
    });
    let mut all: Vec<(&str, &str)> = (0..2_000).map(|row| (["0", "1"][row % 2], "ALICE")).collect();
    all.push(("find", "ALICE"));
    all.push(("find", "ALICE"));
    let all = rows(&all);
    judge(&mut stream, &all[..2_000]);
    let outcome = judge(&mut stream, &all[2_000..]);
    let cited: Vec<Vec<&str>> = outcome.findings.iter().map(evidence).collect();
    let kept = (0..1_000).rev().map(|row| row * 2).chain((0..1_000).rev().map(|row| row * 2 + 1));
    let names = |own: u32| [own].into_iter().chain(kept.clone()).map(|number| format!("event-{number}"));
    assert_eq!(cited, [names(2_000).collect::<Vec<_>>(), names(2_001).collect()]);
    assert!(outcome.disagreements.is_empty() && outcome.failures.is_empty());
    // What isn't kept isn't found among so many either.
    let (mut other, _) = Fake::stream(declaration("", &slots), |sheet: &FakeCall<'_>| {
        let mut answer = FakeAnswer::default();
        answer.find(0, "found").evidence = vec![sheet.reference(0) ^ 1];
        Ok(answer)
    });
    assert_eq!(failed(&judge(&mut other, &all[..1])), [(0, FailureKind::InvalidAnswer)]);
}

/// Records that claim one id must not pass for each other, whatever is in one batch.
#[test]
fn records_that_claim_one_id_are_different_evidence() {
    let forged = || {
        let events = [("seen", 0), ("seen", 1), ("find", 2)].map(|(operation, number)| {
            let mut event = event(number);
            event.id = Arc::from("event-0");
            event.actor.account = Some(crate::testing::account("ALICE"));
            event.fields.set(countersign_model::vocabulary::FieldId::ApiOperation, text(operation));
            event
        });
        sequence(events.into())
    };
    let (mut whole, _) = counting();
    let together = judge(&mut whole, &forged());
    assert_eq!((together.disagreements.len(), together.findings[0].finding.evidence.len()), (0, 3));
    let (mut split, _) = counting();
    let alone: Vec<Outcome> = forged().chunks(1).map(|row| judge(&mut split, row)).collect();
    assert_eq!(alone[2].findings[0].finding, together.findings[0].finding);
    assert!(declared(&alone[2].state).eq(declared(&together.state)));
}

#[test]
fn the_hosts_evidence_role_can_only_be_weakened() {
    let (mut stream, _) = Fake::stream(declaration("", ""), |sheet: &FakeCall<'_>| {
        let mut answer = FakeAnswer::default();
        for (row, operation) in sheet.rows() {
            answer.find(row, operation).evidence_role = match operation {
                "weaker" => Some(EvidenceRole::MerelyNames),
                "same" => Some(EvidenceRole::AuthenticatedAs),
                _ => None,
            };
            answer.find(row, operation).subject = SubjectRole::Target;
        }
        Ok(answer)
    });
    let outcome = judge(&mut stream, &rows(&[("weaker", "ALICE"), ("same", "ALICE"), ("host's", "ALICE")]));
    let roles: Vec<_> =
        outcome.findings.iter().map(|found| (found.finding.index, found.finding.evidence_role)).collect();
    use EvidenceRole::{AuthenticatedAs, MerelyNames};
    let weak = (1, MerelyNames);
    assert_eq!(roles, [(0, MerelyNames), weak, (0, AuthenticatedAs), weak, (0, AuthenticatedAs), weak]);
}
