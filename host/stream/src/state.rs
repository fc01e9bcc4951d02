//! A rule's keyed state between calls: bounded by time and number, handed out as arenas.

use std::collections::hash_map::Entry;
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use countersign_declaration::{Slot, WhenFull};
use countersign_model::call::SlotState;
use countersign_model::vocabulary::EvidenceRole;
use countersign_model::{Binding, ContextState, Evidence, Line, RuleId, StateChange, StateEntry, Timestamp};

use serde::{Deserialize, Serialize};

use crate::Tick;

/// How many keys of a slot were forgotten at ticks, and why.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Forgotten {
    /// Not changed for longer than the slot's `ttl`.
    pub expired: u64,
    /// The oldest of more than `max-keys`, to make room.
    pub evicted: u64,
    /// New since the tick before, where the slot was full and keeps the keys it has.
    pub refused: u64,
}

/// The slot in which the host keeps the line of what a key's state was made of. No declared slot can have this name.
pub const LINE_SLOT: &str = "#line";

/// The state of one rule. Between ticks it may grow past a slot's `max-keys`, or else the size of batches would show; but
/// a tick comes at least every 65,536 events and an event has one key, so a slot never has more than `max-keys` + 65,536.
pub(crate) struct RuleState {
    rule: RuleId,
    /// The declared slots, then, for a rule that remembers anything, the host's own ([`LINE_SLOT`]).
    slots: Vec<Slot>,
    /// How many slots are declared.
    declared: usize,
    max_kept: usize,
    /// A table for each slot. Looked up in, or sorted after collecting, so its order can't show.
    tables: Vec<HashMap<Arc<str>, StateEntry>>,
    /// For each key of each slot touched since the last tick: its state then. Only looked up in.
    before: Vec<HashMap<Arc<str>, Option<StateEntry>>>,
    /// What was forgotten at ticks, slot by slot.
    forgotten: Vec<Forgotten>,
    /// The stream's clock at the first row since the last tick.
    stamp: Option<Timestamp>,
    /// What changed since the changes were taken last, in no order and maybe several times.
    changed: Vec<(usize, Arc<str>)>,
    /// What changed for the first time since the last tick, since the baselines were taken last.
    touched: Vec<(usize, Arc<str>)>,
}

impl RuleState {
    /// `has_timers` says whether the rule declares timers.
    pub(crate) fn new(rule: RuleId, slots: &[Slot], has_timers: bool) -> RuleState {
        let declared = slots.len();
        let own = (has_timers || declared > 0).then(line_slot);
        let slots: Vec<Slot> = slots.iter().cloned().chain(own).collect();
        RuleState {
            rule,
            declared,
            max_kept: slots.iter().map(|slot| slot.kept_references as usize).sum(),
            tables: slots.iter().map(|_| HashMap::new()).collect(),
            before: slots.iter().map(|_| HashMap::new()).collect(),
            forgotten: slots.iter().map(|_| Forgotten::default()).collect(),
            stamp: None,
            slots,
            changed: Vec::new(),
            touched: Vec::new(),
        }
    }

    /// The declared slots.
    pub(crate) fn slots(&self) -> &[Slot] {
        self.slots.get(..self.declared).unwrap_or_default()
    }

    /// The line of what a key's state may have been made of.
    pub(crate) fn line(&self, key: &str) -> Line {
        self.get(self.declared, key).map_or(Line::STRONGEST, read_line)
    }

    /// Notes that a row with this line was judged under a key.
    pub(crate) fn note_line(&mut self, key: &Arc<str>, line: &Line) {
        if line.is_strongest() || self.slots.len() == self.declared {
            return;
        }
        let known = self.line(key);
        let mut weakened = known.clone();
        weakened.weaken(line);
        if weakened != known {
            // A line always has a JSON form.
            let blob = serde_json::to_vec(&weakened).unwrap_or_default();
            let entry = StateEntry { version: LINE_VERSION, blob, kept: Vec::new(), changed: Timestamp::default() };
            self.set(self.declared, key, Some(entry));
        }
    }

