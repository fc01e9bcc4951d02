//! What a detection rule has kept, apart from the generation that it is part of: a swap hands it to the next generation's
//! rule of the same id, a resumed session reads it back from the store.

use std::collections::BTreeMap;

use countersign_model::{Digest, HoldEnd, RuleId, SourceId, Timestamp};
use countersign_stream::{Carried, Forgotten, Holds, Migrated, Tick};

use super::Changes;
use super::judges::Judges;

/// How long the state of a rule that is gone is kept in case it comes back, microseconds of event time: a day. Nothing of
/// it expires and no timer fires meanwhile.
pub const KEPT_FOR_ABSENT_RULES: i64 = 24 * 3_600 * 1_000_000;

/// What a detection rule has kept.
#[derive(Default)]
pub struct Remembered {
    /// SHA-256 of the code that ran.
    pub code: Option<Digest>,
    /// Its state and timers.
    pub carried: Carried,
    /// What it failed on, and with which rows it isn't called therefore.
    pub holds: Holds,
    /// Rows that it was called with.
    pub delivered: u64,
    /// Rows that were held.
    pub held: u64,
    /// Rows given to that code.
    pub judged: u64,
    /// The sources of rows that what it keeps may be made of, each with the position of its first one.
    pub sources: BTreeMap<SourceId, u64>,
    /// Timers dropped because it had too many.
    pub dropped_timers: u64,
    /// Findings that weren't delivered to subscribers because it had too many about one event.
    pub withheld: u64,
    /// Keys forgotten at ticks, by slot.
    pub forgotten: BTreeMap<String, Forgotten>,
    /// Since when it has state that it doesn't declare, if it does.
    pub undeclared_since: Option<Timestamp>,
}

/// A rule that is gone, or what a rule doesn't declare any more.
pub struct Absent {
    /// What it kept.
    pub remembered: Remembered,
    /// The last tick before it went, or the clock then.
    pub since: Timestamp,
}

impl Judges {
    /// Takes out what all rules have kept, those included that are gone, each with since when it is gone.
    #[must_use]
    pub fn take_remembered(&mut self) -> BTreeMap<RuleId, (Remembered, Option<Timestamp>)> {
        let absent = std::mem::take(&mut self.absent).into_iter();
        let mut all: BTreeMap<_, _> =
            absent.map(|(id, Absent { remembered, since })| (id, (remembered, Some(since)))).collect();
        for judge in &mut self.judges {
            let id = judge.stream.declaration().id.clone();
            let mut remembered = judge.take_remembered();
            // What it doesn't declare any more goes with it.
            if let Some((rest, since)) = all.remove(&id) {
                remembered.carried.merge(rest.carried);
                remembered.undeclared_since = since;
            }
            all.insert(id, (remembered, None));
        }
        self.holding.clear();
        self.counting.clear();
        all
    }

    /// Hands over what rules have kept; `now` is the clock, `position` that of the next event. `codes` has the digests of
    /// these rules' code: a rule with other code than before judges again where rows were held from it, but still counts as
    /// having failed on the same accounts.
    pub fn hand_over(
        &mut self,
        mut all: BTreeMap<RuleId, (Remembered, Option<Timestamp>)>,
        codes: &BTreeMap<RuleId, Digest>,
        now: Timestamp,
        position: u64,
    ) -> Vec<(RuleId, Migrated)> {
        let mut all_migrated = Vec::new();
        let mut all_ended = Vec::new();
        for (judge, place) in self.judges.iter_mut().zip(0..) {
            let id = judge.stream.declaration().id.clone();
            let code = codes.get(&id).copied();
            judge.code = code;
            let Some((remembered, since)) = all.remove(&id) else { continue };
            let undeclared_since = remembered.undeclared_since.or(since);
            let (adopted, ended) = judge.adopt(remembered, code);
            all_ended.push((place, ended));
            self.forgotten.extend_kept(adopted.removed);
            self.forgotten.extend((adopted.rest_changes, Vec::new()));
            all_migrated.extend(adopted.migrated.into_iter().map(|migrated| (id.clone(), migrated)));
            if !judge.stream.is_idle() || judge.stream.holds().has_changes() {
                self.holding.insert(place);
            }
            if !judge.stream.holds().is_empty() {
                self.counting.insert(place);
            }
            if !adopted.rest.is_empty() {
                let remembered = judge.without(adopted.rest);
                self.absent.insert(id, Absent { remembered, since: undeclared_since.unwrap_or(now) });
            }
        }
        for (place, ended) in all_ended {
            self.end_holds(place, ended, HoldEnd::OtherCode, position);
        }
        for (id, (remembered, since)) in all {
            if since.is_some() || !remembered.is_trivial() {
                self.absent.insert(id, Absent { remembered, since: since.unwrap_or(now) });
            } else {
                self.forgotten.forgotten_rules.insert(id);
            }
        }
        all_migrated
    }

    /// Applies a tick to what rules that are gone have kept, and forgets what was kept for long enough.
    pub(super) fn tick_absent(&mut self, tick: Tick) {
        let over = |absent: &Absent| tick.at.micros_since(absent.since) > KEPT_FOR_ABSENT_RULES;
        let ids: Vec<RuleId> =
            self.absent.iter().filter(|(_, absent)| over(absent)).map(|(id, _)| id.clone()).collect();
        for id in ids {
            let Some(absent) = self.absent.remove(&id) else { continue };
            self.forgotten.extend_kept(absent.remembered.carried.removals(&id));
            let counts = absent.remembered.holds.keys().into_iter();
            self.forgotten.counts.extend(counts.map(|key| (id.clone(), key, None)));
            self.forgotten.forgotten_rules.insert(id);
        }
        for (id, Absent { remembered, .. }) in &mut self.absent {
            // What is stored of it has the clock before the tick.
            if remembered.carried.stamp().is_some() {
                self.forgotten.ticked_rules.insert(id.clone());
            }
            remembered.carried.tick();
        }
    }

    /// The rules that are gone, and those with state that they don't declare any more.
    pub fn absent(&self) -> &BTreeMap<RuleId, Absent> {
        &self.absent
    }
}

impl Remembered {
    /// Whether nothing would be lost with it.
    fn is_trivial(&self) -> bool {
        self.carried.is_empty() && self.holds.is_empty()
    }
}

/// The changes of what is forgotten are reported with those of the next chunk.
pub(super) fn take_forgotten(judges: &mut Judges) -> Changes {
    std::mem::take(&mut judges.forgotten)
}
