//! The stream's time: a watermark a source, the clock and ticks, all from event times, so that a replay has the same.

use std::collections::BTreeMap;
use std::sync::Arc;

use countersign_model::{Patience, SourceId, Timestamp};
use serde::{Deserialize, Serialize};

/// A tick comes after so much event time, microseconds, …
const TICK_MICROS: i64 = 60 * 1_000_000;

/// … or after so many events.
pub const TICK_EVENTS: u64 = 65_536;

/// Time that passes without events passes in steps of this, microseconds, …
const STEP: i64 = TICK_MICROS;

/// … and at most so many, a month's; the rest passes at once.
const MAX_STEPS: usize = 31 * 24 * 60;

/// The place of an event in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Placement {
    /// The source's watermark before it, or the time of the last tick if that is later.
    pub watermark: Timestamp,
    /// The gate's clock after it: the greatest time that counted so far, of any source, or the host's own clock as
    /// recorded if that is later.
    pub clock: Timestamp,
    /// Whether it is older than the watermark.
    pub late: bool,
}

/// Timers fire, slots expire and bounds are enforced at ticks, and no batch crosses one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tick {
    /// The least watermark of the sources that aren't silent; never less than at the tick before.
    pub at: Timestamp,
}

/// Follows event times, and the host's own clock where inputs carry their arrival.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Clock {
    /// In the order of their first events. There are as many as the host has sources, a handful.
    sources: Vec<SourceClock>,
    now: Option<Timestamp>,
    /// The greatest arrival so far.
    arrived: Option<Timestamp>,
    /// The least watermark of the sources so far; never falls.
    least: Option<Timestamp>,
    last_tick: Option<Timestamp>,
    events_since_tick: u64,
    /// Of sources whose patience isn't the usual; the operator's, so not stored with the clock.
    #[serde(skip)]
    patience: Arc<BTreeMap<SourceId, Patience>>,
}

/// The times of a source.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct SourceClock {
    source: SourceId,
    /// The greatest of its times that counted.
    greatest: Timestamp,
    /// The clock when it was heard from last; see [`Clock::plan`].
    last: Timestamp,
}

/// What an event says of time.
#[derive(Clone, Copy, Debug)]
pub struct Claim<'a> {
    /// Its source.
    pub source: &'a SourceId,
    /// Its time.
    pub time: Timestamp,
    /// How far it moves the clock; its own time or later trusts it fully.
    pub believed: Timestamp,
    /// Whether its source is believed about its actor.
    pub bound: bool,
}

/// What an event would change; see [`Clock::plan`].
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// The tick that comes before the event, if one is due.
    pub tick: Option<Tick>,
    /// The event's place in time.
    pub placement: Placement,
    counts: Timestamp,
    now: Timestamp,
    least: Timestamp,
    /// Whether its source is heard from by it.
    heard: bool,
}

impl Clock {
    /// Sets how long the records of these sources are waited for; the usual patience is that of the others.
    pub fn set_patience(&mut self, patience: Arc<BTreeMap<SourceId, Patience>>) {
        self.patience = patience;
    }

    fn patience(&self, source: &SourceId) -> Patience {
        self.patience.get(source).copied().unwrap_or_default()
    }

    /// The greatest time that counted so far; none before the first event.
    #[must_use]
    pub fn now(&self) -> Option<Timestamp> {
        self.now
    }

    /// Up to which time events are complete: the least of the sources' times less what each may be late; none before the
    /// first event.
    #[must_use]
    pub fn watermark(&self) -> Option<Timestamp> {
        self.least
    }

    /// The gate's clock: the greater of [`now`](Self::now) and the greatest arrival; none before the first event.
    #[must_use]
    pub fn gate_clock(&self) -> Option<Timestamp> {
        self.now.map(|now| self.arrived.map_or(now, |arrived| now.max(arrived)))
    }

    /// The greatest arrival so far, by the host's own clock; none where only the records' times count.
    #[must_use]
    pub fn arrived(&self) -> Option<Timestamp> {
        self.arrived
    }

    /// Whether an event of this time lies further ahead than `max_gap` microseconds of what has been seen.
    #[must_use]
    pub fn is_ahead(&self, time: Timestamp, max_gap: i64) -> bool {
        self.now.is_some_and(|now| time.micros_since(now) > max_gap)
    }

    /// Takes in the host's own time at which an input arrived, as it is on record.
    pub fn arrive(&mut self, arrived: Timestamp) {
        self.arrived = self.arrived.max(Some(arrived));
    }

