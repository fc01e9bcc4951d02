//! One-row calls: their answers are authoritative, what they may cite, and how they expose a rule that contradicts
//! itself.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use countersign_model::call::{Diagnostic, Level};
use countersign_model::vocabulary::{EvidenceRole, SubjectRole};
use countersign_model::{ContextState, Digest};

use super::*;
use crate::isolate::tests::{count, counting};
use crate::outcome::Outcome;
use crate::rule::RuleStream;
use crate::testing::{
    Fake, FakeAnswer, FakeCall, declaration, event, failed, failure, found, judge, rows, second, sequence, slot, state,
    text,
};

fn evidence(found: &BundledFinding) -> Vec<&str> {
    found.finding.evidence.iter().map(|evidence| evidence.event_id.as_str()).collect()
}

#[test]
fn one_row_calls_are_authoritative() {
    // It answers differently in a batch: the one-row answer is authoritative, its state too.
    let (mut stream, _) = Fake::stream(declaration("", &slot("count")), |sheet: &FakeCall<'_>| {
        let mut answer = FakeAnswer::default();
        let alone = sheet.operations.len() == 1;
        for (row, operation) in sheet.rows() {
            let key = sheet.key(row).unwrap();
            if operation == "find" {
                answer.find(row, if alone { "alone" } else { "in a batch" });
            }
            answer.set_state(0, key, if alone { b"one" } else { b"more" }, &[]);
            answer.plain.diagnostics.push(Diagnostic {
                row,
                level: Level::Information,
                message: if alone { "alone" } else { "in a batch" }.to_owned(),
            });
        }
        Ok(answer)
    });
    let outcome = judge(&mut stream, &rows(&[("find", "ALICE"), ("seen", "BOB"), ("seen", "ALICE")]));
    assert_eq!(found(&outcome), [(0, "alone")]);
    assert_eq!(
        state(&outcome),
        [("aws:111122223333:ALICE", b"one".to_vec(), vec![]), ("aws:111122223333:BOB", b"more".to_vec(), vec![]),]
    );
    let diagnostics: Vec<_> = outcome.diagnostics.iter().map(|one| (one.row.position, one.message.as_str())).collect();
    assert_eq!(diagnostics, [(0, "alone"), (1, "in a batch"), (2, "alone")]);
    // The bundle is that one call: one row, the state before it, and not the data that the rule's component has.
    let bundle = &outcome.findings[0].bundle;
    assert_eq!((bundle.call.batch.len(), bundle.answer.findings.len()), (1, 1));
    assert!(bundle.call.state[0].blobs.is_empty() && bundle.call.data.is_empty());
    assert_eq!(disagreed(&outcome), [(2, "findings")]);
}

fn disagreed(outcome: &Outcome) -> Vec<(u64, &str)> {
    outcome.disagreements.iter().map(|one| (one.row.position, one.what)).collect()
}

/// What a rule does differently in a batch than alone, and the disagreement that is reported.
#[test]
fn a_rule_that_contradicts_itself_is_reported() {
    type Twist = fn(&mut FakeAnswer, bool);
    let twists: [(&str, Twist, Option<&str>); 8] = [
        ("nothing", |_, _| {}, None),
        ("confidence", |answer, alone| answer.plain.findings[0].confidence -= u8::from(alone), Some("findings")),
        (
            "subject",
            |answer, alone| {
                answer.plain.findings[0].subject = [SubjectRole::Target, SubjectRole::Actor][usize::from(alone)]
            },
            Some("findings"),
        ),
        ("a finding less", |answer, alone| answer.plain.findings.truncate(usize::from(!alone)), Some("findings")),
        (
            "a finding more",
            |answer, alone| {
                if alone {
                    answer.find(0, "another");
                }
            },
            Some("findings"),
        ),
        ("state", |answer, alone| answer.set_state(0, 0, &[u8::from(alone) + 1], &[]), Some("state")),
        (
            "forgets",
            |answer, alone| if alone { answer.set_state(0, 0, &[], &[]) } else { answer.set_state(0, 0, &[1], &[]) },
            Some("state"),
        ),
        (
            "state in a batch only",
            |answer, alone| {
                if alone {
                    answer.states.clear();
                } else {
                    answer.set_state(0, 0, &[1], &[])
                }
            },
            Some("state"),
        ),
    ];
    for (name, twist, expected) in twists {
        let (mut stream, _) = Fake::stream(declaration("", &slot("count")), move |sheet: &FakeCall<'_>| {
            let mut answer = FakeAnswer::default();
            if let Some((row, _)) = sheet.rows().find(|(_, operation)| *operation == "find") {
                answer.find(row, "found");
                twist(&mut answer, sheet.operations.len() == 1);
            }
            Ok(answer)
        });
        let outcome = judge(&mut stream, &rows(&[("find", "ALICE"), ("seen", "BOB")]));
        let expected: Vec<(u64, &str)> = expected.map(|what| (0, what)).into_iter().collect();
        assert_eq!((disagreed(&outcome), failed(&outcome)), (expected, vec![]), "{name}");
    }
}

