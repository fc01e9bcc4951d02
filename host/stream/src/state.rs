//! A rule's keyed state between calls: bounded by time and number, handed out as arenas.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use countersign_declaration::{Slot, WhenFull};
use countersign_model::call::SlotState;
use countersign_model::{Evidence, RuleId, StateChange, StateEntry, Timestamp};

use serde::Serialize;

use crate::Tick;

/// How many keys of a slot ticks forgot, and why.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Forgotten {
    /// Not changed for longer than the slot's `ttl`.
    pub expired: u64,
    /// The oldest of more than `max-keys`, to make room.
    pub evicted: u64,
    /// New since the tick before, where the slot was full and keeps whom it has.
    pub refused: u64,
}

/// The state of one rule. Between ticks it may grow past a slot's `max-keys`, else the size of batches would show; but a
/// tick comes at least every 65,536 events and an event has one key, so a slot never has more than `max-keys` + 65,536.
pub(crate) struct RuleState {
    rule: RuleId,
    slots: Vec<Slot>,
    max_kept: usize,
    /// One table a slot. Looked up in and collected with a sort, so its order can't show.
    tables: Vec<HashMap<Arc<str>, StateEntry>>,
    /// For each key of each slot touched since the last tick: its state then. Only looked up in.
    before: Vec<HashMap<Arc<str>, Option<StateEntry>>>,
    /// What ticks forgot, slot by slot.
    forgotten: Vec<Forgotten>,
    /// The stream's clock at the first row since the last tick.
    stamp: Option<Timestamp>,
    /// What changed since the changes were taken last, in no order and maybe several times.
    changed: Vec<(usize, Arc<str>)>,
}

impl RuleState {
    pub(crate) fn new(rule: RuleId, slots: &[Slot]) -> RuleState {
        RuleState {
            rule,
            slots: slots.to_vec(),
            max_kept: slots.iter().map(|slot| slot.kept_references as usize).sum(),
            tables: slots.iter().map(|_| HashMap::new()).collect(),
            before: slots.iter().map(|_| HashMap::new()).collect(),
            forgotten: slots.iter().map(|_| Forgotten::default()).collect(),
            stamp: None,
            changed: Vec::new(),
        }
    }

    pub(crate) fn slots(&self) -> &[Slot] {
        &self.slots
    }

    /// The state of some keys, slot by slot.
    pub(crate) fn gather(&self, keys: &[Arc<str>]) -> Vec<SlotState> {
        self.tables
            .iter()
            .map(|table| {
                let mut state = SlotState {
                    blobs: Vec::new(),
                    blob_offsets: Vec::with_capacity(keys.len() + 1),
                    kept: Vec::new(),
                    kept_offsets: Vec::with_capacity(keys.len() + 1),
                };
                state.blob_offsets.push(0);
                state.kept_offsets.push(0);
                for key in keys {
                    if let Some(entry) = table.get(key) {
                        state.blobs.extend_from_slice(&entry.blob);
                        state.kept.extend(entry.kept.iter().map(|evidence| evidence.reference));
                    }
                    state.blob_offsets.push(u32::try_from(state.blobs.len()).unwrap_or(u32::MAX));
                    state.kept_offsets.push(u32::try_from(state.kept.len()).unwrap_or(u32::MAX));
                }
                state
            })
            .collect()
    }

    pub(crate) fn get(&self, slot: usize, key: &str) -> Option<&StateEntry> {
        self.tables.get(slot)?.get(key)
    }

    /// The most references that all slots together may keep with a key.
    pub(crate) fn max_kept(&self) -> usize {
        self.max_kept
    }

    /// The evidence kept with a key, slot by slot.
    pub(crate) fn kept(&self, key: &str) -> impl DoubleEndedIterator<Item = &Evidence> {
        self.tables.iter().filter_map(|table| table.get(key)).flat_map(|entry| &entry.kept)
    }

    /// What ticks forgot so far, slot by slot.
    pub(crate) fn forgotten(&self) -> impl Iterator<Item = (&str, Forgotten)> {
        self.slots.iter().zip(&self.forgotten).map(|(slot, forgotten)| (slot.name.as_str(), *forgotten))
    }

    /// Rows come, the first of them at this clock.
    pub(crate) fn enter(&mut self, clock: Timestamp) {
        self.stamp.get_or_insert(clock);
    }

    /// The clock at the first row since the last tick: the same for all rows until the next.
    pub(crate) fn now(&self) -> Timestamp {
        self.stamp.unwrap_or_default()
    }

    /// Sets or, without an entry, forgets a key's state. What is again as it was at the last tick wasn't changed: else
    /// the size of batches would show, since a batch tells only what its rows came to.
    pub(crate) fn set(&mut self, slot: usize, key: &Arc<str>, entry: Option<StateEntry>) {
        let (Some(table), Some(before)) = (self.tables.get_mut(slot), self.before.get_mut(slot)) else { return };
        let now = table.remove(key);
        let before = before.entry(Arc::clone(key)).or_insert(now);
        if let Some(mut entry) = entry {
            entry.changed = match before {
                Some(before) if before.blob == entry.blob && before.kept == entry.kept => before.changed,
                _ => self.stamp.unwrap_or_default(),
            };
            table.insert(Arc::clone(key), entry);
        }
        self.changed.push((slot, Arc::clone(key)));
    }

