//! One test for each guest, with its name: what it tries, and that it affects nothing but its own row.

use countersign_model::Digest;
use countersign_model::call::{FailureKind, Parameter};
use countersign_model::vocabulary::EventClass;
use countersign_stream::LINE_SLOT;

use crate::support::{Judge, admitted, bytes, event, failed, found, guest, seen};

// A guest without a test doesn't compile.
macro_rules! has_a_test {
    ($name:ident) => {
        const _: fn() = $name;
    };
}
countersign_tests::for_each_guest!(has_a_test);

/// Judges in one batch, and compares other batch sizes with it.
fn check(name: &'static str, parameters: &[(&str, Parameter)], rows: &[(&str, &str)]) -> countersign_stream::Outcome {
    let rule = guest(name);
    let whole = Judge::with(rule.clone(), parameters).judge(rows);
    for size in [1, 2, 3, 7] {
        let split = Judge::with(rule.clone(), parameters).judge_in(size, rows);
        assert_eq!(seen(&split), seen(&whole), "batches of {size}");
    }
    whole
}

#[test]
fn panics() {
    let rows = [
        ("ListUsers", "ALICE"),
        ("ListUsers", "ALICE"),
        ("PanicHere", "ALICE"),
        ("ListUsers", "ALICE"),
        ("ListUsers", "BOB"),
        ("PanicHere", "CAROL"),
        ("PanicHere", ""),
        ("ListUsers", "ALICE"),
    ];
    let outcome = check("panics", &[], &rows);
    let row = ["row 1 of its key", "row 2 of its key", "row 3 of its key", "row 4 of its key"];
    assert_eq!(found(&outcome), [(0, row[0]), (1, row[1]), (3, row[2]), (4, row[0]), (7, row[3])]);
    assert_eq!(failed(&outcome), [(2, FailureKind::Trap), (5, FailureKind::Trap), (6, FailureKind::Trap)]);
    // It has the rule, version, place and message.
    let message = &outcome.failures[0].failure.message;
    assert!(message.starts_with("hostile/panics 0.1.0 at tests/guests/panics/src/lib.rs:"), "{message}");
    assert!(message.ends_with(": `PanicHere` is more than this rule can bear"), "{message}");
    // What was counted before the panic is lost, and so is the reference.
    let cited = outcome.findings[4].finding.evidence.iter().map(|evidence| evidence.event_id.as_str());
    assert_eq!(cited.collect::<Vec<_>>(), ["event-7", "event-0", "event-1", "event-3"]);
    let state: Vec<_> = outcome
        .state
        .iter()
        .filter(|change| change.slot != LINE_SLOT)
        .map(|change| (change.key.as_str(), change.entry.as_ref().unwrap().blob[0]))
        .collect();
    assert_eq!(state, [("aws:111122223333:ALICE", 4), ("aws:111122223333:BOB", 1)]);
    assert_eq!(outcome.disagreements.len(), 0);
}

#[test]
fn burns_fuel() {
    let rows: Vec<(&str, &str)> = (0..60)
        .map(|row| (if row % 20 == 7 { "BurnHere" } else { "ListUsers" }, ["ALICE", "BOB", ""][row % 3]))
        .collect();
    let outcome = check("burns-fuel", &[("every", Parameter::Integer(5))], &rows);
    let burnt = [(7, FailureKind::FuelExhausted), (27, FailureKind::FuelExhausted), (47, FailureKind::FuelExhausted)];
    assert_eq!(failed(&outcome), burnt);
    assert_eq!(outcome.failures[0].failure.message, "the declared fuel was used up");
    assert_eq!(outcome.findings.len(), 6);
}

#[test]
fn a_row_has_the_declared_fuel_in_any_batch() {
    let rule = guest("burns-fuel");
    let judge = |work: i64, rows: usize| {
        let rows: Vec<(&str, &str)> = (0..rows).map(|_| ("ListUsers", "")).collect();
        Judge::with(rule.clone(), &[("work", Parameter::Integer(work))]).judge(&rows).failures.len()
    };
    // The maximum of work that one row has fuel for, by bisection.
    let (mut enough, mut too_much) = (0, 1_000_000);
    while too_much - enough > 1 {
        let middle = (enough + too_much) / 2;
        if judge(middle, 1) == 0 { enough = middle } else { too_much = middle }
    }
    assert!(enough > 1_000, "{enough}");
    for rows in [2, 30] {
        assert_eq!((judge(enough, rows), judge(too_much, rows)), (0, rows));
    }
}

/// Two versions of one rule; `swapped` turns the state of one into that of the other.
#[test]
fn counts_v1() {
    let rows = [("ListUsers", "ALICE"), ("ListUsers", "ALICE"), ("ListUsers", "BOB"), ("ListUsers", "ALICE")];
    assert_eq!(found(&check("counts-v1", &[], &rows)), [(3, "3 calls")]);
}

#[test]
fn counts_v2() {
    let rows = [("ListUsers", "ALICE"), ("ListUsers", "ALICE"), ("ListUsers", "BOB"), ("ListUsers", "ALICE")];
    assert_eq!(found(&check("counts-v2", &[], &rows)), [(3, "3 calls")]);
}