#[test]
fn a_row_that_fails_only_alone_is_set_aside_and_reported() {
    let (mut stream, _) = Fake::stream(declaration("", &slot("count")), |sheet: &FakeCall<'_>| {
        if sheet.operations == ["shy"] { failure(FailureKind::Trap) } else { count(sheet) }
    });
    let outcome = judge(&mut stream, &rows(&[("find", "ALICE"), ("shy", "ALICE"), ("find", "ALICE")]));
    assert_eq!(failed(&outcome), [(1, FailureKind::Trap)]);
    assert_eq!(found(&outcome), [(0, "row 1 of its key"), (2, "row 2 of its key")]);
    assert_eq!(disagreed(&outcome), [(2, "findings")]);
}

/// Even where nothing else differs: failing alone contradicts the batch.
#[test]
fn a_row_that_fails_only_alone_is_reported_though_nothing_else_differs() {
    let (mut stream, _) = Fake::stream(declaration("", ""), |sheet: &FakeCall<'_>| {
        let mut answer = FakeAnswer::default();
        for (row, _) in sheet.rows().filter(|(_, operation)| *operation == "find") {
            answer.find(row, "found");
        }
        if sheet.operations == ["shy"] { failure(FailureKind::Trap) } else { Ok(answer) }
    });
    let outcome = judge(&mut stream, &rows(&[("find", "ALICE"), ("shy", "ALICE")]));
    assert_eq!((failed(&outcome), disagreed(&outcome)), (vec![(1, FailureKind::Trap)], vec![(1, "findings")]));
}

#[test]
fn the_order_in_which_a_batch_finds_does_not_matter() {
    let (mut stream, _) = Fake::stream(declaration("", ""), |sheet: &FakeCall<'_>| {
        let mut answer = FakeAnswer::default();
        for (row, operation) in sheet.rows() {
            answer.find(row, &format!("{operation} first"));
            answer.find(row, &format!("{operation} second"));
        }
        answer.plain.findings.sort_by_key(|finding| std::cmp::Reverse(finding.row));
        Ok(answer)
    });
    let outcome = judge(&mut stream, &rows(&[("a", "ALICE"), ("b", "BOB"), ("c", "ALICE")]));
    assert_eq!(
        found(&outcome),
        [(0, "a first"), (0, "a second"), (1, "b first"), (1, "b second"), (2, "c first"), (2, "c second"),]
    );
    assert_eq!(disagreed(&outcome), []);
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

/// A rule that keeps something between calls.
#[test]
fn a_rule_that_remembers_calls_is_reported() {
    let calls = AtomicUsize::new(0);
    let (mut stream, _) = Fake::stream(declaration("", ""), move |sheet: &FakeCall<'_>| {
        let mut answer = FakeAnswer::default();
        let call = calls.fetch_add(1, Ordering::Relaxed);
        sheet.rows().for_each(|(row, _)| {
            answer.find(row, &format!("call {call}"));
        });
        Ok(answer)
    });
    let outcome = judge(&mut stream, &rows(&[("seen", "ALICE")]));
    assert_eq!(disagreed(&outcome), [(0, "findings")]);
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
    let changes: Vec<_> = moved.state.iter().map(|change| (change.slot, change.entry.is_some())).collect();
    assert_eq!(changes, [(0, false), (1, true)]);
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
    assert_eq!(alone[2].state, together.state);
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

