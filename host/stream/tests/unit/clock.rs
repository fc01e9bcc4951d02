//! One source and several, silent and late ones, and times that aren't trusted.

use super::*;
use countersign_model::Patience;
use proptest::prelude::*;

fn second(second: i64) -> Timestamp {
    Timestamp(second * 1_000_000)
}

/// Places an event of the only source, fully trusted.
fn place(clock: &mut Clock, at: i64) -> (Option<Tick>, Placement) {
    clock.place(&"a".into(), second(at), second(at))
}

/// Events of sources; for each the watermark's second (none if there was none), whether it is late, and the tick's.
fn seen(events: &[(&str, i64)]) -> Vec<(Option<i64>, bool, Option<i64>)> {
    let mut clock = Clock::default();
    let seconds = |time: Timestamp| time.micros() / 1_000_000;
    let seen = events.iter().map(|(source, at)| {
        let (tick, placed) = clock.place(&(*source).into(), second(*at), second(*at));
        let watermark = (placed.watermark != Timestamp::MIN).then(|| seconds(placed.watermark));
        (watermark, placed.late, tick.map(|tick| seconds(tick.at)))
    });
    seen.collect()
}

#[test]
fn the_watermark_follows_the_greatest_time_and_never_falls() {
    let mut clock = Clock::default();
    assert!(!clock.is_ahead(second(0), 1));
    assert_eq!(place(&mut clock, 1000).1.watermark, Timestamp::MIN, "there is no earlier event");
    assert!(!place(&mut clock, 990).1.late);
    let late = place(&mut clock, 600).1;
    assert_eq!((late.late, late.watermark, late.clock), (true, second(700), second(1000)));
    assert!(!place(&mut clock, 700).1.late, "at the watermark is not late");
    assert!(clock.is_ahead(second(1011), 10_000_000));
    assert!(!clock.is_ahead(second(1010), 10_000_000));
}

#[test]
fn a_time_moves_the_clock_only_as_far_as_it_is_trusted() {
    let mut clock = Clock::default();
    place(&mut clock, 1_000);
    let (tick, placed) = clock.place(&"a".into(), second(50_000), second(1_010));
    assert_eq!((tick, placed.clock, placed.late), (None, second(1_010), false));
    assert_eq!(place(&mut clock, 1_000).1.watermark, second(710));
    // Trust beyond the event's own time adds nothing.
    assert_eq!(clock.place(&"a".into(), second(1_005), second(9_000)).1.clock, second(1_010));
}

#[test]
fn each_source_has_a_watermark_of_its_own_and_ticks_follow_the_least() {
    let seen = seen(&[("a", 1_000), ("b", 900), ("a", 1_090), ("b", 910), ("b", 600), ("b", 965), ("a", 800)]);
    let expected = [
        (None, false, None),
        // A new source doesn't turn the watermark back.
        (Some(700), false, None),
        (Some(700), false, None),
        (Some(700), false, None),
        (Some(700), true, None),
        (Some(700), false, None),
        (Some(790), false, None),
    ];
    assert_eq!(seen, expected);
}

#[test]
fn a_silent_source_is_left_out_and_comes_back_late() {
    let seen = seen(&[
        ("a", 0),
        ("b", 0),
        ("a", 300),
        // Five minutes and a second after the last event of `b`.
        ("a", 301),
        ("a", 400),
        // Older than the last tick, though not than its own watermark.
        ("b", 50),
        ("b", 200),
        // It counts again, and turns nothing back.
        ("a", 430),
        ("a", 700),
        ("a", 701),
    ]);
    let ticks: Vec<_> = seen.iter().map(|seen| seen.2).collect();
    assert_eq!(ticks, [None, None, None, Some(1), Some(100), None, None, None, None, Some(401)]);
    assert_eq!((seen[5], seen[6]), ((Some(100), true, None), (Some(100), false, None)));
}

