//! Rules side by side: one that fails affects no other, calls share nothing but time, and a full pool makes no call fail.

use std::sync::Arc;

use countersign_engine::{Engine, EngineConfig};
use countersign_model::Value;
use countersign_model::vocabulary::FieldId;
use countersign_stream::Sequenced;

use crate::support::{Judge, admitted, bytes, engine, event, guest, seen, shipped};

/// Denied calls of several operations, including those that the hostile guests fail on.
fn rows(judge: &mut Judge) -> Vec<Sequenced> {
    const OPERATIONS: [&str; 8] =
        ["ListUsers", "ListRoles", "PanicHere", "BurnHere", "LoopHere", "BitByBit", "Frames", "ListBuckets"];
    let rows: Vec<(&str, &str)> = (0..64).map(|row| (OPERATIONS[row % 8], ["ALICE", "BOB", ""][row % 3])).collect();
    judge.rows(&rows)
}

fn burst() -> Judge {
    Judge::new(Arc::new(engine().load(&admitted(shipped("burst-of-denied-calls"))).unwrap()))
}

#[test]
fn a_rule_is_not_affected_by_failing_neighbours() {
    let mut alone = burst();
    let rows = rows(&mut alone);
    let rows: Vec<&Sequenced> = rows.iter().collect();
    let expected = seen(&alone.stream.judge(&rows));
    assert!(expected.contains("denied calls of"), "{expected}");

    let hostile: Vec<_> =
        ["panics", "burns-fuel", "loops", "bombs-memory", "overflows-stack"].into_iter().map(guest).collect();
    std::thread::scope(|scope| {
        for rule in hostile {
            let rows = &rows;
            scope.spawn(move || {
                let outcome = Judge::new(rule).stream.judge(rows);
                assert!(!outcome.failures.is_empty() && !outcome.findings.is_empty());
            });
        }
        for _ in 0..4 {
            let mut beside = burst();
            assert_eq!(seen(&beside.stream.judge(&rows)), expected);
        }
    });
}

#[test]
fn calls_wait_for_a_free_slot_in_the_pool() {
    let engine = Engine::new(&EngineConfig { concurrent_calls: 1, ..EngineConfig::default() }).unwrap();
    let rule = Arc::new(engine.load(&admitted(bytes("counts-in-statics"))).unwrap());
    std::thread::scope(|scope| {
        for _ in 0..8 {
            let rule = rule.clone();
            scope.spawn(move || {
                let mut judge = Judge::new(rule);
                for _ in 0..20 {
                    let outcome = judge.judge(&[("ListUsers", "ALICE"), ("ListUsers", "BOB")]);
                    assert_eq!((outcome.findings.len(), outcome.failures.len()), (2, 0));
                    assert_eq!(outcome.findings[1].finding.message, "call 1, 0 rows remembered");
                }
            });
        }
    });
}

/// An attacker may choose the texts of an event. None of them may forge a rule's message.
#[test]
fn texts_of_events_are_only_data() {
    let rule = guest("panics");
    for text in ["", "\0", "\u{feff}", "\u{1b}[2J", "\0\u{c5}countersign!\u{c5}\0", &"x".repeat(1 << 16)] {
        let mut judge = Judge::new(rule.clone());
        let mut one = event(0, ("PanicHere", "ALICE"));
        one.fields.set(FieldId::ApiServiceName, Value::Text(Arc::from(text)));
        let mut other = event(1, (text, "ALICE"));
        other.fields.set(FieldId::RawData, Value::WrongType);
        let mut clock = countersign_stream::Clock::default();
        let rows: Vec<Sequenced> = (0u64..)
            .zip([one, other])
            .map(|(position, event)| {
                let (_, placement) = clock.place(&event.source, event.time, event.time);
                Sequenced::new(position, Arc::new(event), placement)
            })
            .collect();
        let outcome = judge.stream.judge(&rows.iter().collect::<Vec<_>>());
        assert_eq!((outcome.failures.len(), outcome.findings.len()), (1, 1));
        assert!(outcome.failures[0].failure.message.contains("`PanicHere` is more"));
    }
}
