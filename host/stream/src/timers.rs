//! The timers of one rule: set, moved and cancelled by rows, due at ticks, bounded.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use countersign_declaration::Declaration;
use countersign_model::call::{AnswerTimer, CallFailure};
use countersign_model::{Event, RuleId, TimerChange, TimerEntry, Timestamp};

use crate::fair::{self, Candidate};
use crate::origin::Origin;
use crate::rule::{Prepared, Row};
use crate::validate::invalid;
use crate::{DueTimer, Placement, Sequenced, Tick};

/// Maximum of pending timers of a rule, enforced at ticks, whatever they take. Beyond it those that are due last are
/// dropped, of the origin that has most of them, so that setting many can't push out earlier ones or those of others.
const MAX_PENDING: usize = 65_536;

/// A timer without the text of its key and the event that set it: its places by key and by time, and its row.
/// Estimated from the sizes of the types.
const TIMER_BYTES: u64 = 512;

/// The timers of one rule.
pub(crate) struct RuleTimers {
    rule: RuleId,
    ids: BTreeSet<String>,
    max_per_key: usize,
    max_pending: usize,
    /// By key and id.
    keys: BTreeMap<Arc<str>, BTreeMap<Arc<str>, Pending>>,
    /// The same by time: the order in which they fire.
    due: BTreeSet<(Timestamp, Arc<str>, Arc<str>)>,
    /// What they take, bytes.
    bytes: u64,
    /// How many were dropped since this was taken last.
    dropped: u64,
    /// Key and id of what changed since the changes were taken last.
    changed: BTreeSet<(Arc<str>, Arc<str>)>,
}

/// A pending timer.
#[derive(Clone, Debug)]
pub(crate) struct Pending {
    at: Timestamp,
    set_by: Sequenced,
}

impl Pending {
    /// As it was stored: of the row that set it only the event counts.
    pub(crate) fn stored(entry: TimerEntry) -> Pending {
        let placement = Placement { watermark: entry.at, clock: entry.at, late: false };
        Pending { at: entry.at, set_by: Sequenced::new(0, Arc::new(entry.event), placement) }
    }

    /// As it is stored.
    pub(crate) fn entry(&self) -> TimerEntry {
        TimerEntry { at: self.at, event: Event::clone(&self.set_by.event) }
    }
}

impl PartialEq for Pending {
    fn eq(&self, other: &Pending) -> bool {
        self.at == other.at && self.set_by.order() == other.set_by.order()
    }
}

/// The timers of one key, by id.
pub(crate) type KeyTimers = BTreeMap<Arc<str>, Pending>;

/// One timer that a row sets, moves or, without a time, cancels.
#[derive(Clone, Debug)]
pub(crate) struct TimerSetting {
    /// The row's place in the call.
    pub(crate) row: usize,
    pub(crate) id: Arc<str>,
    pub(crate) at: Option<Timestamp>,
}

impl RuleTimers {
    pub(crate) fn new(declaration: &Declaration) -> RuleTimers {
        RuleTimers {
            rule: declaration.id.clone(),
            ids: declaration.timers.iter().flat_map(|timers| timers.ids.iter().cloned()).collect(),
            max_per_key: declaration.timers.as_ref().map_or(0, |timers| timers.most_per_key as usize),
            max_pending: MAX_PENDING,
            keys: BTreeMap::new(),
            due: BTreeSet::new(),
            bytes: 0,
            dropped: 0,
            changed: BTreeSet::new(),
        }
    }

    /// What is kept, bytes.
    pub(crate) fn held(&self) -> u64 {
        self.bytes
    }

    /// The most that a row with this key adds to what is kept.
    pub(crate) fn most_added(&self, key: &str, row: &Sequenced) -> u64 {
        let most = self.max_per_key.min(self.ids.len()) as u64;
        if most == 0 { 0 } else { most * bytes(key, &row.event) }
    }

    /// How many were dropped since this was called last, because the rule had too many or they took too much.
    pub(crate) fn take_dropped(&mut self) -> u64 {
        std::mem::take(&mut self.dropped)
    }

    /// How many are pending.
    pub(crate) fn pending(&self) -> u64 {
        self.due.len() as u64
    }

    /// Whether there are none, and no change to report.
    pub(crate) fn is_idle(&self) -> bool {
        self.due.is_empty() && self.changed.is_empty()
    }

