//! The timers of one rule: set, moved and cancelled by rows, due at ticks, bounded.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use countersign_declaration::Declaration;
use countersign_model::call::{AnswerTimer, CallFailure};
use countersign_model::vocabulary::{FieldId, Severity, SignalClass, SubjectRole};
use countersign_model::{FindingFields, RuleId, TimerChange, TimerEntry, Timestamp, Value};

use crate::rule::{Prepared, Row};
use crate::turn::TimerTurn;
use crate::validate::invalid;
use crate::{Sequenced, Tick, Turn};

/// Most timers of a rule that are yet to come, enforced at ticks: each holds the event that set it. Past it, those that
/// are due last are dropped, so that who sets many can't push out the ones that were there before.
const MAX_PENDING: usize = 65_536;

/// The timers of one rule.
pub(crate) struct RuleTimers {
    rule: RuleId,
    most_per_key: usize,
    max_pending: usize,
    /// By key and id.
    keys: BTreeMap<Arc<str>, BTreeMap<Arc<str>, Pending>>,
    /// The same by time: the order in which they come.
    due: BTreeSet<(Timestamp, Arc<str>, Arc<str>)>,
    /// Key and id of what changed since the changes were taken last.
    changed: BTreeSet<(Arc<str>, Arc<str>)>,
}

/// A timer that is yet to come.
#[derive(Clone)]
pub(crate) struct Pending {
    at: Timestamp,
    set_by: Sequenced,
}

impl PartialEq for Pending {
    fn eq(&self, other: &Pending) -> bool {
        self.at == other.at && self.set_by.order() == other.set_by.order()
    }
}

/// The timers of one key, by id.
pub(crate) type OfKey = BTreeMap<Arc<str>, Pending>;

/// One timer that a row sets, moves or, without a time, cancels.
#[derive(Clone, Debug)]
pub(crate) struct Setting {
    /// The row's place in the call.
    pub(crate) row: usize,
    pub(crate) id: Arc<str>,
    pub(crate) at: Option<Timestamp>,
}

/// What became due at a tick.
#[derive(Debug, Default)]
pub struct Due {
    /// The rows of the timers, in their order.
    pub rows: Vec<Sequenced>,
    /// How many timers were dropped because the rule had too many.
    pub dropped: u64,
}

impl RuleTimers {
    pub(crate) fn new(declaration: &Declaration) -> RuleTimers {
        RuleTimers {
            rule: declaration.id.clone(),
            most_per_key: declaration.timers.as_ref().map_or(0, |timers| timers.most_per_key as usize),
            max_pending: MAX_PENDING,
            keys: BTreeMap::new(),
            due: BTreeSet::new(),
            changed: BTreeSet::new(),
        }
    }

    /// How many are yet to come.
    pub(crate) fn pending(&self) -> u64 {
        self.due.len() as u64
    }

    /// Whether there are none, and none to tell of.
    pub(crate) fn is_idle(&self) -> bool {
        self.due.is_empty() && self.changed.is_empty()
    }

    /// Those of a key.
    pub(crate) fn of_key(&self, key: &str) -> OfKey {
        self.keys.get(key).cloned().unwrap_or_default()
    }

    /// What an answer does to timers, in the order of its rows, once [`crate::validate`] has seen it. Refused at the row
    /// after which a key would have more than declared: so it is the row that asks for too much that fails alone.
    pub(crate) fn settings(&self, prepared: &Prepared, timers: &[AnswerTimer]) -> Result<Vec<Setting>, CallFailure> {
        let mut said: Vec<&AnswerTimer> = timers.iter().collect();
        // Stable: what one row says is taken in its order.
        said.sort_by_key(|timer| timer.row);
        let mut held: BTreeMap<u32, BTreeSet<&str>> = BTreeMap::new();
        let mut settings = Vec::with_capacity(said.len());
        for timer in said {
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
            if ids.len() > self.most_per_key {
                return invalid(format!(
                    "timer `{}` is one more for its key than the {} declared",
                    timer.id, self.most_per_key
                ));
            }
            settings.push(Setting { row, id: Arc::from(timer.id.as_str()), at: timer.at.map(Timestamp) });
        }
        Ok(settings)
    }

