//! One-row calls: their answers are authoritative, what they may cite, and how they expose a rule that contradicts
//! itself.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use std::sync::atomic::{AtomicUsize, Ordering};

use countersign_model::ContextState;
use countersign_model::call::{Diagnostic, Level};
use countersign_model::vocabulary::SubjectRole;

use super::*;
use crate::isolate::tests::count;
use crate::outcome::Outcome;
use crate::testing::{Fake, FakeAnswer, FakeCall, declaration, failed, failure, found, judge, rows, slot, state};

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