    /// Whether any timer of a key is pending.
    pub(crate) fn has_key(&self, key: &str) -> bool {
        self.keys.contains_key(key)
    }

    /// The timers of a key.
    pub(crate) fn for_key(&self, key: &str) -> KeyTimers {
        self.keys.get(key).cloned().unwrap_or_default()
    }

    /// What an answer that [`crate::validate`] has checked does to timers, in the order of its rows. Refused at the row
    /// after which a key would have more timers than declared: so the row that sets too many fails alone.
    pub(crate) fn settings(
        &self,
        prepared: &Prepared,
        timers: &[AnswerTimer],
    ) -> Result<Vec<TimerSetting>, CallFailure> {
        let mut timers: Vec<&AnswerTimer> = timers.iter().collect();
        // Stable: timers of one row stay in their order.
        timers.sort_by_key(|timer| timer.row);
        let mut held: BTreeMap<u32, BTreeSet<&str>> = BTreeMap::new();
        let mut settings = Vec::with_capacity(timers.len());
        for timer in timers {
            let row = timer.row as usize;
            let key = prepared.call.batch.rows.keys.get(row).copied().unwrap_or_default();
            let ids = held.entry(key).or_insert_with(|| {
                let pending = prepared.keys.get(key as usize).and_then(|key| self.keys.get(key));
                pending.into_iter().flat_map(BTreeMap::keys).map(|id| &**id).collect()
            });
            match timer.at {
                Some(_) => ids.insert(&timer.id),
                None => ids.remove(timer.id.as_str()),
            };
            if ids.len() > self.max_per_key {
                return invalid(format!(
                    "timer `{}` is one more for its key than the {} declared",
                    timer.id, self.max_per_key
                ));
            }
            settings.push(TimerSetting { row, id: Arc::from(timer.id.as_str()), at: timer.at.map(Timestamp) });
        }
        Ok(settings)
    }

    /// Sets, moves or cancels a timer for the key of a row.
    pub(crate) fn set(&mut self, row: &Row<'_>, setting: TimerSetting) {
        let Some(key) = &row.key else { return };
        if self.remove(key, &setting.id).is_none() && setting.at.is_none() {
            return;
        }
        apply(self.keys.entry(Arc::clone(key)).or_default(), row, &setting);
        match setting.at {
            Some(at) => {
                self.bytes += bytes(key, &row.sequenced.event);
                self.due.insert((at, Arc::clone(key), Arc::clone(&setting.id)));
            }
            None => self.remove_if_empty(key),
        }
        self.changed.insert((Arc::clone(key), setting.id));
    }

    /// Takes out the timers that are due at a tick, in their order, and drops those over a bound: of their number, and of
    /// what they take. The rows have the position and the clock of the event that brought the tick.
    pub(crate) fn take_due(&mut self, tick: Tick, max_bytes: u64, position: u64, clock: Timestamp) -> Vec<Sequenced> {
        let mut rows = Vec::new();
        while self.due.first().is_some_and(|(at, _, _)| *at <= tick.at) {
            let Some((at, key, id)) = self.due.pop_first() else { break };
            let pending = self.remove(&key, &id);
            self.remove_if_empty(&key);
            self.changed.insert((Arc::clone(&key), Arc::clone(&id)));
            let timer = DueTimer { at, key, id };
            rows.extend(pending.map(|pending| pending.set_by.into_timer_row(timer, tick, position, clock)));
        }
        let over = self.due.len().saturating_sub(self.max_pending) as u64;
        self.drop_latest(over, |_, _| 1);
        self.drop_over(max_bytes);
        rows
    }

    /// Drops timers as long as they take more than so many bytes.
    pub(crate) fn drop_over(&mut self, max_bytes: u64) {
        self.drop_latest(self.bytes.saturating_sub(max_bytes), bytes);
    }

