//! State and timers go on under another declaration of the rule, or wait for it.

use std::sync::Mutex;

use countersign_declaration::Declaration;
use countersign_model::call::{CallFailure, DetectionAnswer, DetectionCall};

use super::*;
use crate::testing::{declaration, declared, judge, rows, second, slot};
use crate::{LINE_SLOT, Tick};

/// Migrates by appending the new version, unless the blob says not to; counts how often it was asked.
#[derive(Default)]
struct Migrating {
    asked: Mutex<u64>,
}

impl Detector for Migrating {
    fn detect(&self, _: &DetectionCall) -> Result<DetectionAnswer, CallFailure> {
        Ok(DetectionAnswer::default())
    }

    fn migrate(&self, slot: u32, from_version: u32, blob: &[u8]) -> Result<Vec<u8>, CallFailure> {
        *self.asked.lock().unwrap() += 1;
        let failure = |kind| Err(CallFailure { kind, message: String::new() });
        match blob {
            b"bad" => failure(FailureKind::Trap),
            b"slow" => failure(FailureKind::Deadline),
            b"long" => Ok(vec![0; 4_096]),
            blob => Ok([blob, &[u8::try_from(slot).unwrap(), u8::try_from(from_version).unwrap()]].concat()),
        }
    }
}

/// A stream of a rule with these slots, each with a version, and what it is called through.
fn stream(slots: &[(&str, u32)], more: &str) -> (RuleStream, Arc<Migrating>) {
    let text: String = slots.iter().map(|(name, _)| slot(name)).collect();
    let mut declaration: Declaration = declaration("", &format!("{text}{more}"));
    for (declared, (_, version)) in declaration.slots.iter_mut().zip(slots) {
        (declared.version, declared.max_bytes) = (*version, 64);
    }
    let detector = Arc::new(Migrating::default());
    (RuleStream::new(declaration, detector.clone(), Vec::new(), Vec::new()), detector)
}

fn entry(version: u32, blob: &[u8]) -> StateEntry {
    StateEntry { version, blob: blob.into(), kept: Vec::new(), changed: second(5) }
}

fn change(slot: &str, key: &str, entry: Option<StateEntry>) -> StateChange {
    StateChange { rule: "example/rule".parse().unwrap(), slot: slot.to_owned(), key: key.to_owned(), entry }
}

fn carried(entries: &[(&str, &str, StateEntry)]) -> Carried {
    let mut carried = Carried::new(PartitionKey::Actor, Some(second(7)), Spending::default());
    entries.iter().for_each(|(slot, key, entry)| carried.add_state(change(slot, key, Some(entry.clone()))));
    carried
}

fn state(stream: &RuleStream, slot: usize, key: &str) -> Option<Vec<u8>> {
    stream.state.get(slot, key).map(|entry| entry.blob.to_vec())
}

#[test]
fn slots_go_by_name_and_version() {
    let (mut stream, _) = stream(&[("second", 3), ("first", 1)], "");
    let adopted = stream.adopt(carried(&[
        ("first", "a", entry(1, b"same")),
        ("second", "a", entry(3, b"same")),
        ("second", "b", entry(1, b"old")),
        ("second", "c", entry(4, b"newer")),
        ("second", "d", entry(2, b"bad")),
        ("second", "e", entry(2, b"long")),
    ]));
    assert_eq!(state(&stream, 1, "a").unwrap(), b"same");
    assert_eq!(state(&stream, 0, "a").unwrap(), b"same");
    assert_eq!(state(&stream, 0, "b").unwrap(), b"old\x00\x01");
    assert_eq!([state(&stream, 0, "c"), state(&stream, 0, "d"), state(&stream, 0, "e")], [None, None, None]);
    assert_eq!(adopted.migrated, [Migrated { slot: "second".to_owned(), migrated: 1, failed: 3 }]);
    assert!(adopted.rest.is_empty());
    let changed = stream.state.get(0, "b").unwrap();
    assert_eq!((changed.version, changed.changed), (3, second(5)), "when it was changed stays");
    // What is another than it was is to be stored; what is the same isn't.
    let (changes, _) = stream.changes();
    let changes: Vec<_> = declared(&changes).map(|change| (change.key.as_str(), change.entry.is_some())).collect();
    assert_eq!(changes, [("b", true), ("c", false), ("d", false), ("e", false)]);
}

