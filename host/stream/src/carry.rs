//! What a rule keeps between two calls, apart from the rule: taken from a rule that is replaced, or read back from a
//! store, and handed to the rule that goes on with it.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use countersign_declaration::{Declaration, Slot};
use countersign_model::call::{CallFailure, Detector, FailureKind};
use countersign_model::vocabulary::PartitionKey;
use countersign_model::{RuleId, StateChange, StateEntry, TimerChange, Timestamp};

use crate::own::{LINE_SLOT, Own, dropped_line_slot};
use crate::state::Keys;
use crate::timers::{KeyTimers, Pending};
use crate::{RuleStream, Spending};

/// After so many keys in a row that can't be migrated, a slot's others aren't tried.
const MAX_FAILURES: u64 = 64;

/// After so many keys whose migration misses the deadline twice, a slot's others aren't tried: each takes seconds.
const MAX_MISSED: u64 = 3;

/// A rule's keyed state and timers.
#[derive(Debug, Default)]
pub struct Carried {
    /// What the keys stand for; another partition key's state means nothing.
    partition_key: Option<PartitionKey>,
    /// By the slot's name.
    slots: BTreeMap<String, Keys>,
    timers: BTreeMap<Arc<str>, KeyTimers>,
    stamp: Option<Timestamp>,
    spending: Spending,
}

/// Changes of what a rule keeps: all of it, or that nothing keeps it any more.
#[derive(Debug, Default)]
pub struct KeptChanges {
    /// Of keyed state.
    pub state: Vec<StateChange>,
    /// Of timers.
    pub timers: Vec<TimerChange>,
    /// Of the state as of the last tick; what is removed counts as none.
    pub baselines: Vec<StateChange>,
}

/// What became of a slot's keys whose state an older version of the slot wrote.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Migrated {
    /// The slot.
    pub slot: String,
    /// Keys whose state the rule turned into that of the declared version.
    pub migrated: u64,
    /// Keys that begin anew: the rule couldn't turn their state, or a newer version wrote it.
    pub failed: u64,
}

/// What a rule made of what it was handed.
#[derive(Debug, Default)]
pub struct Adopted {
    /// Slots with keys of other versions, in declared order.
    pub migrated: Vec<Migrated>,
    /// What the rule doesn't declare: it may come back.
    pub rest: Carried,
    /// Changes of what is kept with that.
    pub rest_changes: Vec<StateChange>,
    /// What another partition key's keys had: it means nothing any more.
    pub removed: KeptChanges,
}

impl Carried {
    /// Of a rule with this partition key and, between two ticks, the clock at the first row since the last one and what was
    /// put on record since.
    #[must_use]
    pub fn new(partition_key: PartitionKey, stamp: Option<Timestamp>, spending: Spending) -> Carried {
        Carried { partition_key: Some(partition_key), stamp, spending, ..Carried::default() }
    }

    /// Adds the state of a key; one without an entry is ignored.
    pub fn add_state(&mut self, change: StateChange) {
        if let Some(entry) = change.entry {
            self.slots.entry(change.slot).or_default().now.insert(Arc::from(change.key), entry);
        }
    }

    /// Adds the state of a key as of the last tick; without an entry it had none.
    pub fn add_baseline(&mut self, change: StateChange) {
        self.slots.entry(change.slot).or_default().before.insert(Arc::from(change.key), change.entry);
    }

    /// Adds a timer; one without an entry is ignored.
    pub fn add_timer(&mut self, change: TimerChange) {
        if let Some(entry) = change.entry {
            let timers = self.timers.entry(Arc::from(change.key)).or_default();
            timers.insert(Arc::from(change.id), Pending::stored(entry));
        }
    }

    /// The clock at the first row since the last tick; none without a row.
    #[must_use]
    pub fn stamp(&self) -> Option<Timestamp> {
        self.stamp
    }

    /// What was put on record since the last tick.
    #[must_use]
    pub fn spending(&self) -> &Spending {
        &self.spending
    }

    /// The partition key of its rule, where known.
    #[must_use]
    pub fn partition_key(&self) -> Option<PartitionKey> {
        self.partition_key
    }