    /// The state of some keys, slot by slot.
    pub(crate) fn gather(&self, keys: &[Arc<str>]) -> Vec<SlotState> {
        self.tables
            .iter()
            .take(self.declared)
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

    /// Maximum of references that all slots together may keep with a key.
    pub(crate) fn max_kept(&self) -> usize {
        self.max_kept
    }

    /// The evidence kept with a key, slot by slot.
    pub(crate) fn kept(&self, key: &str) -> impl DoubleEndedIterator<Item = &Evidence> {
        self.tables.iter().filter_map(|table| table.get(key)).flat_map(|entry| &entry.kept)
    }

    /// What was forgotten at ticks so far, slot by slot.
    pub(crate) fn forgotten(&self) -> impl Iterator<Item = (&str, Forgotten)> {
        self.slots().iter().zip(&self.forgotten).map(|(slot, forgotten)| (slot.name.as_str(), *forgotten))
    }

    /// Notes that rows come, the first of them at this clock.
    pub(crate) fn begin_rows(&mut self, clock: Timestamp) {
        self.stamp.get_or_insert(clock);
    }

    /// The clock at the first row since the last tick: the same for all rows until the next.
    pub(crate) fn now(&self) -> Timestamp {
        self.stamp.unwrap_or_default()
    }

    /// Sets or, without an entry, forgets a key's state. An entry that is again what it was at the last tick counts as
    /// unchanged: otherwise the size of batches would show, since a batch reports only the state after its last row.
    pub(crate) fn set(&mut self, slot: usize, key: &Arc<str>, entry: Option<StateEntry>) {
        let (Some(table), Some(before)) = (self.tables.get_mut(slot), self.before.get_mut(slot)) else { return };
        let now = table.remove(key);
        let before = match before.entry(Arc::clone(key)) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(first) => {
                self.touched.push((slot, Arc::clone(key)));
                first.insert(now)
            }
        };
        if let Some(mut entry) = entry {
            entry.changed = match before {
                Some(before) if before.blob == entry.blob && before.kept == entry.kept => before.changed,
                _ => self.stamp.unwrap_or_default(),
            };
            table.insert(Arc::clone(key), entry);
        }
        self.changed.push((slot, Arc::clone(key)));
    }

    /// Applies a tick: entries expire, and keys over a slot's bound are forgotten. Returns how many keys were. `has_timer`
    /// says whether a timer of a key is pending: then its line stays.
    pub(crate) fn tick(&mut self, tick: Tick, has_timer: impl Fn(&str) -> bool) -> u64 {
        let mut forgotten = Vec::new();
        let declared = self.slots.iter().take(self.declared);
        let slots = declared.zip(&self.tables).zip(&self.before).zip(&mut self.forgotten);
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
                        // `refuse` keeps keys that were there at the last tick; both forget in an order that no hash decides.
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
        self.forget_lines(has_timer);
        self.before.iter_mut().for_each(HashMap::clear);
        self.touched.clear();
        self.stamp = None;
        u64::try_from(forgotten.len()).unwrap_or(u64::MAX)
    }

    /// Forgets the lines of keys with which nothing is kept any more.
    fn forget_lines(&mut self, has_timer: impl Fn(&str) -> bool) {
        let Some(lines) = self.tables.get(self.declared) else { return };
        let is_kept =
            |key: &str| has_timer(key) || self.tables.iter().take(self.declared).any(|it| it.contains_key(key));
        let mut over: Vec<Arc<str>> = lines.keys().filter(|key| !is_kept(key)).cloned().collect();
        over.sort_unstable();
        for key in &over {
            self.set(self.declared, key, None);
        }
    }

    /// Whether there is no state, none since the last tick, and no change to report.
    pub(crate) fn is_idle(&self) -> bool {
        self.stamp.is_none()
            && self.changed.is_empty()
            && self.tables.iter().all(HashMap::is_empty)
            && self.before.iter().all(HashMap::is_empty)
    }