#[test]
fn baselines_are_migrated_too() {
    let (mut stream, _) = stream(&[("first", 2)], "");
    let mut carried = carried(&[("first", "a", entry(1, b"now"))]);
    carried.add_baseline(change("first", "a", Some(entry(1, b"then"))));
    carried.add_baseline(change("first", "b", None));
    stream.adopt(carried);
    // Back to what it was at the tick: then it counts as unchanged since.
    stream.state.set(0, &Arc::from("a"), Some(entry(2, b"then\x00\x01")));
    assert_eq!(stream.state.get(0, "a").unwrap().changed, second(5));
    stream.state.set(0, &Arc::from("a"), Some(entry(2, b"other")));
    assert_eq!(
        stream.state.get(0, "a").unwrap().changed,
        second(7),
        "the clock at the first row since the tick goes on"
    );
}

#[test]
fn what_never_succeeds_and_what_is_slow_is_given_up() {
    let many: Vec<String> = (0..200).map(|key| format!("k{key:03}")).collect();
    let asked = |blob: &[u8], first: Option<&[u8]>| {
        let (mut stream, detector) = stream(&[("first", 2)], "");
        let mut entries: Vec<_> = many.iter().map(|key| ("first", key.as_str(), entry(1, blob))).collect();
        first.into_iter().for_each(|blob| entries[0].2 = entry(1, blob));
        let adopted = stream.adopt(carried(&entries));
        let asked = *detector.asked.lock().unwrap();
        (asked, adopted.migrated[0].migrated, adopted.migrated[0].failed)
    };
    assert_eq!(asked(b"bad", None), (MAX_FAILURES, 0, 200));
    assert_eq!(asked(b"bad", Some(b"good")), (1 + MAX_FAILURES, 1, 199));
    // A deadline is missed twice before it counts, and costs one key.
    assert_eq!(asked(b"good", Some(b"slow")), (2 + 199, 199, 1));
    assert_eq!(asked(b"slow", None), (2 * MAX_MISSED, 0, 200));
}

#[test]
fn another_partition_key_begins_anew() {
    let (mut stream, _) = stream(&[("first", 1)], "");
    let mut other = Carried::new(PartitionKey::SourceIp, None, Spending::default());
    other.add_state(change("first", "203.0.113.7", Some(entry(1, b"x"))));
    let adopted = stream.adopt(other);
    assert_eq!(state(&stream, 0, "203.0.113.7"), None);
    assert_eq!(adopted.removed.state, [change("first", "203.0.113.7", None)]);
    assert_eq!(adopted.migrated, [Migrated { slot: "first".to_owned(), migrated: 0, failed: 1 }]);
    assert!(adopted.rest.is_empty(), "another key's state means nothing any more");
}