    /// Whether it holds nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.timers.is_empty() && self.slots.values().all(|keys| keys.now.is_empty() && keys.before.is_empty())
    }

    /// A tick passes while no rule has it: nothing fires and nothing expires, but the baselines are void.
    pub fn tick(&mut self) {
        (self.stamp, self.spending) = (None, Spending::default());
        self.slots.values_mut().for_each(|keys| keys.before.clear());
    }

    /// Adds what another has and this one doesn't: slots and, if this one has none, timers.
    pub fn merge(&mut self, other: Carried) {
        for (name, keys) in other.slots {
            self.slots.entry(name).or_insert(keys);
        }
        if self.timers.is_empty() {
            self.timers = other.timers;
        }
        self.partition_key = self.partition_key.or(other.partition_key);
    }

    /// The changes that remove all of it from a store.
    #[must_use]
    pub fn removals(&self, rule: &RuleId) -> KeptChanges {
        let changes = |slot: &str, mut keys: Vec<&Arc<str>>| {
            keys.sort_unstable();
            let change = |key: &Arc<str>| StateChange {
                rule: rule.clone(),
                slot: slot.to_owned(),
                key: key.to_string(),
                entry: None,
            };
            keys.into_iter().map(change).collect::<Vec<_>>()
        };
        let state = self.slots.iter().flat_map(|(slot, keys)| changes(slot, keys.now.keys().collect()));
        let baselines = self.slots.iter().flat_map(|(slot, keys)| changes(slot, keys.before.keys().collect()));
        let timers = self.timers.iter().flat_map(|(key, timers)| {
            timers.keys().map(move |id| TimerChange {
                rule: rule.clone(),
                key: key.to_string(),
                id: id.to_string(),
                entry: None,
            })
        });
        KeptChanges { state: state.collect(), timers: timers.collect(), baselines: baselines.collect() }
    }

    /// The changes that put all of it into a store.
    #[must_use]
    pub fn additions(&self, rule: &RuleId) -> KeptChanges {
        let change = |slot: &str, key: &Arc<str>, entry: Option<StateEntry>| StateChange {
            rule: rule.clone(),
            slot: slot.to_owned(),
            key: key.to_string(),
            entry,
        };
        let mut all = KeptChanges::default();
        for (slot, keys) in &self.slots {
            let state = keys.now.iter().map(|(key, entry)| change(slot, key, Some(entry.clone())));
            all.state.extend(state);
            all.baselines.extend(keys.before.iter().map(|(key, entry)| change(slot, key, entry.clone())));
        }
        let order = |one: &StateChange, other: &StateChange| (&one.slot, &one.key).cmp(&(&other.slot, &other.key));
        all.state.sort_unstable_by(order);
        all.baselines.sort_unstable_by(order);
        for (key, timers) in &self.timers {
            all.timers.extend(timers.iter().map(|(id, pending)| TimerChange {
                rule: rule.clone(),
                key: key.to_string(),
                id: id.to_string(),
                entry: Some(pending.entry()),
            }));
        }
        all
    }
}

impl RuleStream {
    /// Takes out everything that the rule keeps. What wasn't reported as changed yet is lost: take the changes first.
    #[must_use]
    pub fn take_carried(&mut self) -> Carried {
        let (stamp, slots) = self.state.take();
        Carried {
            partition_key: Some(self.declaration.partition_key),
            slots: slots.into_iter().map(|(slot, keys)| (slot.name.clone(), keys)).collect(),
            timers: self.timers.take(),
            stamp,
            spending: std::mem::take(&mut self.spending),
        }
    }

