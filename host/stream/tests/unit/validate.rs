//! Answers that break the contract, each in one way, and answers just within its bounds.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use std::sync::Arc;

use countersign_model::call::{AnswerTimer, Diagnostic, Level};
use countersign_model::vocabulary::SubjectRole;

use super::*;
use crate::testing::{
    Fake, FakeAnswer, FakeCall, SECOND, declaration, failed, finding, found, judge, no_changes, rows, second, slot,
    state,
};
use crate::{Outcome, RuleStream};

type Twist = fn(&FakeCall<'_>, u32, &mut DetectionAnswer);

const TIMERS: &str = "[timers]\nids = [\"quiet\"]\nmost-per-key = 1\nlongest = \"1h\"\n";

/// A rule with two slots and a timer. It finds on every row and writes each key's first slot; on `twist` the answer is
/// changed.
fn twisted(twist: Twist) -> RuleStream {
    let tables = format!("{}{}{TIMERS}", slot("first"), slot("second"));
    let (stream, _) = Fake::stream(declaration("", &tables), move |sheet: &FakeCall<'_>| {
        let mut answer = FakeAnswer::default();
        for (row, operation) in sheet.rows() {
            answer.find(row, operation);
            if let Some(key) = sheet.key(row) {
                answer.set_state(0, key, b"seen", &[sheet.reference(row)]);
            }
            if operation == "twist" {
                twist(sheet, row, &mut answer.plain);
            }
        }
        Ok(answer)
    });
    stream
}

/// Rows of which the second is twisted.
fn outcome(twist: Twist, subject: &str) -> Outcome {
    judge(&mut twisted(twist), &rows(&[("first", "ALICE"), ("twist", subject), ("third", "ALICE"), ("fourth", "BOB")]))
}

/// Asserts that the twisted row alone is set aside with this message, as if it hadn't come.
#[track_caller]
fn refused(name: &str, subject: &str, twist: Twist, message: &str) {
    let outcome = outcome(twist, subject);
    let messages: Vec<_> = outcome.failures.iter().map(|failed| failed.failure.message.as_str()).collect();
    assert_eq!((failed(&outcome), messages), (vec![(1, FailureKind::InvalidAnswer)], vec![message]), "{name}");
    assert_eq!(found(&outcome), [(0, "first"), (2, "third"), (3, "fourth")], "{name}");
    let alice = ("aws:111122223333:ALICE", b"seen".to_vec(), vec!["event-2"]);
    let bob = ("aws:111122223333:BOB", b"seen".to_vec(), vec!["event-3"]);
    assert_eq!(state(&outcome), [alice, bob], "{name}");
    assert_eq!((outcome.disagreements.len(), outcome.timers.len(), outcome.diagnostics.len()), (0, 0, 0), "{name}");
}

/// The row's second finding, which [`twisted`] didn't make.
fn also(answer: &mut DetectionAnswer, row: u32) -> &mut countersign_model::call::AnswerFinding {
    answer.findings.push(finding(row, "also"));
    answer.findings.last_mut().unwrap()
}

/// New state of one key of the second slot.
fn change(key: u32, blob: &[u8], kept: &[u64]) -> SlotChanges {
    SlotChanges {
        keys: vec![key],
        blobs: blob.to_vec(),
        blob_offsets: vec![0, u32::try_from(blob.len()).unwrap()],
        kept: kept.to_vec(),
        kept_offsets: vec![0, u32::try_from(kept.len()).unwrap()],
        ..no_changes(1)
    }
}

fn timer(row: u32, id: &str, at: Option<i64>) -> AnswerTimer {
    AnswerTimer { row, id: id.to_owned(), at }
}

fn diagnostic(row: u32, message: String) -> Diagnostic {
    Diagnostic { row, level: Level::Information, message }
}

#[test]
fn a_valid_answer_is_accepted() {
    let outcome = outcome(|_, _, _| {}, "ALICE");
    assert_eq!(found(&outcome), [(0, "first"), (1, "twist"), (2, "third"), (3, "fourth")]);
    assert!(outcome.failures.is_empty() && outcome.disagreements.is_empty());
}

