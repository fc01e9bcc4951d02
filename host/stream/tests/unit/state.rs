//! Ticks, bounds and changes of keyed state.

use super::*;
use crate::testing::{SECOND, declaration, second};

fn slot(name: &str, max_keys: u32, ttl: i64, when_full: WhenFull) -> Slot {
    Slot { name: name.to_owned(), version: 1, max_bytes: 8, max_keys, kept_references: 1, ttl, when_full }
}

fn with_slots(slots: Vec<Slot>) -> RuleState {
    let mut declaration = declaration("", "");
    declaration.slots = slots;
    RuleState::new(&declaration)
}

fn state(max_keys: u32, when_full: WhenFull) -> RuleState {
    with_slots(vec![slot("count", max_keys, 100 * SECOND, when_full)])
}

fn entry(content: u8) -> StateEntry {
    StateEntry { version: 1, blob: [content].into(), kept: Vec::new(), changed: Timestamp::default() }
}

/// Keys that change at a time, then a tick.
fn interval(state: &mut RuleState, at: i64, keys: &[&str]) -> u64 {
    state.begin_rows(second(at));
    for key in keys {
        let (key, content) = key.split_once('=').map_or((*key, 1), |(key, content)| (key, content.parse().unwrap()));
        let (key, forget) = key.strip_prefix('-').map_or((key, false), |key| (key, true));
        state.set(0, &Arc::from(key), (!forget).then(|| entry(content)));
    }
    state.tick(Tick { at: second(at) }, u64::MAX, |_| false)
}

fn keys(state: &RuleState) -> Vec<&str> {
    let mut keys: Vec<&str> = state.tables[0].keys().map(|key| &**key).collect();
    keys.sort_unstable();
    keys
}

#[test]
fn a_key_expires_when_it_was_not_changed_for_longer_than_its_ttl() {
    let mut state = state(10, WhenFull::EvictOldest);
    assert_eq!(interval(&mut state, 0, &["a", "b"]), 0);
    assert_eq!(interval(&mut state, 60, &["b=2"]), 0);
    assert_eq!(interval(&mut state, 100, &[]), 0);
    assert_eq!(interval(&mut state, 101, &[]), 1);
    assert_eq!(keys(&state), ["b"]);
    let changes: Vec<_> = state.take_changes().into_iter().map(|change| (change.key, change.entry.is_some())).collect();
    assert_eq!(changes, [("a".to_owned(), false), ("b".to_owned(), true)]);
    assert!(state.take_changes().is_empty());
}

#[test]
fn changes_between_two_ticks_count_as_simultaneous() {
    let mut state = state(10, WhenFull::EvictOldest);
    let changed = |state: &RuleState, key: &str| state.get(0, key).unwrap().changed;
    interval(&mut state, 7, &["a", "b"]);
    state.begin_rows(second(50));
    interval(&mut state, 55, &["a=2", "b=2", "b=1", "c"]);
    assert_eq!(changed(&state, "a"), second(50));
    assert_eq!(changed(&state, "b"), second(7), "it is again as it was");
    interval(&mut state, 80, &["-c", "c", "a=1"]);
    assert_eq!((changed(&state, "c"), changed(&state, "a")), (second(50), second(80)));
}

#[test]
fn the_keys_changed_longest_ago_are_evicted() {
    let mut state = state(2, WhenFull::EvictOldest);
    interval(&mut state, 0, &["c", "d"]);
    assert_eq!(interval(&mut state, 1, &["b", "d"]), 1);
    assert_eq!(keys(&state), ["b", "d"]);
    assert_eq!(interval(&mut state, 2, &["z", "y", "x"]), 3);
    assert_eq!(keys(&state), ["y", "z"], "of those changed at once the first in order are evicted");
}

#[test]
fn bounds_are_enforced_at_ticks_only() {
    let mut state = state(2, WhenFull::EvictOldest);
    state.begin_rows(second(0));
    let all: Vec<Arc<str>> = ["d", "a", "c", "b", "e"].map(Arc::from).into();
    for key in &all {
        state.set(0, key, Some(entry(1)));
    }
    assert_eq!(state.gather(&all)[0].blob_offsets, [0, 1, 2, 3, 4, 5]);
    // Long expired, and still there.
    state.begin_rows(second(1_000));
    assert_eq!(state.gather(&all)[0].blobs.len(), 5);
    assert_eq!(state.tick(Tick { at: second(0) }, u64::MAX, |_| false), 3);
    let gathered = state.gather(&all).remove(0);
    assert_eq!((gathered.blobs.len(), gathered.blob_offsets.as_slice()), (2, &[0, 1, 1, 1, 1, 2][..]));
}

#[test]
fn slots_are_bounded_separately_and_keys_share_nothing() {
    let oldest = WhenFull::EvictOldest;
    let mut state = with_slots(vec![slot("few", 1, i64::MAX, oldest), slot("short", 9, 10 * SECOND, oldest)]);
    state.begin_rows(second(0));
    for (place, key) in ["a", "b"].map(Arc::<str>::from).iter().enumerate() {
        for slot in 0..2 {
            let reference = (place * 2 + slot) as u64;
            let event_time = second(0);
            let raw = countersign_model::Digest::of(b"");
            let kept = Evidence { reference, event_id: format!("event-{reference}"), event_time, raw };
            state.set(slot, key, Some(StateEntry { kept: vec![Arc::new(kept)], ..entry(1) }));
        }
    }
    let kept =
        |state: &RuleState, key: &str| -> Vec<u64> { state.kept(key).map(|evidence| evidence.reference).collect() };
    assert_eq!((kept(&state, "a"), kept(&state, "b"), kept(&state, "c")), (vec![0, 1], vec![2, 3], vec![]));
    assert_eq!(
        state.tick(Tick { at: second(10) }, u64::MAX, |_| false),
        1,
        "the first of two where there is space for one"
    );
    assert_eq!((kept(&state, "a"), kept(&state, "b")), (vec![1], vec![2, 3]));
    assert_eq!(state.tick(Tick { at: second(11) }, u64::MAX, |_| false), 2, "both of the short-lived");
    assert_eq!((kept(&state, "a"), kept(&state, "b")), (vec![], vec![2]));
}

#[test]
fn new_keys_are_refused_where_the_rule_declares_it() {
    let mut state = state(2, WhenFull::Refuse);
    interval(&mut state, 0, &["c", "d"]);
    assert_eq!(interval(&mut state, 1, &["a", "b"]), 2);
    assert_eq!(keys(&state), ["c", "d"]);
    // Removed and set again between two ticks: it was there, regardless of how the rows were grouped.
    assert_eq!(interval(&mut state, 2, &["a", "-c", "c", "-b"]), 1);
    assert_eq!(keys(&state), ["c", "d"]);
}