    /// Goes on with what a rule of the same id kept, however it declared it: state of slots with the same name, that of
    /// older versions through the guest's `migrate`; and timers. With another partition key it begins anew: its keys count as
    /// failed, and are in [`Adopted::removed`]. Keys whose state is another than it was are reported as changed.
    pub fn adopt(&mut self, mut carried: Carried) -> Adopted {
        if carried.partition_key.is_some_and(|key| key != self.declaration.partition_key) {
            let failed = |(slot, keys): (&String, &Keys)| Migrated {
                slot: slot.clone(),
                migrated: 0,
                failed: keys.now.len() as u64,
            };
            let declared = carried.slots.iter().filter(|(slot, _)| !slot.starts_with(LINE_SLOT));
            self.timers.note_dropped(carried.timers.values().map(|timers| timers.len() as u64).sum());
            return Adopted {
                migrated: declared.map(failed).filter(|counts| counts.failed > 0).collect(),
                removed: carried.removals(&self.declaration.id),
                ..Adopted::default()
            };
        }
        self.timers.put(std::mem::take(&mut carried.timers));
        self.state.set_stamp(carried.stamp);
        self.spending = std::mem::take(&mut carried.spending);
        let mut adopted = Adopted::default();
        let own = carried.slots.remove(LINE_SLOT).unwrap_or_default();
        let mut lines = Lines { rule: &self.declaration.id, own, renewed: Vec::new(), changes: Vec::new() };
        let declaration: &Declaration = &self.declaration;
        for (slot, place) in declaration.slots.iter().zip(0u32..) {
            lines.take_back(&slot.name, &mut carried.slots);
            let Some(keys) = carried.slots.remove(&slot.name) else { continue };
            let mut migration = Migration::new(&*self.detector, slot, place);
            let keys = migration.keys(keys);
            if migration.counts.migrated + migration.counts.failed > 0 {
                adopted.migrated.push(migration.counts);
            }
            self.state.put(place as usize, keys, migration.renewed);
        }
        lines.leave_behind(&mut carried.slots);
        if self.state.is_keyed() {
            lines.complete(self.state.keys().chain(self.timers.keys()));
        } else {
            lines.clear();
        }
        let Lines { own, renewed, changes, .. } = lines;
        self.state.put_own(own, renewed);
        adopted.rest = Carried { partition_key: carried.partition_key, slots: carried.slots, ..Carried::default() };
        adopted.rest_changes = changes;
        adopted
    }
}

/// Has each key's line go where its state goes: with a slot that isn't declared any more into a slot beside it, and back
/// when it is declared again. So the line of what stays, and what becomes of it, doesn't touch the line of what waits.
struct Lines<'r> {
    rule: &'r RuleId,
    /// What the host keeps with the keys of the declared slots.
    own: Keys,
    /// Keys with which it keeps something else than before.
    renewed: Vec<Arc<str>>,
    /// Changes of the slots beside those that aren't declared.
    changes: Vec<StateChange>,
}

impl Lines<'_> {
    /// A slot is declared: if it wasn't before, the lines of its keys come back. Of two the weaker stays.
    fn take_back(&mut self, slot: &str, slots: &mut BTreeMap<String, Keys>) {
        let beside = dropped_line_slot(slot);
        for (key, entry) in in_order(slots.remove(&beside).unwrap_or_default().now) {
            self.changes.push(self.change(&beside, &key, None));
            let entry = match self.own.now.get(&key).map(Own::read) {
                Some(mut own) => {
                    own.line.weaken(&Own::read(&entry).line);
                    own.entry()
                }
                None => entry,
            };
            self.own.now.insert(Arc::clone(&key), entry);
            self.renewed.push(key);
        }
    }

    /// These slots aren't declared: the lines of their keys go with them, unless they went before.
    fn leave_behind(&mut self, slots: &mut BTreeMap<String, Keys>) {
        let dropped: Vec<String> = slots.keys().filter(|name| !name.starts_with(LINE_SLOT)).cloned().collect();
        for name in dropped {
            let beside = dropped_line_slot(&name);
            if slots.contains_key(&beside) {
                continue;
            }
            let keys = slots.get(&name).into_iter().flat_map(|keys| keys.now.keys());
            let line = |key: &Arc<str>| self.own.now.get(key).cloned().unwrap_or_else(|| Own::unknown().entry());
            let now: HashMap<Arc<str>, StateEntry> = keys.map(|key| (Arc::clone(key), line(key))).collect();
            let changes = in_order(now.clone()).into_iter();
            self.changes
                .extend(changes.map(|(key, entry)| self.change(&beside, &key, Some(entry))).collect::<Vec<_>>());
            slots.insert(beside, Keys { now, before: HashMap::new() });
        }
    }

    /// What was made of nobody knows what, because it was kept before lines were, is as weak as any.
    fn complete<'k>(&mut self, keys: impl Iterator<Item = &'k Arc<str>>) {
        let mut unknown: Vec<&Arc<str>> = keys.filter(|key| !self.own.now.contains_key(*key)).collect();
        unknown.sort_unstable();
        unknown.dedup();
        for key in unknown {
            self.own.now.insert(Arc::clone(key), Own::unknown().entry());
            self.renewed.push(Arc::clone(key));
        }
    }

    /// The rule remembers nothing any more.
    fn clear(&mut self) {
        for (key, _) in in_order(std::mem::take(&mut self.own).now) {
            self.changes.push(self.change(LINE_SLOT, &key, None));
        }
        self.renewed.clear();
    }

    fn change(&self, slot: &str, key: &str, entry: Option<StateEntry>) -> StateChange {
        StateChange { rule: self.rule.clone(), slot: slot.to_owned(), key: key.to_owned(), entry }
    }
}