#[test]
fn loops() {
    let rows = [("ListUsers", "ALICE"), ("LoopHere", "ALICE"), ("ListUsers", "ALICE"), ("ListUsers", "")];
    let outcome = check("loops", &[], &rows);
    assert_eq!(failed(&outcome), [(1, FailureKind::FuelExhausted)]);
    assert_eq!(found(&outcome), [(0, "came back"), (2, "came back"), (3, "came back")]);
}

#[test]
fn bombs_memory() {
    let rows = [("ListUsers", ""), ("BitByBit", ""), ("ListUsers", ""), ("AtOnce", ""), ("ListUsers", "")];
    let outcome = check("bombs-memory", &[], &rows);
    assert_eq!(failed(&outcome), [(1, FailureKind::MemoryExceeded), (3, FailureKind::MemoryExceeded)]);
    assert_eq!(found(&outcome), [(0, "was modest"), (2, "was modest"), (4, "was modest")]);
    let message = &outcome.failures[1].failure.message;
    assert!(message.ends_with("left of those declared"), "{message}");
}

#[test]
fn overflows_stack() {
    let rows = [("ListUsers", ""), ("Frames", ""), ("Arrays", ""), ("ListUsers", "")];
    let outcome = check("overflows-stack", &[], &rows);
    assert_eq!(failed(&outcome), [(1, FailureKind::StackOverflow), (2, FailureKind::Trap)]);
    let message = &outcome.failures[1].failure.message;
    assert!(message.contains("out of bounds memory access"), "{message}");
    assert_eq!(found(&outcome), [(0, "came back from 0"), (3, "came back from 0")]);
}

#[test]
fn counts_in_statics() {
    let mut judge = Judge::new(guest("counts-in-statics"));
    for rows in [1, 2, 40] {
        let rows: Vec<(&str, &str)> = (0..rows).map(|_| ("ListUsers", "ALICE")).collect();
        let outcome = judge.judge(&rows);
        assert_eq!((outcome.findings.len(), outcome.disagreements.len()), (rows.len(), 0));
        for found in &outcome.findings {
            assert_eq!(found.finding.message, "call 1, 0 rows remembered");
            assert_eq!(found.finding.confidence, 1);
        }
    }
}

#[test]
fn answers_garbage() {
    let rows = [("ListUsers", "ALICE"), ("Confidence101", "ALICE"), ("ListUsers", "ALICE"), ("ListUsers", "BOB")];
    let outcome = check("answers-garbage", &[], &rows);
    assert_eq!(failed(&outcome), [(1, FailureKind::InvalidAnswer)]);
    assert_eq!(outcome.failures[0].failure.message, "confidence 101 is above 100");
    assert_eq!(found(&outcome), [(0, "row 1 of its key"), (2, "row 2 of its key"), (3, "row 1 of its key")]);
}

#[test]
fn proposes_garbage() {
    let declaration = admitted(bytes("proposes-garbage")).declaration().clone();
    crate::garbage::propose(&declaration, "ListUsers").unwrap();
}

/// The event isn't a failure, so there is nothing to cancel; timers are tested in `fed`.
#[test]
fn uses_a_timer() {
    let outcome = check("uses-a-timer", &[], &[("ConsoleLogin", "ALICE"), ("ConsoleLogin", "BOB")]);
    assert_eq!((outcome.timers.len(), outcome.findings.len(), outcome.failures.len()), (0, 0, 0));
}

/// It wants no event of any class; its subscriptions are tested in `fed`.
#[test]
fn uses_findings() {
    let judge = Judge::new(guest("uses-findings"));
    for class in EventClass::ALL {
        let mut event = event(0, ("ListUsers", "ALICE"));
        event.class = *class;
        assert!(!countersign_stream::matches(judge.stream.declaration(), &event), "{class:?}");
    }
}

/// Without context tables; for those see `context.rs`.
#[test]
fn uses_context() {
    let mut judge = Judge::new(guest("uses-context"));
    let outcome = judge.judge(&[("ConsoleLogin", "ALICE")]);
    assert_eq!((outcome.findings.len(), outcome.failures.len()), (0, 0));
}

#[test]
fn a_component_names_no_folder_of_the_machine_it_was_built_on() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).parent().map(std::path::Path::to_owned);
    for folder in [root, std::env::home_dir()].into_iter().flatten().filter(|folder| folder.parent().is_some()) {
        let folder = format!("{}/", folder.display());
        for (id, bytes) in countersign_tests::GUESTS.iter().chain(countersign_shipped::RULES) {
            assert!(bytes.windows(folder.len()).all(|window| window != folder.as_bytes()), "{id} names {folder}");
        }
    }
}

#[test]
fn all_guests_differ() {
    let digests: std::collections::BTreeSet<Digest> =
        countersign_tests::GUESTS.iter().map(|(_, bytes)| admitted(bytes).code()).collect();
    assert_eq!(digests.len(), countersign_tests::GUESTS.len());
}
