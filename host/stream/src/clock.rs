//! The stream's time: watermark, clock and ticks, all from event times, so that a replay has the same.

use countersign_model::Timestamp;

/// How much older than the greatest event time an event may be before it counts as late, microseconds.
const LATENESS: i64 = 5 * 60 * 1_000_000;

/// A tick comes after so much event time, microseconds, …
const TICK_MICROS: i64 = 60 * 1_000_000;

/// … or after so many events.
const TICK_EVENTS: u64 = 65_536;

/// Where an event stands in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Placement {
    /// The source's watermark before it.
    pub watermark: Timestamp,
    /// The gate's clock after it: the greatest event time so far.
    pub clock: Timestamp,
    /// Whether it is older than the watermark.
    pub late: bool,
}

/// Timers fire, slots expire and bounds are enforced at ticks, and no batch crosses one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tick {
    /// The watermark at the tick.
    pub at: Timestamp,
}

/// Follows event times.
#[derive(Clone, Debug, Default)]
pub struct Clock {
    greatest: Option<Timestamp>,
    last_tick: Option<Timestamp>,
    events_since_tick: u64,
}

impl Clock {
    /// The greatest event time so far.
    #[must_use]
    pub fn greatest(&self) -> Option<Timestamp> {
        self.greatest
    }

    /// Whether an event of this time lies further ahead than `max_gap` microseconds of what has been seen.
    #[must_use]
    pub fn is_ahead(&self, time: Timestamp, max_gap: i64) -> bool {
        self.greatest.is_some_and(|greatest| time.micros_since(greatest) > max_gap)
    }

    /// The tick that comes before an event of this time, if one is due.
    pub fn tick_before(&mut self, time: Timestamp) -> Option<Tick> {
        let greatest = self.greatest?;
        let next = greatest.max(time);
        let last = *self.last_tick.get_or_insert(greatest);
        if next.micros_since(last) < TICK_MICROS && self.events_since_tick < TICK_EVENTS {
            return None;
        }
        self.last_tick = Some(next);
        self.events_since_tick = 0;
        Some(Tick { at: next.plus_micros(-LATENESS) })
    }

    /// Takes an event in.
    pub fn place(&mut self, time: Timestamp) -> Placement {
        let watermark = self.greatest.map_or(Timestamp::MIN, |greatest| greatest.plus_micros(-LATENESS));
        let clock = self.greatest.map_or(time, |greatest| greatest.max(time));
        self.greatest = Some(clock);
        self.events_since_tick += 1;
        Placement { watermark, clock, late: time < watermark }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn second(second: i64) -> Timestamp {
        Timestamp(second * 1_000_000)
    }

    #[test]
    fn the_watermark_follows_the_greatest_time_and_never_falls() {
        let mut clock = Clock::default();
        assert!(!clock.is_ahead(second(0), 1));
        assert!(!clock.place(second(1000)).late);
        assert!(!clock.place(second(990)).late);
        let late = clock.place(second(600));
        assert_eq!((late.late, late.watermark, late.clock), (true, second(700), second(1000)));
        assert!(clock.is_ahead(second(1011), 10_000_000));
        assert!(!clock.is_ahead(second(1010), 10_000_000));
    }

    #[test]
    fn an_event_at_the_watermark_is_not_late() {
        let mut clock = Clock::default();
        assert_eq!(clock.place(second(0)).watermark, Timestamp::MIN, "nothing was seen that could be waited for");
        clock.place(second(1_000));
        let late = [700, 699].map(|at| clock.place(second(at)).late);
        assert_eq!(late, [false, true]);
        assert_eq!(clock.greatest(), Some(second(1_000)), "late events turn nothing back");
    }

    #[test]
    fn a_tick_by_time_begins_the_count_anew_and_the_other_way_round() {
        let mut clock = Clock::default();
        clock.place(second(0));
        assert_eq!(clock.tick_before(second(0)), None);
        for _ in 1..TICK_EVENTS {
            clock.place(second(0));
        }
        assert_eq!(clock.tick_before(second(60)), Some(Tick { at: second(-240) }), "due by both, it comes once");
        clock.place(second(60));
        assert_eq!(clock.tick_before(second(60)), None);
        for _ in 1..TICK_EVENTS {
            clock.place(second(100));
        }
        // By count; the next by time is due a minute after it, not after the one before.
        assert_eq!(clock.tick_before(second(100)), Some(Tick { at: second(-200) }));
        clock.place(second(100));
        assert_eq!(clock.tick_before(second(159)), None);
        assert_eq!(clock.tick_before(second(160)), Some(Tick { at: second(-140) }));
    }

    #[test]
    fn late_events_bring_no_tick_by_time_and_a_leap_brings_one() {
        let mut clock = Clock::default();
        clock.place(second(10_000));
        for at in [0, 9_000, -5_000, 10_059] {
            assert_eq!(clock.tick_before(second(at)), None, "{at}");
            clock.place(second(at));
        }
        assert_eq!(clock.tick_before(second(90_000)), Some(Tick { at: second(89_700) }));
        clock.place(second(90_000));
        assert_eq!(clock.tick_before(second(90_000)), None);
    }

    #[test]
    fn times_at_the_ends_of_the_range_are_held_there() {
        let (least, most) = (Timestamp(i64::MIN), Timestamp(i64::MAX));
        let mut clock = Clock::default();
        clock.place(least);
        assert!(clock.is_ahead(most, i64::MAX - 1));
        assert_eq!(clock.place(least).watermark, least);
        assert_eq!(clock.tick_before(most), Some(Tick { at: most.plus_micros(-LATENESS) }));
        assert_eq!(clock.place(most), Placement { watermark: least, clock: most, late: false });
        assert_eq!(clock.place(least), Placement { watermark: most.plus_micros(-LATENESS), clock: most, late: true });
    }

    #[test]
    fn ticks_come_by_time_or_by_count() {
        let mut clock = Clock::default();
        assert_eq!(clock.tick_before(second(0)), None);
        clock.place(second(0));
        assert_eq!(clock.tick_before(second(59)), None);
        clock.place(second(59));
        assert_eq!(clock.tick_before(second(60)), Some(Tick { at: second(60 - 300) }));
        for _ in 0..TICK_EVENTS {
            assert_eq!(clock.tick_before(second(60)), None);
            clock.place(second(60));
        }
        assert!(clock.tick_before(second(60)).is_some());
    }
}