    /// What a tick does: slots expire, and what is over a slot's bound is forgotten. Returns how many keys were.
    pub(crate) fn tick(&mut self, tick: Tick) -> u64 {
        let mut forgotten = Vec::new();
        let slots = self.slots.iter().zip(&self.tables).zip(&self.before).zip(&mut self.forgotten);
        for (index, (((slot, table), before), counts)) in slots.enumerate() {
            let expired = table.iter().filter(|(_, entry)| tick.at.micros_since(entry.changed) > slot.ttl);
            let expired: BTreeSet<Arc<str>> = expired.map(|(key, _)| Arc::clone(key)).collect();
            let left = table.len() - expired.len();
            let over = left.saturating_sub(usize::try_from(slot.max_keys).unwrap_or(usize::MAX));
            counts.expired += expired.len() as u64;
            match slot.when_full {
                WhenFull::EvictOldest => counts.evicted += over as u64,
                WhenFull::Refuse => counts.refused += over as u64,
            }
            if over > 0 {
                let mut candidates: Vec<_> = table
                    .iter()
                    .filter(|(key, _)| !expired.contains(*key))
                    .map(|(key, entry)| {
                        // `refuse` keeps who was there at the last tick; both forget in an order that no hash decides.
                        let newcomer = before.get(key).is_some_and(Option::is_none);
                        (slot.when_full == WhenFull::Refuse && !newcomer, entry.changed, Arc::clone(key))
                    })
                    .collect();
                candidates.sort_unstable();
                forgotten.extend(candidates.into_iter().take(over).map(|(_, _, key)| (index, key)));
            }
            forgotten.extend(expired.into_iter().map(|key| (index, key)));
        }
        for (slot, key) in &forgotten {
            self.set(*slot, key, None);
        }
        self.before.iter_mut().for_each(HashMap::clear);
        self.stamp = None;
        u64::try_from(forgotten.len()).unwrap_or(u64::MAX)
    }

    /// Whether there is no state, none that was there at the last tick, and none to tell of.
    pub(crate) fn is_idle(&self) -> bool {
        self.stamp.is_none()
            && self.changed.is_empty()
            && self.tables.iter().all(HashMap::is_empty)
            && self.before.iter().all(HashMap::is_empty)
    }

    /// Forgets every key. Returns what changed by it, and before it since this was asked last.
    pub(crate) fn clear(&mut self) -> Vec<StateChange> {
        let keys: Vec<(usize, Arc<str>)> = self
            .tables
            .iter()
            .enumerate()
            .flat_map(|(slot, table)| table.keys().map(move |key| (slot, Arc::clone(key))))
            .collect();
        for (slot, key) in &keys {
            self.set(*slot, key, None);
        }
        self.take_changes()
    }

