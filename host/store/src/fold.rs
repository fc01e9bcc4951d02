//! Commits applied one after another: what is stored beside the log and its blobs, in memory.

use std::collections::BTreeMap;
use std::ops::Bound;

use countersign_model::{Finding, Intent, StateChange, StateEntry, TimerChange, TimerEntry};

use crate::{Commit, KeyValue, MemoryChange, StateKey, TimerKey};

/// The changes of a commit, by value.
#[derive(Clone, Debug, Default)]
pub(crate) struct Changes {
    pub(crate) tick: bool,
    pub(crate) findings: Vec<Finding>,
    pub(crate) intents: Vec<Intent>,
    pub(crate) baselines: Vec<StateChange>,
    pub(crate) state: Vec<StateChange>,
    pub(crate) timers: Vec<TimerChange>,
    /// Space, key and value.
    pub(crate) memory: Vec<(String, Vec<u8>, Option<Vec<u8>>)>,
}

impl From<&Commit<'_>> for Changes {
    fn from(commit: &Commit<'_>) -> Changes {
        let memory =
            |MemoryChange { space, key, value }: &MemoryChange| ((*space).to_owned(), key.clone(), value.clone());
        Changes {
            tick: commit.tick,
            findings: commit.findings.to_vec(),
            intents: commit.intents.to_vec(),
            baselines: commit.baselines.to_vec(),
            state: commit.state.to_vec(),
            timers: commit.timers.to_vec(),
            memory: commit.memory.iter().map(memory).collect(),
        }
    }
}

/// What commits add up to.
#[derive(Clone, Debug, Default)]
pub(crate) struct Fold {
    findings: Vec<Finding>,
    intents: Vec<Intent>,
    baselines: BTreeMap<StateKey, Option<StateEntry>>,
    state: BTreeMap<StateKey, StateEntry>,
    timers: BTreeMap<TimerKey, TimerEntry>,
    memory: BTreeMap<String, BTreeMap<Vec<u8>, Vec<u8>>>,
}

impl Fold {
    /// Applies the next commit.
    pub(crate) fn apply(&mut self, changes: Changes) {
        self.findings.extend(changes.findings);
        self.intents.extend(changes.intents);
        if changes.tick {
            self.baselines.clear();
        }
        for StateChange { rule, slot, key, entry } in changes.baselines {
            self.baselines.entry(StateKey { rule, slot, key }).or_insert(entry);
        }
        for StateChange { rule, slot, key, entry } in changes.state {
            set(&mut self.state, StateKey { rule, slot, key }, entry);
        }
        for TimerChange { rule, key, id, entry } in changes.timers {
            set(&mut self.timers, TimerKey { rule, key, id }, entry);
        }
        for (space, key, value) in changes.memory {
            set(self.memory.entry(space).or_default(), key, value);
        }
    }

    pub(crate) fn findings(&self, from: u64, limit: usize) -> Vec<Finding> {
        from_ordinal(&self.findings, from, limit)
    }

    pub(crate) fn intents(&self, from: u64, limit: usize) -> Vec<Intent> {
        from_ordinal(&self.intents, from, limit)
    }

    pub(crate) fn state(&self, after: Option<&StateKey>, limit: usize) -> Vec<StateChange> {
        page(&self.state, after, limit, |key, entry| state_change(key, Some(entry.clone())))
    }

    pub(crate) fn baselines(&self, after: Option<&StateKey>, limit: usize) -> Vec<StateChange> {
        page(&self.baselines, after, limit, |key, entry| state_change(key, entry.clone()))
    }

    pub(crate) fn timers(&self, after: Option<&TimerKey>, limit: usize) -> Vec<TimerChange> {
        page(&self.timers, after, limit, |key, entry| {
            let TimerKey { rule, key, id } = key.clone();
            TimerChange { rule, key, id, entry: Some(entry.clone()) }
        })
    }

    /// The spaces of memory, in order.
    pub(crate) fn spaces(&self) -> impl Iterator<Item = &str> {
        self.memory.keys().map(String::as_str)
    }

    pub(crate) fn memory(&self, space: &str, after: Option<&[u8]>, limit: usize) -> Vec<KeyValue> {
        let after = after.map(<[u8]>::to_vec);
        self.memory
            .get(space)
            .map(|space| page(space, after.as_ref(), limit, |key, value| (key.clone(), value.clone())))
            .unwrap_or_default()
    }
}

fn set<K: Ord, V>(map: &mut BTreeMap<K, V>, key: K, value: Option<V>) {
    match value {
        Some(value) => map.insert(key, value),
        None => map.remove(&key),
    };
}

fn from_ordinal<T: Clone>(list: &[T], from: u64, limit: usize) -> Vec<T> {
    let from = usize::try_from(from).unwrap_or(usize::MAX);
    list.iter().skip(from).take(limit).cloned().collect()
}

fn page<K: Ord, V, T>(map: &BTreeMap<K, V>, after: Option<&K>, limit: usize, item: impl Fn(&K, &V) -> T) -> Vec<T> {
    let after = after.map_or(Bound::Unbounded, Bound::Excluded);
    map.range((after, Bound::Unbounded)).take(limit).map(|(key, value)| item(key, value)).collect()
}

fn state_change(key: &StateKey, entry: Option<StateEntry>) -> StateChange {
    let StateKey { rule, slot, key } = key.clone();
    StateChange { rule, slot, key, entry }
}