fn in_order(keys: HashMap<Arc<str>, StateEntry>) -> Vec<(Arc<str>, StateEntry)> {
    let mut keys: Vec<_> = keys.into_iter().collect();
    keys.sort_unstable_by(|(a, _), (b, _)| a.cmp(b));
    keys
}

/// Turns the state of one slot into that of its declared version.
struct Migration<'r> {
    detector: &'r (dyn Detector + Send + Sync),
    slot: &'r Slot,
    place: u32,
    counts: Migrated,
    /// Failures since the last key that was migrated.
    failures: u64,
    /// Keys that missed the deadline twice.
    missed: u64,
    /// Keys whose state is another now.
    renewed: Vec<Arc<str>>,
}

impl<'r> Migration<'r> {
    fn new(detector: &'r (dyn Detector + Send + Sync), slot: &'r Slot, place: u32) -> Migration<'r> {
        let counts = Migrated { slot: slot.name.clone(), ..Migrated::default() };
        Migration { detector, slot, place, counts, failures: 0, missed: 0, renewed: Vec::new() }
    }

    fn keys(&mut self, keys: Keys) -> Keys {
        let Keys { mut now, before } = keys;
        let mut old: Vec<_> = now.extract_if(|_, entry| entry.version != self.slot.version).collect();
        let mut keys = Keys { now, before: HashMap::with_capacity(before.len()) };
        // In an order that no hash decides: a rule that uses up its patience does so at the same key every time.
        old.sort_unstable_by(|(a, _), (b, _)| a.cmp(b));
        for (key, entry) in old {
            let entry = self.entry(entry);
            match &entry {
                Some(_) => self.counts.migrated += 1,
                None => self.counts.failed += 1,
            }
            self.renewed.push(Arc::clone(&key));
            keys.now.extend(entry.map(|entry| (key, entry)));
        }
        let mut before: Vec<_> = before.into_iter().collect();
        before.sort_unstable_by(|(a, _), (b, _)| a.cmp(b));
        for (key, entry) in before {
            let entry = entry
                .and_then(|entry| if entry.version == self.slot.version { Some(entry) } else { self.entry(entry) });
            keys.before.insert(key, entry);
        }
        keys
    }

    /// The entry in the declared version; none if its key begins anew.
    fn entry(&mut self, entry: StateEntry) -> Option<StateEntry> {
        let given_up = self.failures >= MAX_FAILURES || self.missed >= MAX_MISSED;
        if given_up || entry.version > self.slot.version {
            return None;
        }
        let migrate = || self.detector.migrate(self.place, entry.version, &entry.blob);
        let is_missed = |failure: &CallFailure| failure.kind == FailureKind::Deadline;
        // A deadline may be missed because the machine was busy.
        let answer = migrate().or_else(|failure| if is_missed(&failure) { migrate() } else { Err(failure) });
        let blob = match answer {
            Ok(blob) => blob,
            Err(failure) => {
                self.missed += u64::from(is_missed(&failure));
                self.failures += 1;
                return None;
            }
        };
        if blob.is_empty() || blob.len() > self.slot.max_bytes as usize {
            self.failures += 1;
            return None;
        }
        self.failures = 0;
        let mut kept = entry.kept;
        kept.truncate(self.slot.kept_references as usize);
        Some(StateEntry { version: self.slot.version, blob: Arc::from(blob), kept, changed: entry.changed })
    }
}

#[cfg(test)]
#[path = "../tests/unit/carry.rs"]
mod tests;
