//! A rule's keyed state between calls: bounded by time and number, handed out as arenas.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::Arc;

use countersign_declaration::{Declaration, Slot, WhenFull};
use countersign_model::call::SlotState;
use countersign_model::{Evidence, Line, RuleId, StateChange, StateEntry, Timestamp};
use serde::{Deserialize, Serialize};

use crate::fair::{self, Candidate};
use crate::origin::Origin;
use crate::own::{self, Origins, Own, Unweakened};
use crate::{Sequenced, Tick};

/// How many keys of a slot were forgotten, and why.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Forgotten {
    /// Not changed for longer than the slot's `ttl`.
    pub expired: u64,
    /// The oldest of more than `max-keys`, to make room.
    pub evicted: u64,
    /// New since the tick before, where the slot was full and keeps the keys it has.
    pub refused: u64,
    /// To make room where all that the rule keeps took more bytes than it may; also between ticks.
    #[serde(default)]
    pub oversize: u64,
}

/// A key's entry without its texts and bytes: its place in a table at the least load, and its allocations. Estimated
/// from the sizes of the types.
const ENTRY_BYTES: u64 = 256;

/// A kept reference without its event's id.
const EVIDENCE_BYTES: u64 = 160;

/// Where keys are forgotten at a tick for the bytes that they take, this part of what may be kept is freed besides.
const SLACK: u64 = 16;

/// Maximum bytes of an event's id, for the most that a row may add.
const MAX_ID_BYTES: u64 = 512;