#[test]
fn slots_and_timers_that_are_no_longer_declared_wait_or_go() {
    let timers = "[timers]\nids = [\"a\", \"b\"]\nmost-per-key = 4\nlongest = \"1h\"\n";
    let (mut both, _) = stream(&[("first", 1), ("second", 1)], timers);
    let mut kept = carried(&[("first", "a", entry(1, b"1")), ("second", "a", entry(1, b"2"))]);
    for (id, at) in [("a", 10), ("b", 20)] {
        let event = countersign_model::Event::clone(&rows(&[("x", "ALICE")])[0].event);
        let timer = countersign_model::TimerEntry { at: second(at), event };
        let (rule, key) = ("example/rule".parse().unwrap(), "k".to_owned());
        kept.add_timer(TimerChange { rule, key, id: id.to_owned(), entry: Some(timer) });
    }
    both.adopt(kept);
    assert_eq!((both.take_dropped_timers(), both.pending_timers()), (0, 2));

    let (mut one, _) = stream(&[("first", 1)], &timers.replace(", \"b\"", ""));
    let adopted = one.adopt(both.take_carried());
    assert_eq!((one.take_dropped_timers(), one.pending_timers()), (1, 1));
    assert_eq!(state(&one, 0, "a").unwrap(), b"1");
    let (_, dropped) = one.changes();
    assert_eq!(
        dropped.iter().map(|change| (change.id.as_str(), change.entry.is_none())).collect::<Vec<_>>(),
        [("b", true)]
    );
    // A tick passes, and the slot comes back.
    let mut rest = adopted.rest;
    rest.tick();
    let mut again = one.take_carried();
    again.merge(rest);
    let (mut both, _) = stream(&[("first", 1), ("second", 1)], timers);
    both.adopt(again);
    assert_eq!((state(&both, 0, "a").unwrap(), state(&both, 1, "a").unwrap()), (b"1".to_vec(), b"2".to_vec()));
    let due = both.due(Tick { at: second(15) }, 3, second(15));
    assert_eq!(due.len(), 1, "the timer that stayed");
}

/// The lines of a key in both forms: with the declared slots, and beside a slot that was dropped.
fn stored(changes: &[StateChange]) -> Vec<(&str, &str, bool)> {
    let lines = changes.iter().filter(|change| change.slot.starts_with(LINE_SLOT));
    lines.map(|change| (change.slot.as_str(), change.key.as_str(), change.entry.is_some())).collect()
}

/// What stays with the state of a dropped slot doesn't weaken what is kept, goes on when that is forgotten, and comes back
/// with the slot.
#[test]
fn lines_wait_with_the_state_that_waits() {
    let unproved = |stream: &RuleStream, subject: &str| stream.state.line(&key_of(subject)).unproved;
    let (mut both, _) = stream(&[("first", 1), ("second", 1)], "");
    both.adopt(carried(&[]));
    judge(&mut both, &rows(&[("seen", "?ALICE"), ("seen", "BOB")]));
    for subject in ["ALICE", "BOB"] {
        both.state.set(1, &key_of(subject), Some(entry(1, b"2")));
    }
    let (mut one, _) = stream(&[("first", 1)], "");
    let adopted = one.adopt(both.take_carried());
    let beside = "#line/second";
    let (alice, bob) = (key_of("ALICE"), key_of("BOB"));
    assert_eq!(stored(&adopted.rest_changes), [(beside, &*alice, true), (beside, &*bob, true)]);
    // Again the same: nothing changes, whatever the key has seen since.
    judge(&mut one, &rows(&[("seen", "?BOB")]));
    let mut again = one.take_carried();
    again.merge(adopted.rest);
    let adopted = one.adopt(again);
    assert_eq!((adopted.rest_changes.len(), adopted.migrated.len()), (0, 0));
    // With nothing else kept, the tick forgets the live lines, in the store too; those that wait stay.
    one.changes();
    one.tick(Tick { at: second(60) });
    assert_eq!(stored(&one.changes().0), [(LINE_SLOT, &*alice, false), (LINE_SLOT, &*bob, false)]);
    assert!(!unproved(&one, "ALICE"));
    let mut rest = adopted.rest;
    rest.tick();
    let removals = rest.removals(&"example/rule".parse().unwrap()).state;
    assert_eq!(stored(&removals), [(beside, &*alice, false), (beside, &*bob, false)], "none of the live ones");
    // The slot comes back, and what was seen meanwhile counts too.
    judge(&mut one, &rows(&[("seen", "?CAROL"), ("seen", "BOB")]));
    let mut again = one.take_carried();
    again.merge(rest);
    let (mut both, _) = stream(&[("first", 1), ("second", 1)], "");
    let adopted = both.adopt(again);
    assert_eq!(stored(&adopted.rest_changes), [(beside, &*alice, false), (beside, &*bob, false)]);
    assert!(adopted.rest.is_empty());
    assert!(unproved(&both, "ALICE") && unproved(&both, "CAROL") && !unproved(&both, "BOB"));
    assert_eq!(stored(&both.changes().0), [(LINE_SLOT, &*alice, true), (LINE_SLOT, &*bob, true)]);
}