    /// What changed since this was asked last, by slot and key.
    pub(crate) fn take_changes(&mut self) -> Vec<StateChange> {
        let mut changed = std::mem::take(&mut self.changed);
        changed.sort_unstable();
        changed.dedup();
        changed
            .into_iter()
            .map(|(slot, key)| StateChange {
                rule: self.rule.clone(),
                slot: u32::try_from(slot).unwrap_or(u32::MAX),
                entry: self.get(slot, &key).cloned(),
                key: String::from(&*key),
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn second(second: i64) -> Timestamp {
        Timestamp(second * 1_000_000)
    }

    fn state(max_keys: u32, when_full: WhenFull) -> RuleState {
        let slot = Slot {
            name: "count".to_owned(),
            version: 1,
            max_bytes: 8,
            max_keys,
            kept_references: 0,
            ttl: 100 * 1_000_000,
            when_full,
        };
        RuleState::new("example/rule".parse().unwrap(), &[slot])
    }

    /// Keys that change at a time, then a tick.
    fn interval(state: &mut RuleState, at: i64, keys: &[&str]) -> u64 {
        state.enter(second(at));
        for key in keys {
            let (key, content) =
                key.split_once('=').map_or((*key, 1), |(key, content)| (key, content.parse().unwrap()));
            let (key, forget) = key.strip_prefix('-').map_or((key, false), |key| (key, true));
            let entry = StateEntry { version: 1, blob: vec![content], kept: Vec::new(), changed: Timestamp::default() };
            state.set(0, &Arc::from(key), (!forget).then_some(entry));
        }
        state.tick(Tick { at: second(at) })
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
        let told: Vec<_> =
            state.take_changes().into_iter().map(|change| (change.key, change.entry.is_some())).collect();
        assert_eq!(told, [("a".to_owned(), false), ("b".to_owned(), true)]);
        assert!(state.take_changes().is_empty());
    }

    #[test]
    fn changes_between_two_ticks_count_as_made_at_once() {
        let mut state = state(10, WhenFull::EvictOldest);
        let changed = |state: &RuleState, key: &str| state.get(0, key).unwrap().changed;
        interval(&mut state, 7, &["a", "b"]);
        state.enter(second(50));
        interval(&mut state, 55, &["a=2", "b=2", "b=1", "c"]);
        assert_eq!(changed(&state, "a"), second(50));
        assert_eq!(changed(&state, "b"), second(7), "it is again as it was");
        interval(&mut state, 80, &["-c", "c", "a=1"]);
        assert_eq!((changed(&state, "c"), changed(&state, "a")), (second(50), second(80)));
    }

    #[test]
    fn the_keys_changed_longest_ago_make_room() {
        let mut state = state(2, WhenFull::EvictOldest);
        interval(&mut state, 0, &["c", "d"]);
        assert_eq!(interval(&mut state, 1, &["b", "d"]), 1);
        assert_eq!(keys(&state), ["b", "d"]);
        assert_eq!(interval(&mut state, 2, &["z", "y", "x"]), 3);
        assert_eq!(keys(&state), ["y", "z"], "of those changed at once the first in order go");
    }

    #[test]
    fn what_is_cleared_is_told_once() {
        let mut state = state(10, WhenFull::EvictOldest);
        interval(&mut state, 0, &["b", "a"]);
        let told: Vec<_> = state.clear().into_iter().map(|change| (change.key, change.entry)).collect();
        assert_eq!(told, [("a".to_owned(), None), ("b".to_owned(), None)]);
        assert!(keys(&state).is_empty() && state.clear().is_empty());
    }

    #[test]
    fn bounds_hold_at_ticks_and_nowhere_else() {
        let mut state = state(2, WhenFull::EvictOldest);
        state.enter(second(0));
        let all: Vec<Arc<str>> = ["d", "a", "c", "b", "e"].map(Arc::from).into();
        for key in &all {
            let entry = StateEntry { version: 1, blob: vec![1], kept: Vec::new(), changed: Timestamp::default() };
            state.set(0, key, Some(entry));
        }
        assert_eq!(state.gather(&all)[0].blob_offsets, [0, 1, 2, 3, 4, 5]);
        // Long past its time, and still there.
        state.enter(second(1_000));
        assert_eq!(state.gather(&all)[0].blobs.len(), 5);
        assert_eq!(state.tick(Tick { at: second(0) }), 3);
        let gathered = state.gather(&all).remove(0);
        assert_eq!((gathered.blobs.len(), gathered.blob_offsets.as_slice()), (2, &[0, 1, 1, 1, 1, 2][..]));
    }

    #[test]
    fn slots_are_bounded_apart_and_keys_share_nothing() {
        let slot = |name: &str, max_keys, ttl| Slot {
            name: name.to_owned(),
            version: 1,
            max_bytes: 8,
            max_keys,
            kept_references: 1,
            ttl,
            when_full: WhenFull::EvictOldest,
        };
        let mut state = RuleState::new(
            "example/rule".parse().unwrap(),
            &[slot("few", 1, i64::MAX), slot("short", 9, 10 * 1_000_000)],
        );
        state.enter(second(0));
        for (place, key) in ["a", "b"].map(Arc::<str>::from).iter().enumerate() {
            for slot in 0..2 {
                let reference = (place * 2 + slot) as u64;
                let event_time = second(0);
                let raw = countersign_model::Digest::of(b"");
                let kept = vec![Evidence { reference, event_id: format!("event-{reference}"), event_time, raw }];
                state.set(slot, key, Some(StateEntry { version: 1, blob: vec![1], kept, changed: event_time }));
            }
        }
        let kept =
            |state: &RuleState, key: &str| -> Vec<u64> { state.kept(key).map(|evidence| evidence.reference).collect() };
        assert_eq!((kept(&state, "a"), kept(&state, "b"), kept(&state, "c")), (vec![0, 1], vec![2, 3], vec![]));
        assert_eq!(state.tick(Tick { at: second(10) }), 1, "the first of two where there is room for one");
        assert_eq!((kept(&state, "a"), kept(&state, "b")), (vec![1], vec![2, 3]));
        assert_eq!(state.tick(Tick { at: second(11) }), 2, "both of the short-lived");
        assert_eq!((kept(&state, "a"), kept(&state, "b")), (vec![], vec![2]));
    }

    #[test]
    fn newcomers_are_refused_where_the_rule_says_so() {
        let mut state = state(2, WhenFull::Refuse);
        interval(&mut state, 0, &["c", "d"]);
        assert_eq!(interval(&mut state, 1, &["a", "b"]), 2);
        assert_eq!(keys(&state), ["c", "d"]);
        // Gone and back between two ticks: it was there, however the rows were grouped.
        assert_eq!(interval(&mut state, 2, &["a", "-c", "c", "-b"]), 1);
        assert_eq!(keys(&state), ["c", "d"]);
    }
}