#[test]
fn findings_that_break_the_contract_are_refused() {
    let cases: &[(&str, Twist, &str)] = &[
        ("confidence", |_, row, answer| also(answer, row).confidence = 101, "confidence 101 is above 100"),
        (
            "a class that isn't declared",
            |_, row, answer| also(answer, row).signal_class = "privilege".to_owned(),
            "signal class `privilege` isn't declared",
        ),
        (
            "a class that doesn't exist",
            |_, row, answer| also(answer, row).signal_class = "Token".to_owned(),
            "signal class `Token` isn't declared",
        ),
        (
            "a technique that isn't declared",
            |_, row, answer| also(answer, row).techniques = vec!["T1110".to_owned()],
            "technique `T1110` isn't declared",
        ),
        (
            "more techniques than there are",
            |_, row, answer| also(answer, row).techniques = vec!["T1078".to_owned(); 2],
            "2 techniques are more than the 1 declared",
        ),
        (
            "a stronger role than the host's",
            |_, row, answer| {
                let finding = also(answer, row);
                finding.subject = SubjectRole::Target;
                finding.evidence_role = Some(EvidenceRole::AuthenticatedAs);
            },
            "evidence role `authenticated-as` is stronger than the host's `merely-names`",
        ),
        (
            "a long message",
            |_, row, answer| also(answer, row).message = "x".repeat(1_025),
            "a message of 1025 bytes, at most 1024 are allowed",
        ),
        (
            "too many",
            |_, row, answer| answer.findings.extend((0..16).map(|_| finding(row, "also"))),
            "more than 16 findings on one row",
        ),
    ];
    for (name, twist, message) in cases {
        refused(name, "ALICE", *twist, message);
    }
    // The row is called alone: there is one row.
    refused(
        "a row that doesn't exist",
        "ALICE",
        |_, _, answer| answer.findings.push(finding(4, "also")),
        "finding on row 4, there are 1",
    );
}

#[test]
fn references_that_were_not_shown_are_refused() {
    const UNKNOWN: &str = "reference deadbeefdeadbeef is neither the row's own nor kept with its key";
    refused("unknown", "ALICE", |_, row, answer| also(answer, row).evidence = vec![0xdead_beef_dead_beef], UNKNOWN);
    refused(
        "unknown, without a key",
        "",
        |_, row, answer| also(answer, row).evidence = vec![0xdead_beef_dead_beef],
        UNKNOWN,
    );
    refused(
        "more than there can be",
        "ALICE",
        |sheet, row, answer| also(answer, row).evidence = vec![sheet.reference(row); 6],
        "6 references are more than it was shown",
    );
    refused(
        "kept unknown",
        "ALICE",
        |_, _, answer| answer.states.push(change(0, b"x", &[0xdead_beef_dead_beef])),
        UNKNOWN,
    );
}

/// The reference of another key's row: `BOB`'s in the same batch, or one that was kept with `BOB`.
#[test]
fn a_reference_of_another_key_is_refused() {
    let cite: Twist = |sheet, row, answer| {
        let bobs = sheet.rows().find(|(_, operation)| *operation == "fourth").map(|(row, _)| sheet.reference(row));
        also(answer, row).evidence.extend(bobs);
    };
    let keep: Twist = |sheet, row, answer| {
        let bobs = sheet.rows().find(|(_, operation)| *operation == "fourth").map(|(row, _)| sheet.reference(row));
        answer.states.extend(bobs.map(|bobs| change(sheet.key(row).unwrap(), b"x", &[bobs])));
    };
    for (twist, what) in [(cite, "cites"), (keep, "keeps")] {
        // The batch is refused, and alone the row has no reference of another key: nothing is cited or kept.
        let outcome = outcome(twist, "ALICE");
        assert_eq!(failed(&outcome), [], "{what}");
        let alices = outcome.findings.iter().filter(|found| found.row.position < 3);
        assert!(alices.flat_map(|found| &found.finding.evidence).all(|one| one.event_id != "event-3"), "{what}");
        let kept = outcome.state.iter().filter(|change| change.key.ends_with("ALICE"));
        assert!(
            kept.flat_map(|change| &change.entry.as_ref().unwrap().kept).all(|one| one.event_id != "event-3"),
            "{what}"
        );
    }

    // Remembered from an earlier call, outside any batch.
    let remembered = Arc::new(std::sync::OnceLock::new());
    let (mut stream, _) = Fake::stream(declaration("", &slot("first")), move |sheet: &FakeCall<'_>| {
        let mut answer = FakeAnswer::default();
        for (row, operation) in sheet.rows() {
            let own = sheet.reference(row);
            match operation {
                "keep" => answer.set_state(0, sheet.key(row).unwrap(), b"x", &[*remembered.get_or_init(|| own)]),
                _ => answer.find(row, "found").evidence.extend(remembered.get()),
            }
        }
        Ok(answer)
    });
    let all = rows(&[("keep", "BOB"), ("find", "ALICE"), ("find", ""), ("find", "BOB"), ("keep", "ALICE")]);
    let outcomes: Vec<Outcome> = all.chunks(1).map(|row| judge(&mut stream, row)).collect();
    let failures: Vec<_> = outcomes.iter().flat_map(failed).collect();
    assert_eq!(failures, [1, 2, 4].map(|position| (position, FailureKind::InvalidAnswer)));
    assert_eq!(outcomes[3].findings[0].finding.evidence.len(), 2);
}

