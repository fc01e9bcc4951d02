//! A rule's keyed state between calls: bounded by time and number, handed out as arenas.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use countersign_declaration::{Slot, WhenFull};
use countersign_model::call::SlotState;
use countersign_model::{Evidence, RuleId, StateChange, StateEntry};

use crate::Tick;

/// The state of one rule.
pub(crate) struct RuleState {
    rule: RuleId,
    slots: Vec<Slot>,
    /// One table a slot. Looked up in and collected with a sort, so its order can't show.
    tables: Vec<HashMap<Arc<str>, StateEntry>>,
    /// Keys of each slot that had no state at the last tick.
    new_keys: Vec<BTreeSet<Arc<str>>>,
    /// What changed since the changes were taken last.
    changed: BTreeSet<(usize, Arc<str>)>,
}

impl RuleState {
    pub(crate) fn new(rule: RuleId, slots: &[Slot]) -> RuleState {
        RuleState {
            rule,
            slots: slots.to_vec(),
            tables: slots.iter().map(|_| HashMap::new()).collect(),
            new_keys: slots.iter().map(|_| BTreeSet::new()).collect(),
            changed: BTreeSet::new(),
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

    /// The evidence kept with a key under this reference, in any slot.
    pub(crate) fn kept(&self, key: &str, reference: u64) -> Option<&Evidence> {
        self.tables
            .iter()
            .filter_map(|table| table.get(key))
            .flat_map(|entry| &entry.kept)
            .find(|evidence| evidence.reference == reference)
    }

    /// Sets or, without an entry, forgets a key's state.
    pub(crate) fn set(&mut self, slot: usize, key: &Arc<str>, entry: Option<StateEntry>) {
        let (Some(table), Some(new_keys)) = (self.tables.get_mut(slot), self.new_keys.get_mut(slot)) else { return };
        match entry {
            Some(entry) => {
                if table.insert(Arc::clone(key), entry).is_none() {
                    new_keys.insert(Arc::clone(key));
                }
            }
            None => {
                table.remove(key);
                new_keys.remove(key);
            }
        }
        self.changed.insert((slot, Arc::clone(key)));
    }

    /// What a tick does: slots expire, and what is over a slot's bound is forgotten. Returns how many keys were.
    pub(crate) fn tick(&mut self, tick: Tick) -> u64 {
        let mut forgotten = Vec::new();
        for (index, ((slot, table), new_keys)) in
            self.slots.iter().zip(&self.tables).zip(&mut self.new_keys).enumerate()
        {
            let expired = table.iter().filter(|(_, entry)| tick.at.micros_since(entry.changed) > slot.ttl);
            let expired: BTreeSet<Arc<str>> = expired.map(|(key, _)| Arc::clone(key)).collect();
            let left = table.len() - expired.len();
            let over = left.saturating_sub(usize::try_from(slot.max_keys).unwrap_or(usize::MAX));
            if over > 0 {
                let mut candidates: Vec<_> = table
                    .iter()
                    .filter(|(key, _)| !expired.contains(*key))
                    .map(|(key, entry)| {
                        // `refuse` keeps who was there before; both forget in an order that no hash decides.
                        let newcomer = slot.when_full == WhenFull::Refuse && !new_keys.contains(key);
                        (newcomer, entry.changed, Arc::clone(key))
                    })
                    .collect();
                candidates.sort_unstable();
                forgotten.extend(candidates.into_iter().take(over).map(|(_, _, key)| (index, key)));
            }
            forgotten.extend(expired.into_iter().map(|key| (index, key)));
            new_keys.clear();
        }
        for (slot, key) in &forgotten {
            self.set(*slot, key, None);
        }
        u64::try_from(forgotten.len()).unwrap_or(u64::MAX)
    }

    /// What changed since this was asked last, by slot and key.
    pub(crate) fn take_changes(&mut self) -> Vec<StateChange> {
        std::mem::take(&mut self.changed)
            .into_iter()
            .map(|(slot, key)| StateChange {
                rule: self.rule.clone(),
                slot: u32::try_from(slot).unwrap_or(u32::MAX),
                entry: self.get(slot, &key).cloned(),
                key: key.to_string(),
            })
            .collect()
    }
}