    /// Forgets every key. Returns all changes since they were taken last.
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
        // If it judges again, it begins anew.
        self.before.iter_mut().for_each(HashMap::clear);
        self.touched.clear();
        self.stamp = None;
        self.take_changes()
    }

    /// What changed since this was called last, by slot and key.
    pub(crate) fn take_changes(&mut self) -> Vec<StateChange> {
        let changed = in_order(std::mem::take(&mut self.changed));
        changed.into_iter().map(|(slot, key)| self.change(slot, &key, self.get(slot, &key).cloned())).collect()
    }

    /// The state as of the last tick of what changed for the first time since, since this was called last; by slot and
    /// key.
    pub(crate) fn take_baselines(&mut self) -> Vec<StateChange> {
        let touched = in_order(std::mem::take(&mut self.touched));
        let before =
            |slot: usize, key: &str| self.before.get(slot).and_then(|before| before.get(key)).cloned().flatten();
        touched.iter().map(|(slot, key)| self.change(*slot, key, before(*slot, key))).collect()
    }

    fn change(&self, slot: usize, key: &str, entry: Option<StateEntry>) -> StateChange {
        let name = self.slots.get(slot).map(|slot| slot.name.clone()).unwrap_or_default();
        StateChange { rule: self.rule.clone(), slot: name, key: key.to_owned(), entry }
    }

    /// Takes all of it out, slot by slot; what isn't reported yet is lost.
    pub(crate) fn take(&mut self) -> (Option<Timestamp>, Vec<(&Slot, Keys)>) {
        self.changed.clear();
        self.touched.clear();
        let tables = self.tables.iter_mut().zip(&mut self.before);
        let slots = self.slots.iter().zip(tables);
        let taken = slots
            .map(|(slot, (table, before))| (slot, Keys { now: std::mem::take(table), before: std::mem::take(before) }));
        (self.stamp.take(), taken.collect())
    }

    /// Puts in what was taken out or stored; keys in `renewed` are reported as changed.
    pub(crate) fn put(&mut self, slot: usize, keys: Keys, renewed: Vec<Arc<str>>) {
        if let (Some(table), Some(before)) = (self.tables.get_mut(slot), self.before.get_mut(slot)) {
            (*table, *before) = (keys.now, keys.before);
            self.changed.extend(renewed.into_iter().map(|key| (slot, key)));
        }
    }

    /// Puts in the lines of what the other slots' state was made of.
    pub(crate) fn put_lines(&mut self, lines: Keys) {
        self.put(self.declared, lines, Vec::new());
    }

    /// Goes on between two ticks: the clock at the first row since the last one.
    pub(crate) fn set_stamp(&mut self, stamp: Option<Timestamp>) {
        self.stamp = stamp;
    }

    /// The clock at the first row since the last tick; none without a row.
    pub(crate) fn stamp(&self) -> Option<Timestamp> {
        self.stamp
    }

    /// Goes on counting from what was forgotten before.
    pub(crate) fn set_forgotten(&mut self, slot: &str, forgotten: Forgotten) {
        let counts = self.slots.iter().zip(&mut self.forgotten).find(|(known, _)| known.name == slot);
        if let Some((_, counts)) = counts {
            *counts = forgotten;
        }
    }
}

/// The keys of a slot: their state, and what it was at the last tick where it changed since.
#[derive(Debug, Default)]
pub(crate) struct Keys {
    pub(crate) now: HashMap<Arc<str>, StateEntry>,
    pub(crate) before: HashMap<Arc<str>, Option<StateEntry>>,
}

/// The version of the form in which a line is kept.
const LINE_VERSION: u32 = 1;

/// The host's own slot. Its keys are forgotten with those of the others.
fn line_slot() -> Slot {
    Slot {
        name: LINE_SLOT.to_owned(),
        version: LINE_VERSION,
        max_bytes: u32::MAX,
        max_keys: u32::MAX,
        kept_references: 0,
        ttl: i64::MAX,
        when_full: WhenFull::EvictOldest,
    }
}

/// A line as it is kept. One that can't be read is as weak as any.
fn read_line(entry: &StateEntry) -> Line {
    serde_json::from_slice(&entry.blob).unwrap_or(Line {
        evidence_role: EvidenceRole::MerelyNames,
        unproved: true,
        context: ContextState::Missing,
        binding: Binding::NOT_BOUND,
        ..Line::STRONGEST
    })
}

/// Each once, by slot and key.
fn in_order(mut keys: Vec<(usize, Arc<str>)>) -> Vec<(usize, Arc<str>)> {
    keys.sort_unstable();
    keys.dedup();
    keys
}

#[cfg(test)]
#[path = "../tests/unit/state.rs"]
mod tests;