    /// What an event of a source would change: nothing is changed yet.
    ///
    /// A source is heard from by an event that isn't older than the clock by more than the source's silence, or that is
    /// bound and newer than what the source had: old times, repeated or from whom nobody believes, hold back no other source.
    #[must_use]
    pub fn plan(&self, claim: Claim<'_>) -> Plan {
        let Claim { source, time, believed, bound } = claim;
        let counts = time.min(believed);
        let now = self.now.map_or(counts, |now| now.max(counts));
        let known = self.sources.iter().find(|known| known.source == *source);
        let Patience { lateness, silence } = self.patience(source);
        let progress = known.is_none_or(|known| counts > known.greatest);
        let heard = now.micros_since(counts) <= silence || (bound && progress);
        let own = known.map_or(Timestamp::MIN, |known| known.greatest.plus_micros(-lateness));
        // A source that comes back, or is new, doesn't turn back time that has passed without it.
        let watermark = self.least.map_or(own, |least| least.max(own));
        let others = self.sources.iter().filter(|other| other.source != *source);
        let watermarks = others.filter_map(|other| {
            let Patience { lateness, silence } = self.patience(&other.source);
            (now.micros_since(other.last) <= silence).then(|| other.greatest.plus_micros(-lateness))
        });
        let greatest = known.map_or(counts, |known| known.greatest.max(counts));
        let least = watermarks.fold(greatest.plus_micros(-lateness), Timestamp::min);
        let least = self.least.map_or(least, |before| before.max(least));
        let last = self.last_tick.unwrap_or(least);
        let due = least.micros_since(last) >= TICK_MICROS || self.events_since_tick >= TICK_EVENTS;
        let clock = self.arrived.map_or(now, |arrived| now.max(arrived));
        let placement = Placement { watermark, clock, late: time < watermark };
        Plan { tick: due.then_some(Tick { at: least }), placement, counts, now, least, heard }
    }

    /// Takes in the event that was planned; nothing may come between.
    pub fn apply(&mut self, source: &SourceId, plan: &Plan) {
        self.now = Some(plan.now);
        self.least = Some(plan.least);
        match self.sources.iter_mut().find(|known| known.source == *source) {
            Some(known) => {
                known.greatest = known.greatest.max(plan.counts);
                if plan.heard {
                    known.last = plan.now;
                }
            }
            None => {
                let last = if plan.heard { plan.now } else { plan.counts };
                self.sources.push(SourceClock { source: source.clone(), greatest: plan.counts, last });
            }
        }
        match plan.tick {
            Some(tick) => self.ticked(tick.at),
            None => {
                self.last_tick.get_or_insert(plan.least);
            }
        }
        self.events_since_tick += 1;
    }

    /// Takes in an event of a source that is believed at once, but for its time. Returns the tick that comes before it, if one
    /// is due, and its place in time.
    pub fn place(&mut self, source: &SourceId, time: Timestamp, believed: Timestamp) -> (Option<Tick>, Placement) {
        let plan = self.plan(Claim { source, time, believed, bound: true });
        self.apply(source, &plan);
        (plan.tick, plan.placement)
    }

    /// The ticks by which time passes without events up to the host's own time `arrived`, less the sources' lateness. None
    /// before the first event: there is nothing that could be late.
    pub fn ticks_until(&self, arrived: Timestamp) -> impl Iterator<Item = Tick> + use<> {
        let lateness = self.sources.iter().map(|known| self.patience(&known.source).lateness).max().unwrap_or_default();
        let until = arrived.plus_micros(-lateness);
        let first = self.least.filter(|_| self.now.is_some());
        std::iter::successors(first.map(|least| (0, least.min(until))), move |(step, at)| {
            let next = if step + 1 < MAX_STEPS { at.plus_micros(STEP).min(until) } else { until };
            (*at < until).then_some((step + 1, next))
        })
        .skip(1)
        .map(|(_, at)| Tick { at })
    }

    /// Takes in a tick without an event.
    pub fn pass(&mut self, tick: Tick) {
        self.least = self.least.max(Some(tick.at));
        self.ticked(tick.at);
    }

    fn ticked(&mut self, at: Timestamp) {
        self.last_tick = Some(at);
        self.events_since_tick = 0;
    }
}

#[cfg(test)]
#[path = "../tests/unit/clock.rs"]
mod tests;