    /// Sets, moves or cancels a timer for the key of a row.
    pub(crate) fn set(&mut self, row: &Row<'_>, setting: Setting) {
        let Some(key) = &row.key else { return };
        if self.remove(key, &setting.id).is_none() && setting.at.is_none() {
            return;
        }
        apply(self.keys.entry(Arc::clone(key)).or_default(), row, &setting);
        match setting.at {
            Some(at) => {
                self.due.insert((at, Arc::clone(key), Arc::clone(&setting.id)));
            }
            None => self.tidy(key),
        }
        self.changed.insert((Arc::clone(key), setting.id));
    }

    /// Takes out what is due at a tick, and what is over the bound. The rows have the position and the clock of the
    /// event that brought the tick.
    pub(crate) fn take_due(&mut self, tick: Tick, position: u64, clock: Timestamp) -> Due {
        let mut due = Due::default();
        while self.due.first().is_some_and(|(at, _, _)| *at <= tick.at) {
            let Some((at, key, id)) = self.due.pop_first() else { break };
            let pending = self.remove(&key, &id);
            self.tidy(&key);
            self.changed.insert((Arc::clone(&key), Arc::clone(&id)));
            due.rows
                .extend(pending.map(|pending| pending.set_by.timer(TimerTurn { at, key, id }, tick, position, clock)));
        }
        while self.due.len() > self.max_pending {
            let Some((_, key, id)) = self.due.pop_last() else { break };
            self.remove(&key, &id);
            self.tidy(&key);
            self.changed.insert((key, id));
            due.dropped += 1;
        }
        due
    }

    /// Drops all. Returns what changed by it, and before it since this was asked last.
    pub(crate) fn clear(&mut self) -> Vec<TimerChange> {
        let all = std::mem::take(&mut self.due);
        self.changed.extend(all.into_iter().map(|(_, key, id)| (key, id)));
        self.keys.clear();
        self.take_changes()
    }

    /// What changed since this was asked last, each timer once, by key and id.
    pub(crate) fn take_changes(&mut self) -> Vec<TimerChange> {
        std::mem::take(&mut self.changed)
            .into_iter()
            .map(|(key, id)| TimerChange {
                rule: self.rule.clone(),
                entry: self.keys.get(&key).and_then(|timers| timers.get(&id)).map(stored),
                key: String::from(&*key),
                id: String::from(&*id),
            })
            .collect()
    }

    fn remove(&mut self, key: &Arc<str>, id: &Arc<str>) -> Option<Pending> {
        let pending = self.keys.get_mut(key)?.remove(id)?;
        self.due.remove(&(pending.at, Arc::clone(key), Arc::clone(id)));
        Some(pending)
    }

    /// Keeps nothing of a key without timers.
    fn tidy(&mut self, key: &str) {
        if self.keys.get(key).is_some_and(BTreeMap::is_empty) {
            self.keys.remove(key);
        }
    }
}

/// What a setting does to the timers of its key.
pub(crate) fn apply(timers: &mut OfKey, row: &Row<'_>, setting: &Setting) {
    match setting.at {
        Some(at) => timers.insert(Arc::clone(&setting.id), Pending { at, set_by: row.sequenced.clone() }),
        None => timers.remove(&setting.id),
    };
}

fn stored(pending: &Pending) -> TimerEntry {
    let event = &pending.set_by.event;
    TimerEntry {
        at: pending.at,
        source: event.source.to_string(),
        event_id: event.id.to_string(),
        ingest_time: event.ingest_time,
        raw: event.raw,
        finding: finding_fields(&pending.set_by),
    }
}

/// The fields of a finding that a row shows: of its own, or those of the row whose timer it is.
fn finding_fields(row: &Sequenced) -> Option<FindingFields> {
    if matches!(row.turn, Turn::Event) {
        return None;
    }
    let fields = &row.event.fields;
    let number = |field| match fields.get(field) {
        Some(Value::Unsigned(number)) => u8::try_from(*number).ok(),
        _ => None,
    };
    let severity = number(FieldId::FindingSeverity)?;
    Some(FindingFields {
        rule: fields.text(FieldId::FindingRule)?.parse().ok()?,
        class: SignalClass::from_id(fields.text(FieldId::FindingClass)?)?,
        confidence: number(FieldId::FindingConfidence)?,
        severity: *Severity::ALL.iter().find(|other| other.severity_id() == severity)?,
        role: SubjectRole::from_id(fields.text(FieldId::FindingRole)?)?,
    })
}

#[cfg(test)]
#[path = "../tests/unit/timers.rs"]
mod tests;