/// The state of one rule. Its bounds are enforced at ticks, or else the size of batches would show; but a tick comes at
/// least every 65,536 events and an event has one key, so a slot never has more than `max-keys` + 65,536. What it takes is
/// counted in what is really kept, and bounded between ticks too: see [`RuleStream`](crate::RuleStream).
pub(crate) struct RuleState {
    rule: RuleId,
    /// The declared slots, then, for a rule that remembers anything, the host's own ([`LINE_SLOT`](crate::LINE_SLOT)).
    slots: Vec<Slot>,
    /// How many slots are declared.
    declared: usize,
    max_kept: usize,
    /// A table for each slot. Looked up in, or sorted after collecting, so its order can't show.
    tables: Vec<HashMap<Arc<str>, StateEntry>>,
    /// For each key of each slot touched since the last tick: its state then. Only looked up in. A key that has nothing and
    /// had nothing isn't there.
    before: Vec<HashMap<Arc<str>, Option<StateEntry>>>,
    /// What the tables take, bytes.
    bytes: u64,
    /// What the state as of the last tick takes, bytes.
    before_bytes: u64,
    /// The most that the content of a key's declared slots takes, bytes.
    most_content: u64,
    /// How many rules feed it.
    feeders: usize,
    unweakened: Unweakened,
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
    /// Of a rule that is declared so.
    pub(crate) fn new(declaration: &Declaration) -> RuleState {
        let declared = declaration.slots.len();
        let own = (declaration.timers.is_some() || declared > 0).then(own::slot);
        let slots: Vec<Slot> = declaration.slots.iter().cloned().chain(own).collect();
        RuleState {
            rule: declaration.id.clone(),
            declared,
            max_kept: slots.iter().map(|slot| slot.kept_references as usize).sum(),
            tables: slots.iter().map(|_| HashMap::new()).collect(),
            before: slots.iter().map(|_| HashMap::new()).collect(),
            bytes: 0,
            before_bytes: 0,
            most_content: declaration.slots.iter().map(most_content).sum(),
            feeders: declaration.subscribes.len(),
            unweakened: Unweakened::default(),
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
        self.get(self.declared, key).map_or(Line::STRONGEST, |entry| Own::read(entry).line)
    }

    /// Notes that a row was judged under a key: its line, and where the key comes from if nothing is known of it. All rows
    /// count, not only those that change something: otherwise the size of batches would show.
    pub(crate) fn note_row(&mut self, key: &Arc<str>, row: &Sequenced) {
        if !self.is_keyed() {
            return;
        }
        let line = row.line();
        let entry = match self.get(self.declared, key) {
            Some(_) if line.is_strongest() => return,
            Some(entry) => {
                let known = Own::read(entry);
                let mut own = known.clone();
                own.line.weaken(&line);
                if own == known {
                    return;
                }
                own.entry()
            }
            None if line.is_strongest() => self.unweakened.entry(Origin::of(&row.event)),
            None => Own { line, origin: Origin::of(&row.event) }.entry(),
        };
        self.set(self.declared, key, Some(entry));
    }

    /// What is kept, as of the last tick included, bytes.
    pub(crate) fn held(&self) -> u64 {
        self.bytes + self.before_bytes
    }

    /// The most that a row with this key adds to what is kept.
    pub(crate) fn most_added(&self, key: &str, row: &Sequenced) -> u64 {
        if self.slots.is_empty() {
            return 0;
        }
        // Anew in a table, and without content as it was at the last tick.
        let places = 2 * (ENTRY_BYTES + key.len() as u64) * self.slots.len() as u64;
        places + self.most_content + Own::max_bytes(&row.event, self.feeders)
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
    pub(crate) fn kept(&self, key: &str) -> impl DoubleEndedIterator<Item = &Arc<Evidence>> {
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
        // One text for the key as long as the slot has it.
        let (key, now) = match table.remove_entry(key) {
            Some((key, entry)) => (key, Some(entry)),
            None => (Arc::clone(key), None),
        };
        self.bytes -= now.as_ref().map_or(0, |entry| bytes(&key, Some(entry)));
        let before = match before.entry(Arc::clone(&key)) {
            Entry::Occupied(known) => known,
            Entry::Vacant(first) => {
                self.touched.push((slot, Arc::clone(&key)));
                self.before_bytes += bytes(&key, now.as_ref());
                first.insert_entry(now)
            }
        };
        match entry {
            Some(mut entry) => {
                entry.changed = match before.get() {
                    Some(before) if before.blob == entry.blob && before.kept == entry.kept => before.changed,
                    _ => self.stamp.unwrap_or_default(),
                };
                self.bytes += bytes(&key, Some(&entry));
                table.insert(Arc::clone(&key), entry);
            }
            None if before.get().is_none() => {
                self.before_bytes -= bytes(&key, None);
                before.remove();
            }
            None => {}
        }
        self.changed.push((slot, key));
    }

    /// Applies a tick: entries expire, and keys over a slot's bound are forgotten, and so are keys as long as all take more
    /// than `max_bytes`. Returns how many were. `has_timer` says whether a timer of a key is pending: then its line stays.
    pub(crate) fn tick(&mut self, tick: Tick, max_bytes: u64, has_timer: impl Fn(&str) -> bool) -> u64 {
        let mut count = 0;
        for index in 0..self.declared {
            for key in self.over_bound(index, tick) {
                self.set(index, &key, None);
                count += 1;
            }
        }
        self.forget_lines(&has_timer);
        if self.bytes > max_bytes {
            // Somewhat more, so that not every tick has to.
            count += self.evict(self.bytes - (max_bytes - max_bytes / SLACK), &has_timer);
        }
        self.forget_before();
        count
    }

    /// The keys of a slot that expire at a tick, and those over its bound. Counts them.
    fn over_bound(&mut self, index: usize, tick: Tick) -> Vec<Arc<str>> {
        let (Some(slot), Some(table), Some(before)) =
            (self.slots.get(index), self.tables.get(index), self.before.get(index))
        else {
            return Vec::new();
        };
        let is_expired = |entry: &StateEntry| tick.at.micros_since(entry.changed) > slot.ttl;
        let mut keys: Vec<Arc<str>> =
            table.iter().filter(|(_, entry)| is_expired(entry)).map(|(key, _)| Arc::clone(key)).collect();
        keys.sort_unstable();
        let expired = keys.len();
        let over = (table.len() - expired).saturating_sub(usize::try_from(slot.max_keys).unwrap_or(usize::MAX));
        if over > 0 {
            let mut left: Vec<(bool, Timestamp, &Arc<str>)> = table
                .iter()
                .filter(|(_, entry)| !is_expired(entry))
                .map(|(key, entry)| (is_protected(slot, before, key), entry.changed, key))
                .collect();
            left.sort_unstable();
            let (mut origins, own) = (Origins::default(), self.tables.get(self.declared));
            let mut candidate =
                |key: &str| Candidate { origin: origins.of(own.and_then(|own| own.get(key))), weight: 1 };
            let candidates: Vec<Candidate> = left.iter().map(|(_, _, key)| candidate(key)).collect();
            let chosen = fair::choose(&candidates, over as u64).into_iter();
            keys.extend(chosen.filter_map(|place| left.get(place)).map(|(_, _, key)| Arc::clone(key)));
        }
        let when_full = slot.when_full;
        if let Some(counts) = self.forgotten.get_mut(index) {
            counts.expired += expired as u64;
            match when_full {
                WhenFull::EvictOldest => counts.evicted += over as u64,
                WhenFull::Refuse => counts.refused += over as u64,
            }
        }
        keys
    }

    /// Forgets whole keys until what is kept takes so many bytes less, or nothing is left that may go. Returns how many.
    pub(crate) fn evict(&mut self, over: u64, has_timer: &impl Fn(&str) -> bool) -> u64 {
        if over == 0 {
            return 0;
        }
        let mut all: HashMap<&Arc<str>, (bool, Timestamp, u64)> = HashMap::new();
        for (index, (slot, table)) in self.slots.iter().zip(&self.tables).enumerate() {
            let before = self.before.get(index);
            for (key, entry) in table {
                // A timer that is due needs the line.
                if index == self.declared && has_timer(key) {
                    continue;
                }
                let was_there = before.is_some_and(|before| is_protected(slot, before, key));
                let (protected, changed, taken) = all.entry(key).or_insert((false, Timestamp::MIN, 0));
                *protected |= was_there;
                *changed = (*changed).max(entry.changed);
                *taken += bytes(key, Some(entry));
            }
        }
        let mut all: Vec<_> = all.into_iter().map(|(key, (was, changed, taken))| (was, changed, key, taken)).collect();
        all.sort_unstable();
        let (mut origins, own) = (Origins::default(), self.tables.get(self.declared));
        let mut candidate =
            |key: &str, weight| Candidate { origin: origins.of(own.and_then(|own| own.get(key))), weight };
        let candidates: Vec<Candidate> = all.iter().map(|(_, _, key, taken)| candidate(key, *taken)).collect();
        let chosen = fair::choose(&candidates, over).into_iter();
        let chosen: Vec<Arc<str>> =
            chosen.filter_map(|place| all.get(place)).map(|(_, _, key, _)| Arc::clone(key)).collect();
        for key in &chosen {
            for index in 0..self.slots.len() {
                let is_there = self.tables.get(index).is_some_and(|table| table.contains_key(key));
                if !is_there || (index == self.declared && has_timer(key)) {
                    continue;
                }
                self.set(index, key, None);
                if let Some(counts) = self.forgotten.get_mut(index) {
                    counts.oversize += 1;
                }
            }
        }
        chosen.len() as u64
    }

    /// Forgets the lines of keys with which nothing is kept any more.
    fn forget_lines(&mut self, has_timer: &impl Fn(&str) -> bool) {
        let Some(lines) = self.tables.get(self.declared) else { return };
        let is_kept =
            |key: &str| has_timer(key) || self.tables.iter().take(self.declared).any(|it| it.contains_key(key));
        let mut over: Vec<Arc<str>> = lines.keys().filter(|key| !is_kept(key)).cloned().collect();
        over.sort_unstable();
        for key in &over {
            self.set(self.declared, key, None);
        }
    }

    /// A tick has passed: what was before it is of no use.
    fn forget_before(&mut self) {
        self.before.iter_mut().for_each(|before| *before = HashMap::new());
        self.before_bytes = 0;
        self.touched.clear();
        self.unweakened.clear();
        self.stamp = None;
        // A table that was full once doesn't take the space for ever.
        for table in self.tables.iter_mut().filter(|table| table.capacity() > 4 * table.len()) {
            table.shrink_to(2 * table.len());
        }
    }

    /// Whether there is no state, none since the last tick, and no change to report.
    pub(crate) fn is_idle(&self) -> bool {
        self.stamp.is_none()
            && self.changed.is_empty()
            && self.tables.iter().all(HashMap::is_empty)
            && self.before.iter().all(HashMap::is_empty)
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
        (self.bytes, self.before_bytes) = (0, 0);
        (self.stamp.take(), taken.collect())
    }

    /// Puts in what was taken out or stored; keys in `renewed` are reported as changed.
    pub(crate) fn put(&mut self, slot: usize, keys: Keys, renewed: Vec<Arc<str>>) {
        let Keys { now, mut before } = keys;
        let (Some(own), Some(own_before)) = (self.tables.get_mut(slot), self.before.get_mut(slot)) else { return };
        // A store keeps the baseline of a key that came and went.
        before.retain(|key, entry| entry.is_some() || now.contains_key(key));
        self.bytes += now.iter().map(|(key, entry)| bytes(key, Some(entry))).sum::<u64>();
        self.before_bytes += before.iter().map(|(key, entry)| bytes(key, entry.as_ref())).sum::<u64>();
        (*own, *own_before) = (now, before);
        self.changed.extend(renewed.into_iter().map(|key| (slot, key)));
    }

    /// Puts in what the host keeps with the keys of the other slots.
    pub(crate) fn put_own(&mut self, keys: Keys, renewed: Vec<Arc<str>>) {
        self.put(self.declared, keys, renewed);
    }

    /// The keys of the declared slots.
    pub(crate) fn keys(&self) -> impl Iterator<Item = &Arc<str>> {
        self.tables.iter().take(self.declared).flat_map(HashMap::keys)
    }

    /// The keys of a slot, in no order.
    #[cfg(test)]
    pub(crate) fn table_keys(&self, slot: usize) -> impl Iterator<Item = &Arc<str>> {
        self.tables.get(slot).into_iter().flat_map(HashMap::keys)
    }

    /// What is kept, counted anew.
    #[cfg(test)]
    pub(crate) fn recount(&self) -> u64 {
        let now = self.tables.iter().flatten().map(|(key, entry)| bytes(key, Some(entry)));
        let before = self.before.iter().flatten().map(|(key, entry)| bytes(key, entry.as_ref()));
        now.chain(before).sum()
    }

    /// Whether it remembers anything of keys.
    pub(crate) fn is_keyed(&self) -> bool {
        self.slots.len() > self.declared
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

/// What an entry takes, bytes; without one what it takes to know that there was none. By its content alone, so that it is
/// the same after a restart.
fn bytes(key: &str, entry: Option<&StateEntry>) -> u64 {
    let content = |entry: &StateEntry| {
        let kept = entry.kept.iter().map(|evidence| EVIDENCE_BYTES + evidence.event_id.len() as u64);
        entry.blob.len() as u64 + kept.sum::<u64>()
    };
    ENTRY_BYTES + key.len() as u64 + entry.map_or(0, content)
}

fn most_content(slot: &Slot) -> u64 {
    u64::from(slot.max_bytes) + u64::from(slot.kept_references) * (EVIDENCE_BYTES + MAX_ID_BYTES)
}

/// Whether a key was there at the last tick, in a slot that keeps such keys rather than newer ones.
fn is_protected(slot: &Slot, before: &HashMap<Arc<str>, Option<StateEntry>>, key: &str) -> bool {
    slot.when_full == WhenFull::Refuse && !before.get(key).is_some_and(Option::is_none)
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