#[test]
fn of_the_line_that_waited_and_the_live_one_the_weaker_stays() {
    let (mut both, _) = stream(&[("first", 1), ("second", 1)], "");
    judge(&mut both, &rows(&[("seen", "?ALICE")]));
    both.state.set(1, &key_of("ALICE"), Some(entry(1, b"2")));
    let (mut one, _) = stream(&[("first", 1)], "");
    let rest = one.adopt(both.take_carried()).rest;
    one.tick(Tick { at: second(60) });
    judge(&mut one, &rows(&[("seen", "ALICE")]));
    one.state.set(0, &key_of("ALICE"), Some(entry(1, b"1")));
    assert!(!one.state.line(&key_of("ALICE")).unproved);
    let mut again = one.take_carried();
    again.merge(rest);
    both.adopt(again);
    assert!(both.state.line(&key_of("ALICE")).unproved);
}

/// A rule that declares nothing any more leaves no lines behind but those that wait.
#[test]
fn no_line_is_left_of_a_rule_that_remembers_nothing() {
    let (mut first, _) = stream(&[("first", 1)], "");
    judge(&mut first, &rows(&[("seen", "ALICE"), ("seen", "?BOB")]));
    first.state.set(0, &key_of("ALICE"), Some(entry(1, b"1")));
    let (mut none, _) = stream(&[], "");
    let adopted = none.adopt(first.take_carried());
    let (alice, bob) = (key_of("ALICE"), key_of("BOB"));
    assert_eq!(
        stored(&adopted.rest_changes),
        [("#line/first", &*alice, true), (LINE_SLOT, &*alice, false), (LINE_SLOT, &*bob, false)]
    );
}

/// State that a store has from before there were lines is as weak as any, and so is a timer.
#[test]
fn what_has_no_line_was_made_of_nobody_knows_what() {
    let timers = "[timers]\nids = [\"a\"]\nmost-per-key = 4\nlongest = \"1h\"\n";
    let (mut old, _) = stream(&[("first", 1)], timers);
    let mut kept = carried(&[("first", "a", entry(1, b"1"))]);
    let event = countersign_model::Event::clone(&rows(&[("x", "ALICE")])[0].event);
    let timer = countersign_model::TimerEntry { at: second(10), event };
    let rule = "example/rule".parse().unwrap();
    kept.add_timer(TimerChange { rule, key: "t".to_owned(), id: "a".to_owned(), entry: Some(timer) });
    old.adopt(kept);
    for key in ["a", "t"] {
        let line = old.state.line(key);
        assert_eq!(line, Own::unknown().line, "{key}");
        assert!(line.unproved && !line.binding.bound, "{key}");
    }
    assert!(old.state.line("another").is_strongest());
    assert_eq!(stored(&old.changes().0), [(LINE_SLOT, "a", true), (LINE_SLOT, "t", true)], "it is stored from now on");
}

/// Lines of the first form had no origin, and were stored only where something weakened them.
#[test]
fn a_line_of_the_first_form_is_read() {
    let line = countersign_model::Line { unproved: true, ..countersign_model::Line::STRONGEST };
    let blob = serde_json::to_vec(&line).unwrap();
    let (mut stream, _) = stream(&[("first", 1)], "");
    stream.adopt(carried(&[("first", "a", entry(1, b"1")), (LINE_SLOT, "a", entry(1, &blob))]));
    assert_eq!(stream.state.line("a"), line);
    stream.adopt(carried(&[("first", "a", entry(1, b"1")), (LINE_SLOT, "a", entry(9, b"nonsense"))]));
    assert_eq!(stream.state.line("a"), Own::unknown().line);
}

fn key_of(subject: &str) -> Arc<str> {
    Arc::from(format!("aws:111122223333:{subject}"))
}