#[test]
fn state_that_breaks_the_contract_is_refused() {
    let cases: &[(&str, Twist, &str)] = &[
        (
            "too large",
            |_, _, answer| answer.states.push(change(0, b"12345", &[])),
            "slot `second`: state of 5 bytes, declared are 4",
        ),
        (
            "too many references",
            |sheet, row, answer| answer.states.push(change(0, b"x", &[sheet.reference(row); 3])),
            "slot `second`: 3 references kept, declared are 2",
        ),
        (
            "references kept with a key that is forgotten",
            |sheet, row, answer| answer.states.push(change(0, b"", &[sheet.reference(row)])),
            "slot `second`: references kept with a key that is forgotten",
        ),
        ("a slot that doesn't exist", |_, _, answer| answer.states.push(no_changes(2)), "slot 2 isn't declared"),
        (
            "a slot twice",
            |_, _, answer| answer.states.extend([change(0, b"x", &[]), change(0, b"y", &[])]),
            "slot 1 is answered twice",
        ),
        (
            "a key twice",
            |_, _, answer| {
                answer.states.push(SlotChanges {
                    keys: vec![0, 0],
                    blob_offsets: vec![0; 3],
                    kept_offsets: vec![0; 3],
                    ..no_changes(1)
                });
            },
            "the keys of slot `second` don't rise",
        ),
        (
            "keys that fall",
            |_, _, answer| {
                answer.states.push(SlotChanges {
                    keys: vec![1, 0],
                    blob_offsets: vec![0; 3],
                    kept_offsets: vec![0; 3],
                    ..no_changes(1)
                });
            },
            "the keys of slot `second` don't rise",
        ),
        (
            "a key that doesn't exist",
            |_, _, answer| answer.states.push(change(2, b"x", &[])),
            "slot `second`: key 2 wasn't given, there are 1",
        ),
        (
            "the key of rows without one",
            |_, _, answer| answer.states.push(change(NO_KEY, b"x", &[])),
            "slot `second`: key 4294967295 wasn't given, there are 1",
        ),
    ];
    for (name, twist, message) in cases {
        refused(name, "ALICE", *twist, message);
    }
    // A row without a key can't write state: in a batch it would be another row's, alone there is no key.
    let outcome = outcome(
        |sheet, row, answer| {
            if sheet.key(row).is_none() && sheet.operations.len() == 1 {
                answer.states.push(change(0, b"x", &[]));
            }
        },
        "",
    );
    assert_eq!(failed(&outcome), [(1, FailureKind::InvalidAnswer)]);
    assert_eq!(outcome.failures[0].failure.message, "slot `second`: key 0 wasn't given, there are 0");
}

#[test]
fn wrong_offsets_are_refused() {
    let blobs: &[(&str, &[u32], usize)] = &[
        ("none", &[], 0),
        ("too few", &[0], 0),
        ("too many", &[0, 1, 1], 1),
        ("short of the end", &[0, 1], 2),
        ("past the end", &[0, 2], 1),
        ("far past the end", &[0, u32::MAX], 1),
        ("from elsewhere", &[1, 1], 1),
    ];
    let one = |offsets: &[u32], length: usize| SlotChanges {
        blobs: vec![7; length],
        blob_offsets: offsets.to_vec(),
        ..change(0, &[], &[])
    };
    let check = |change: &SlotChanges| {
        check_slot_changes(&declaration("", &slot("first")), 1, &SlotChanges { slot: 0, ..change.clone() })
    };
    for (name, offsets, length) in blobs {
        let message = format!("slot `first`: the blob offsets don't divide {length} into 1");
        assert_eq!(check(&one(offsets, *length)).unwrap_err().message, message, "{name}");
        let kept = SlotChanges { kept: vec![7; *length], kept_offsets: offsets.to_vec(), ..change(0, b"x", &[]) };
        let message = format!("slot `first`: the kept offsets don't divide {length} into 1");
        assert_eq!(check(&kept).unwrap_err().message, message, "{name}");
    }
    // Offsets may repeat, never fall.
    let two = |middle: u32| SlotChanges {
        slot: 0,
        keys: vec![0, 1],
        blobs: vec![7; 2],
        blob_offsets: vec![0, middle, 2],
        kept_offsets: vec![0; 3],
        ..no_changes(0)
    };
    let check = |middle: u32| check_slot_changes(&declaration("", &slot("first")), 2, &two(middle)).is_ok();
    assert_eq!([0, 1, 2, 3, u32::MAX].map(check), [true, true, true, false, false]);
}