/// Ticks of a bound source `a` from the first second on, beside an event a second of `b`, by `times` of the second.
fn ticks_beside(bound: bool, times: impl Fn(i64) -> i64) -> Vec<i64> {
    let mut clock = Clock::default();
    let mut ticks = Vec::new();
    for at in 0..1_200 {
        let mut place = |source: &str, time: i64, bound| {
            let (source, time) = (source.into(), second(time));
            let plan = clock.plan(Claim { source: &source, time, believed: time, bound });
            clock.apply(&source, &plan);
            ticks.extend(plan.tick.map(|tick| tick.at.micros() / 1_000_000));
        };
        place("a", at, true);
        place("b", times(at), bound);
    }
    ticks
}

#[test]
fn old_times_hold_back_no_other_source_beyond_the_silence() {
    let last = |bound, times: fn(i64) -> i64| *ticks_beside(bound, times).last().unwrap();
    assert_eq!(last(true, |at| at), 840);
    // Years ago, again and again, or a little further each time.
    assert!(last(false, |_| -100_000_000) >= 780);
    assert!(last(true, |_| -100_000_000) >= 780);
    assert!(last(false, |at| at - 100_000_000) >= 780);
    // A source that is believed, late and goes on is waited for.
    assert!(last(true, |at| at - 600) < 300);
    // One that isn't believed, as far as its silence.
    assert!(last(false, |at| at - 299) < 660);
    assert!(last(false, |at| at - 600) >= 780);
}

#[test]
fn a_tick_by_time_resets_the_count_and_the_other_way_round() {
    let mut clock = Clock::default();
    for _ in 0..TICK_EVENTS {
        assert_eq!(place(&mut clock, 0).0, None);
    }
    assert_eq!(place(&mut clock, 60).0, Some(Tick { at: second(-240) }), "due by both, it comes once");
    for _ in 1..TICK_EVENTS {
        assert_eq!(place(&mut clock, 100).0, None);
    }
    // By count; the next by time is due a minute after it, not after the one before.
    assert_eq!(place(&mut clock, 100).0, Some(Tick { at: second(-200) }));
    assert_eq!(place(&mut clock, 159).0, None);
    assert_eq!(place(&mut clock, 160).0, Some(Tick { at: second(-140) }));
}

#[test]
fn late_events_bring_no_tick_by_time_and_a_jump_brings_one() {
    let mut clock = Clock::default();
    for at in [10_000, 0, 9_000, -5_000, 10_059] {
        assert_eq!(place(&mut clock, at).0, None, "{at}");
    }
    assert_eq!(place(&mut clock, 90_000).0, Some(Tick { at: second(89_700) }));
    assert_eq!(place(&mut clock, 90_000).0, None);
}

#[test]
fn times_at_the_ends_of_the_range_saturate() {
    let (min, max) = (Timestamp(i64::MIN), Timestamp(i64::MAX));
    let mut clock = Clock::default();
    clock.place(&"a".into(), min, min);
    assert!(clock.is_ahead(max, i64::MAX - 1));
    assert_eq!(clock.place(&"a".into(), min, min).1.watermark, min);
    let (tick, placed) = clock.place(&"a".into(), max, max);
    assert_eq!(tick, Some(Tick { at: max.plus_micros(-Patience::USUAL.lateness) }));
    assert_eq!(placed, Placement { watermark: min, clock: max, late: false });
    let late = clock.place(&"a".into(), min, min).1;
    assert_eq!(late, Placement { watermark: max.plus_micros(-Patience::USUAL.lateness), clock: max, late: true });
}

proptest! {
    #[test]
    fn nothing_falls_and_ticks_never_pass_an_active_source(
        events in prop::collection::vec((0usize..3, 0i64..4_000), 1..200),
    ) {
        let mut clock = Clock::default();
        let mut greatest = [None::<i64>; 3];
        let (mut now, mut at) = (Timestamp::MIN, Timestamp::MIN);
        for (source, time) in events {
            let (tick, placed) = clock.place(&["a", "b", "c"][source].into(), second(time), second(time));
            prop_assert!(placed.clock >= now);
            now = placed.clock;
            prop_assert_eq!(placed.late, second(time) < placed.watermark);
            greatest[source] = Some(greatest[source].map_or(time, |greatest| greatest.max(time)));
            let max = greatest.iter().flatten().max().copied().unwrap_or_default();
            prop_assert_eq!(now, second(max));
            if let Some(tick) = tick {
                prop_assert!(tick.at >= at && tick.at <= second(max - 300));
                at = tick.at;
            }
        }
    }
}
