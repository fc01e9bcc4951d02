//! The stream's time: a watermark a source, the clock and ticks, all from event times, so that a replay has the same.

use countersign_model::{SourceId, Timestamp};

/// How much older than its source's greatest event time an event may be before it counts as late, microseconds.
pub const LATENESS: i64 = 5 * 60 * 1_000_000;

/// A source without events for more than so much of the others' event time no longer holds back the watermark,
/// microseconds.
pub const SILENCE: i64 = 5 * 60 * 1_000_000;

/// A tick comes after so much event time, microseconds, …
const TICK_MICROS: i64 = 60 * 1_000_000;

/// … or after so many events.
pub const TICK_EVENTS: u64 = 65_536;

/// The place of an event in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Placement {
    /// The source's watermark before it, or the time of the last tick if that is later.
    pub watermark: Timestamp,
    /// The gate's clock after it: the greatest time that counted so far, of any source.
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

/// Follows event times.
#[derive(Clone, Debug, Default)]
pub struct Clock {
    /// In the order of their first events. There are as many as the host has sources, a handful.
    sources: Vec<SourceClock>,
    now: Option<Timestamp>,
    /// The least watermark of the sources so far; never falls.
    least: Option<Timestamp>,
    last_tick: Option<Timestamp>,
    events_since_tick: u64,
}

/// The times of a source.
#[derive(Clone, Debug)]
struct SourceClock {
    source: SourceId,
    /// The greatest of its times that counted.
    greatest: Timestamp,
    /// The clock at its last event.
    last: Timestamp,
}

impl Clock {
    /// The greatest time that counted so far; none before the first event.
    #[must_use]
    pub fn now(&self) -> Option<Timestamp> {
        self.now
    }

    /// Whether an event of this time lies further ahead than `max_gap` microseconds of what has been seen.
    #[must_use]
    pub fn is_ahead(&self, time: Timestamp, max_gap: i64) -> bool {
        self.now.is_some_and(|now| time.micros_since(now) > max_gap)
    }

    /// Takes in an event of a source. Returns the tick that comes before it, if one is due, and its place in time. Its
    /// time moves the clock only as far as `believed`; pass `time` again to trust it fully.
    pub fn place(&mut self, source: &SourceId, time: Timestamp, believed: Timestamp) -> (Option<Tick>, Placement) {
        let counts = time.min(believed);
        let now = self.now.map_or(counts, |now| now.max(counts));
        self.now = Some(now);
        let known = self.sources.iter_mut().find(|known| known.source == *source);
        let own = known.as_ref().map_or(Timestamp::MIN, |known| known.greatest.plus_micros(-LATENESS));
        // A source that comes back, or is new, doesn't turn back time that has passed without it.
        let watermark = self.least.map_or(own, |least| least.max(own));
        match known {
            Some(known) => {
                known.greatest = known.greatest.max(counts);
                known.last = now;
            }
            None => self.sources.push(SourceClock { source: source.clone(), greatest: counts, last: now }),
        }
        let awaited = self.sources.iter().filter(|known| now.micros_since(known.last) <= SILENCE);
        let least = awaited.map(|known| known.greatest).min().unwrap_or(now).plus_micros(-LATENESS);
        let least = self.least.map_or(least, |before| before.max(least));
        self.least = Some(least);
        (self.tick(least), Placement { watermark, clock: now, late: time < watermark })
    }

    /// The tick before the event that was just taken in.
    fn tick(&mut self, least: Timestamp) -> Option<Tick> {
        let last = *self.last_tick.get_or_insert(least);
        let due = least.micros_since(last) >= TICK_MICROS || self.events_since_tick >= TICK_EVENTS;
        if due {
            self.last_tick = Some(least);
            self.events_since_tick = 0;
        }
        self.events_since_tick += 1;
        due.then_some(Tick { at: least })
    }
}

#[cfg(test)]
#[path = "../tests/unit/clock.rs"]
mod tests;