#[test]
fn timers_that_break_the_contract_are_refused() {
    let cases: &[(&str, Twist, &str)] = &[
        (
            "an id that isn't declared",
            |_, row, answer| answer.timers.push(timer(row, "loud", None)),
            "timer `loud` isn't declared",
        ),
        (
            "too far ahead",
            |sheet, row, answer| {
                let own = sheet.call.batch.rows.event_times[row as usize];
                answer.timers.push(timer(row, "quiet", Some(own + 3_600 * SECOND + 1)));
            },
            "timer `quiet` is set further ahead than declared",
        ),
        (
            "as far ahead as possible",
            |_, row, answer| answer.timers.push(timer(row, "quiet", Some(i64::MAX))),
            "timer `quiet` is set further ahead than declared",
        ),
        (
            "a row that doesn't exist",
            |_, _, answer| answer.timers.push(timer(9, "quiet", None)),
            "timer on row 9, there are 1",
        ),
    ];
    for (name, twist, message) in cases {
        refused(name, "ALICE", *twist, message);
    }
    let set: Twist = |_, row, answer| answer.timers.push(timer(row, "quiet", None));
    refused("a row without a key", "", set, "timer `quiet` is set by a row without a key");
    let limit: Twist = |_, row, answer| {
        let hour = second(1).plus_micros(3_600 * SECOND).micros();
        answer.timers.extend([timer(row, "quiet", Some(hour)), timer(row, "quiet", Some(i64::MIN))]);
    };
    let outcome = outcome(limit, "ALICE");
    assert_eq!((failed(&outcome), outcome.timers.len()), (vec![], 1));
}

#[test]
fn a_rule_that_declares_no_timers_sets_none() {
    let (mut stream, _) = Fake::stream(declaration("", ""), |sheet: &FakeCall<'_>| {
        let mut answer = FakeAnswer::default();
        answer.plain.timers.extend(sheet.rows().map(|(row, _)| timer(row, "quiet", None)));
        Ok(answer)
    });
    let outcome = judge(&mut stream, &rows(&[("seen", "ALICE")]));
    assert_eq!(outcome.failures[0].failure.message, "timer `quiet` isn't declared");
}

#[test]
fn diagnostics_that_break_the_contract_are_refused() {
    let cases: &[(&str, Twist, &str)] = &[
        (
            "long",
            |_, row, answer| answer.diagnostics.push(diagnostic(row, "x".repeat(1_025))),
            "a message of 1025 bytes, at most 1024 are allowed",
        ),
        (
            "too many",
            |_, row, answer| answer.diagnostics.extend((0..17).map(|_| diagnostic(row, String::new()))),
            "more than 16 diagnostics on one row",
        ),
        (
            "a row that doesn't exist",
            |_, _, answer| answer.diagnostics.push(diagnostic(u32::MAX, String::new())),
            "diagnostic on row 4294967295, there are 1",
        ),
    ];
    for (name, twist, message) in cases {
        refused(name, "ALICE", *twist, message);
    }
}

/// As much as one row may have.
#[test]
fn an_answer_just_within_its_bounds_is_accepted() {
    let max: Twist = |sheet, row, answer| {
        for _ in 0..15 {
            let finding = also(answer, row);
            finding.confidence = 100;
            finding.message = "é".repeat(512);
            finding.techniques = vec!["T1078".to_owned()];
            finding.evidence_role = Some(EvidenceRole::AuthenticatedAs);
            finding.evidence = vec![sheet.reference(row); 5];
        }
        answer.diagnostics.extend((0..16).map(|_| diagnostic(row, "x".repeat(1_024))));
        answer.states.push(change(sheet.key(row).unwrap(), b"1234", &[sheet.reference(row); 2]));
    };
    let outcome = outcome(max, "CAROL");
    assert_eq!((failed(&outcome), outcome.findings.len(), outcome.diagnostics.len()), (vec![], 19, 16));
    assert!(outcome.disagreements.is_empty());
}

#[test]
fn a_rules_text_is_quoted_and_cut_in_messages() {
    let twists: [Twist; 3] = [
        |_, row, answer| also(answer, row).signal_class = "\u{1b}[2J\n".repeat(100_000),
        |_, row, answer| also(answer, row).techniques = vec!["\u{1b}[2J\n".repeat(100_000)],
        |_, row, answer| answer.timers.push(timer(row, &"\u{1b}[2J\n".repeat(100_000), None)),
    ];
    for twist in twists {
        let outcome = outcome(twist, "ALICE");
        let message = &outcome.failures[0].failure.message;
        assert!(message.len() < 2_048 && !message.contains(char::is_control), "{message}");
        assert!(message.ends_with("…` isn't declared"), "{message}");
    }
}