#[test]
fn rows_without_a_key_are_judged_without_state() {
    let (mut stream, fake) = Fake::stream(declaration("", &slot("count")), |sheet: &FakeCall<'_>| {
        assert_eq!(sheet.call.state[0].blob_offsets.len(), sheet.call.state[0].kept_offsets.len());
        count(sheet)
    });
    let outcome = judge(&mut stream, &rows(&[("seen", ""), ("find", ""), ("find", ""), ("seen", "ALICE")]));
    assert_eq!(found(&outcome), [(1, "without a key"), (2, "without a key")]);
    assert_eq!(state(&outcome), [("aws:111122223333:ALICE", vec![1], vec!["event-3"])]);
    // Only the rows with findings are called again.
    assert_eq!(fake.calls(), [4, 1, 1]);
}

#[test]
fn a_rule_without_a_partition_key_has_no_keys() {
    let (mut stream, _) = Fake::stream(declaration("partition-key = \"none\"", ""), |sheet: &FakeCall<'_>| {
        assert!(sheet.rows().all(|(row, _)| sheet.key(row).is_none()));
        assert!(sheet.call.state.is_empty());
        Ok(FakeAnswer::default())
    });
    let outcome = judge(&mut stream, &rows(&[("seen", "ALICE"), ("seen", "")]));
    assert_eq!((failed(&outcome), outcome.state.len()), (vec![], 0));
}

#[test]
fn a_call_is_given_state_data_parameters_and_missing_context() {
    use countersign_model::call::ContextTable;
    use countersign_model::vocabulary::Keying;
    let tables = format!(
        "{}[[context]]\ntable = \"egress\"\nby = \"batch\"\ncolumns = [\"network\"]\nmax-age = \"1d\"\n",
        slot("count")
    );
    let (mut stream, _) = Fake::stream(declaration("", &tables), |sheet: &FakeCall<'_>| {
        assert_eq!(sheet.call.data, b"the rule's data");
        assert_eq!(sheet.call.context, [ContextTable::missing(Keying::Batch)]);
        count(sheet)
    });
    let outcome = judge(&mut stream, &rows(&[("find", "ALICE")]));
    assert_eq!(outcome.findings[0].finding.context, ContextState::Missing);
}

#[test]
fn diagnostics_name_their_row_and_keep_their_order() {
    let (mut stream, _) = Fake::stream(declaration("", ""), |sheet: &FakeCall<'_>| {
        let mut answer = FakeAnswer::default();
        for (row, operation) in sheet.rows() {
            let diagnostic = |level, text: &str| Diagnostic { row, level, message: format!("{operation} {text}") };
            answer.plain.diagnostics.extend([diagnostic(Level::Warning, "first"), diagnostic(Level::Error, "second")]);
            if operation == "find" {
                answer.find(row, "found");
            }
        }
        // Not in the order of the rows.
        answer.plain.diagnostics.rotate_left(2);
        Ok(answer)
    });
    let outcome = judge(&mut stream, &rows(&[("a", "ALICE"), ("find", "BOB"), ("b", "")]));
    let diagnostics =
        outcome.diagnostics.iter().map(|one| (one.row.position, one.index, one.level, one.message.as_str()));
    use Level::{Error, Warning};
    assert_eq!(
        diagnostics.collect::<Vec<_>>(),
        [
            (0, 0, Warning, "a first"),
            (0, 1, Error, "a second"),
            (1, 0, Warning, "find first"),
            (1, 1, Error, "find second"),
            (2, 0, Warning, "b first"),
            (2, 1, Error, "b second"),
        ]
    );
    assert_eq!(&*outcome.diagnostics[3].row.event.id, "event-1");
}
