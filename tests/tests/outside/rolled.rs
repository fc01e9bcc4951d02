//! Rolled back: rules that were replaced go on as if they had never been, what was decided stays, and what a host did so is what
//! an undisturbed one makes of the same recorder.

use std::path::Path;

use countersign_daemon::{Host, Material, MaterialFile, Role};
use countersign_model::{StateChange, Timestamp};
use countersign_policy::DEFAULT_POLICY;
use countersign_store::SqliteStore;

use crate::determinism::Snapshot;
use crate::fed;
use crate::served::{LONG, SOURCES, file, folder, lines, log, send, start, undisturbed};
use crate::swapped::counts_as;

fn material(version: u32, comment: &str) -> Material {
    let bytes = counts_as("local/counts", version);
    let rule = MaterialFile { role: Role::Rule, name: "counts.wasm".to_owned(), bytes };
    let policy = format!("{DEFAULT_POLICY}\n# {comment}\n");
    Material { shipped_rules: false, files: vec![rule, file(Role::Sources, SOURCES), file(Role::Policy, &policy)] }
}

/// Calls of two users, a second apart, of which each has made 13 after 26: the number that the newer version can't read.
fn calls() -> Vec<String> {
    (0..).zip((0..26).chain(26..60)).map(|(at, number)| fed::record(at, 1 + number % 2, "clock")).collect()
}

fn send_all(host: &Host, lines: &[String]) {
    for lines in lines.chunks(3) {
        send(host, None, (lines.join("\n") + "\n").as_bytes());
    }
    assert!(host.wait_judged(LONG), "{:?}", host.status());
}

/// What is kept, but for when it changed, which is the host's time.
fn kept(state: &Path) -> Vec<StateChange> {
    let store = SqliteStore::read(&state.join("store.db")).unwrap();
    let mut kept = Snapshot::of(&store).state;
    kept.iter_mut().filter_map(|change| change.entry.as_mut()).for_each(|entry| entry.changed = Timestamp(0));
    kept
}

/// The numbers of the calls with findings, from one on: findings of those before aren't made again.
fn findings(state: &Path, from: usize) -> Vec<usize> {
    let log = log(state);
    let found = log.iter().filter(|line| line.contains(r#""type":"finding""#));
    let event = |line: &String| serde_json::from_str::<serde_json::Value>(line).unwrap()["event_id"].clone();
    let number = |line| event(line).as_str().unwrap().split_once('-').unwrap().0.parse().unwrap();
    found.map(number).filter(|number| *number >= from).collect()
}

/// What a host has that no other version has ever run in.
fn always(from: usize) -> (Vec<StateChange>, Vec<usize>) {
    let (_folder, state) = folder();
    let host = start(&state, &material(1, "first"));
    send_all(&host, &calls());
    host.stop();
    (kept(&state), findings(&state, from))
}

#[test]
fn rules_go_on_as_if_they_had_never_been_replaced() {
    let calls = calls();
    for (at_once, is_stopped, between) in [(false, false, true), (false, true, false), (true, false, false)] {
        let (_folder, state) = folder();
        let first = material(1, "first");
        let mut host = start(&state, &first);
        send_all(&host, &calls[..10]);
        if between {
            // Another policy, and the same rule: that one's end is the first one's too.
            host.apply(&material(1, "between"), "test".to_owned(), None).unwrap();
        }
        send_all(&host, &calls[10..26]);
        host.apply(&material(2, "first"), "test".to_owned(), None).unwrap();
        send_all(&host, &calls[26..40]);
        assert!(log(&state).iter().any(|line| line.contains(r#""type":"migration""#)));
        let before = log(&state);
        if is_stopped {
            host.stop();
            drop(host);
            host = start(&state, &first);
            assert!(host.wait_serving(LONG));
        }
        let rolled = host.roll_back(1, "test".to_owned(), None, at_once).unwrap();
        let expected = if at_once { "go on at once" } else { "1 rules go on from what they had, caught up with" };
        assert!(rolled.state.contains(expected), "{}", rolled.state);
        send_all(&host, &calls[40..]);
        assert_eq!(host.generations().unwrap().last().unwrap().number, rolled.generation);
        host.stop();
        let (state_of_always, findings_of_always) = always(40);
        if at_once {
            assert_ne!(kept(&state), state_of_always);
        } else {
            assert_eq!(kept(&state), state_of_always);
            assert_eq!(findings(&state, 40), findings_of_always);
            assert!(!findings_of_always.is_empty());
        }
        // What was decided stays.
        let after = log(&state);
        assert_eq!(after[..before.len()], before[..]);
        assert!(after == lines(&undisturbed(&state)), "the logs differ");
        // What isn't kept any more leaves nothing behind.
        let left = std::fs::read_dir(state.join("past")).unwrap().map(|entry| entry.unwrap().file_name());
        let left: Vec<String> = left.map(|name| name.into_string().unwrap()).collect();
        assert!(left.iter().all(|name| !name.contains(".part")), "{left:?}");
    }
}

#[test]
fn what_is_resumed_after_a_rollback_is_what_was_rolled_back_to() {
    // The store has what the rules went on from, also between two ticks.
    let calls = calls();
    let (_folder, state) = folder();
    let first = material(1, "first");
    let host = start(&state, &first);
    send_all(&host, &calls[..26]);
    host.apply(&material(2, "first"), "test".to_owned(), None).unwrap();
    send_all(&host, &calls[26..30]);
    host.roll_back(1, "test".to_owned(), None, false).unwrap();
    assert!(host.wait_judged(LONG));
    host.stop();
    drop(host);
    for lines in calls[30..].chunks(5) {
        let host = start(&state, &first);
        send_all(&host, lines);
        host.stop();
    }
    assert_eq!((kept(&state), findings(&state, 30)), always(30));
    assert!(log(&state) == lines(&undisturbed(&state)), "the logs differ");
}

#[test]
fn what_was_not_kept_is_said_and_keeps_nobody_from_rolling_back() {
    let (_folder, state) = folder();
    let host = start(&state, &material(1, "first"));
    send_all(&host, &calls()[..6]);
    let second = host.apply(&material(2, "first"), "test".to_owned(), None).unwrap();
    assert!(host.wait_judged(LONG));
    host.stop();
    drop(host);
    std::fs::remove_dir_all(state.join("past")).unwrap();
    let host = start(&state, &material(1, "first"));
    assert!(host.wait_serving(LONG));
    // Generations are numbered one after another, whatever else the host puts on record.
    assert_eq!(second, 2);
    let refused = |number: u64| host.roll_back(number, "test".to_owned(), None, false).unwrap_err().to_string();
    assert_eq!(
        refused(second),
        "expected the number of a generation that can serve again (1), got 2, which is what serves"
    );
    assert_eq!(refused(77), "expected the number of a generation that can serve again (1), got 77, which none has");
    let rolled = host.roll_back(1, "test".to_owned(), Some("it is bad".to_owned()), false).unwrap();
    assert!(rolled.state.contains("isn't kept any more"), "{}", rolled.state);
    let reason = host.generations().unwrap().pop().unwrap().word.reason.unwrap();
    assert!(reason.starts_with("it is bad; rules go on from what there is"), "{reason}");
    // Other rules' files don't matter where none was replaced.
    host.apply(&material(1, "another"), "test".to_owned(), None).unwrap();
    assert!(host.wait_judged(LONG));
    let rolled = host.roll_back(rolled.generation, "test".to_owned(), None, false).unwrap();
    assert!(rolled.state.contains("none of them was replaced"), "{}", rolled.state);
    host.stop();
}