    /// Drops timers that weigh at least so much: those due last, of whoever has most.
    fn drop_latest(&mut self, over: u64, weight: impl Fn(&str, &Event) -> u64) {
        if over == 0 {
            return;
        }
        let latest: Vec<(Timestamp, Arc<str>, Arc<str>)> = self.due.iter().rev().cloned().collect();
        let candidates: Vec<Candidate> = latest
            .iter()
            .map(|(_, key, id)| {
                let pending = self.keys.get(key).and_then(|timers| timers.get(id));
                let of = |Pending { set_by: Sequenced { event, .. }, .. }: &Pending| Candidate {
                    origin: Origin::of(event),
                    weight: weight(key, event),
                };
                pending.map_or_else(|| Candidate { origin: Origin::unknown(), weight: 1 }, of)
            })
            .collect();
        for place in fair::choose(&candidates, over) {
            let Some((_, key, id)) = latest.get(place) else { continue };
            self.remove(key, id);
            self.remove_if_empty(key);
            self.changed.insert((Arc::clone(key), Arc::clone(id)));
            self.dropped += 1;
        }
    }

    /// Drops the timers that rows of some events set.
    pub(crate) fn drop_set_by(&mut self, is_one: impl Fn(&Event) -> bool) {
        let all = self.keys.iter().flat_map(|(key, timers)| timers.iter().map(move |timer| (key, timer)));
        let dropped: Vec<_> = all
            .filter(|(_, (_, pending))| is_one(&pending.set_by.event))
            .map(|(key, (id, _))| (Arc::clone(key), Arc::clone(id)))
            .collect();
        for (key, id) in dropped {
            self.remove(&key, &id);
            self.remove_if_empty(&key);
            self.changed.insert((key, id));
        }
    }

    /// Takes all timers out, by key and id; what isn't reported yet is lost.
    pub(crate) fn take(&mut self) -> BTreeMap<Arc<str>, KeyTimers> {
        self.due.clear();
        self.changed.clear();
        self.bytes = 0;
        std::mem::take(&mut self.keys)
    }

    /// Puts in timers that were taken out or stored. Those with ids that aren't declared any more are dropped.
    pub(crate) fn put(&mut self, keys: BTreeMap<Arc<str>, KeyTimers>) {
        for (key, timers) in keys {
            for (id, pending) in timers {
                if self.ids.contains(&*id) {
                    self.bytes += bytes(&key, &pending.set_by.event);
                    self.due.insert((pending.at, Arc::clone(&key), Arc::clone(&id)));
                    self.keys.entry(Arc::clone(&key)).or_default().insert(id, pending);
                } else {
                    self.changed.insert((Arc::clone(&key), id));
                    self.dropped += 1;
                }
            }
        }
    }

    /// Counts timers that were dropped before they came here.
    pub(crate) fn note_dropped(&mut self, count: u64) {
        self.dropped += count;
    }

    /// The keys with timers.
    pub(crate) fn keys(&self) -> impl Iterator<Item = &Arc<str>> {
        self.keys.keys()
    }

    /// What changed since this was called last, each timer once, by key and id.
    pub(crate) fn take_changes(&mut self) -> Vec<TimerChange> {
        std::mem::take(&mut self.changed)
            .into_iter()
            .map(|(key, id)| TimerChange {
                rule: self.rule.clone(),
                entry: self.keys.get(&key).and_then(|timers| timers.get(&id)).map(Pending::entry),
                key: String::from(&*key),
                id: String::from(&*id),
            })
            .collect()
    }

    fn remove(&mut self, key: &Arc<str>, id: &Arc<str>) -> Option<Pending> {
        let pending = self.keys.get_mut(key)?.remove(id)?;
        self.due.remove(&(pending.at, Arc::clone(key), Arc::clone(id)));
        self.bytes -= bytes(key, &pending.set_by.event);
        Some(pending)
    }

    /// Removes a key without timers.
    fn remove_if_empty(&mut self, key: &str) {
        if self.keys.get(key).is_some_and(BTreeMap::is_empty) {
            self.keys.remove(key);
        }
    }
}

/// Applies a setting to the timers of its key.
pub(crate) fn apply(timers: &mut KeyTimers, row: &Row<'_>, setting: &TimerSetting) {
    match setting.at {
        Some(at) => timers.insert(Arc::clone(&setting.id), Pending { at, set_by: row.sequenced.clone() }),
        None => timers.remove(&setting.id),
    };
}

/// What a timer takes, by its content alone, so that it is the same after a restart.
fn bytes(key: &str, event: &Event) -> u64 {
    TIMER_BYTES + 2 * key.len() as u64 + event.kept_bytes()
}

#[cfg(test)]
#[path = "../tests/unit/timers.rs"]
mod tests;
