//! A source as it is watched: when it is unwell, and when it is well again.

use super::*;

const START: i64 = 1_700_000_000_000_000;
const MINUTE: u64 = 60;

/// A source that is expected every ten minutes, and a clock for both sides.
struct Source {
    watched: Watched,
    seconds: u64,
    judged: u64,
    batch: u64,
    unread_for: Option<Duration>,
    share: Share,
    stands: Duration,
    expect_every: Option<i64>,
    /// By how much the host's clock was set, seconds.
    step: i64,
}

impl Source {
    fn new() -> Source {
        let watched = Watched::new(Timestamp(START));
        let expect_every = Some(600 * 1_000_000);
        let share = Share { own: 1, all: 1, sources: 1 };
        let stands = Duration::ZERO;
        Source { watched, seconds: 0, judged: 0, batch: 0, unread_for: None, share, stands, expect_every, step: 0 }
    }

    fn now(&self) -> Timestamp {
        Timestamp(START + (i64::try_from(self.seconds).unwrap() + self.step) * 1_000_000)
    }

    fn hear(&mut self, records: u64) {
        self.batch += 1;
        let (arrived, last) = (self.now(), self.batch);
        let span = arrived.0.div_euclid(SPAN);
        let arrivals = Arrivals { source: 0, span, records, last, arrived };
        self.watched.hear(&arrivals, Duration::from_secs(self.seconds));
    }

    /// What is wrong with it after so many seconds more, as it would be on record.
    fn after(&mut self, seconds: u64) -> Vec<&'static str> {
        self.seconds += seconds;
        let sight = Sight {
            now: self.now(),
            elapsed: Duration::from_secs(self.seconds),
            expect_every: self.expect_every,
            judged: self.judged,
            unread_for: self.unread_for,
            share: self.share,
            stands: self.stands,
            bounds: UnwellBounds::default(),
        };
        if let Some(unwell) = self.watched.see(&sight) {
            self.watched.set(unwell);
        }
        self.watched.unwell.iter().map(|unwell| unwell.what.id()).collect()
    }
}

#[test]
fn silence_begins_after_what_is_expected_and_ends_with_a_record() {
    let mut source = Source::new();
    assert!(source.after(600).is_empty());
    assert_eq!(source.after(1), ["silent"]);
    let why = &source.watched.unwell[0].why;
    assert_eq!(why, "no record for 10m 1s, one is expected every 10m");
    assert_eq!(source.watched.unwell[0].since, Timestamp(START));
    assert_eq!(source.after(100_000), ["silent"]);
    source.hear(1);
    source.judged = 1;
    assert!(source.after(0).is_empty());
    assert!(source.after(600).is_empty());
    assert_eq!(source.after(1), ["silent"]);
    // Nobody expects anything any more.
    source.expect_every = None;
    assert!(source.after(0).is_empty());
    assert!(source.after(100_000).is_empty());
}

#[test]
fn what_was_silent_stays_so_over_a_restart_until_something_comes() {
    let mut source = Source::new();
    source.after(601);
    let unwell = source.watched.unwell.clone();
    let mut again = Source::new();
    again.watched.set(unwell);
    again.watched.begin();
    assert_eq!(again.after(1), ["silent"]);
    again.hear(1);
    again.judged = 1;
    assert!(again.after(1).is_empty());
    // What wasn't has its time anew.
    let mut again = Source::new();
    again.hear(1);
    again.judged = 1;
    again.watched.begin();
    assert!(again.after(600).is_empty());
    assert_eq!(again.after(1), ["silent"]);
}

#[test]
fn a_record_that_comes_while_the_end_isnt_on_record_isnt_forgotten() {
    let mut source = Source::new();
    source.after(601);
    source.hear(1);
    source.judged = 1;
    // The recorder was full, or its disk.
    let first = sight(&source);
    assert_eq!(source.watched.see(&first), Some(Vec::new()));
    assert_eq!(source.watched.see(&first), Some(Vec::new()));
}

#[test]
fn a_step_of_the_clock_makes_nothing_silent_nor_fallen() {
    let mut source = Source::new();
    for _ in 0..5 * 24 * 6 {
        source.hear(100);
        source.judged = source.batch;
        assert!(source.after(10 * MINUTE).is_empty());
    }
    source.step = 86_400 * 2;
    source.hear(100);
    source.judged = source.batch;
    assert!(source.after(5 * MINUTE).is_empty());
    for _ in 0..6 {
        source.hear(100);
        source.judged = source.batch;
        assert!(source.after(10 * MINUTE).is_empty());
    }
}

#[test]
fn lag_begins_after_ten_minutes_and_ends_once_it_is_less_than_five() {
    let mut source = Source::new();
    source.expect_every = None;
    source.hear(1);
    assert!(source.after(0).is_empty());
    assert!(source.after(600).is_empty());
    // More comes all the time.
    source.hear(1);
    assert_eq!(source.after(1), ["lagging"]);
    assert_eq!(source.watched.unwell[0].why, "records aren't judged within 10m 1s");
    // The first was judged, after too long: that says nothing of the second.
    source.judged = 1;
    assert_eq!(source.after(1), ["lagging"]);
    source.judged = 2;
    assert!(source.after(1).is_empty());
    // Bytes that are known and not read.
    source.unread_for = Some(Duration::from_secs(601));
    assert_eq!(source.after(1), ["lagging"]);
    source.unread_for = Some(Duration::from_secs(300));
    assert_eq!(source.after(1), ["lagging"]);
    source.unread_for = Some(Duration::from_secs(299));
    assert!(source.after(1).is_empty());
}

#[test]
fn a_fall_begins_below_a_tenth_ends_at_half_and_is_usual_after_a_day() {
    let mut source = Source::new();
    let spans = |source: &mut Source, count: u64, records: u64| {
        let mut last = Vec::new();
        for _ in 0..count {
            source.hear(records);
            source.judged = source.batch;
            last = source.after(10 * MINUTE);
        }
        last
    };
    assert!(spans(&mut source, 5 * 24 * 6, 100).is_empty());
    // A third of it is no fall.
    assert!(spans(&mut source, 6, 33).is_empty());
    assert!(spans(&mut source, 6, 100).is_empty());
    assert!(spans(&mut source, 4, 1).is_empty());
    assert_eq!(spans(&mut source, 3, 1), ["fallen"]);
    assert_eq!(source.watched.unwell[0].usual, Some(600));
    // A bit more isn't well yet.
    assert_eq!(spans(&mut source, 7, 40), ["fallen"]);
    assert!(spans(&mut source, 7, 60).is_empty());
    assert!(spans(&mut source, 24 * 6, 100).is_empty());
    assert_eq!(spans(&mut source, 7, 1), ["fallen"]);
    assert!(spans(&mut source, 24 * 6, 1).is_empty());
    assert!(spans(&mut source, 24 * 6, 1).is_empty());
}

#[test]
fn what_few_come_of_doesnt_fall() {
    let mut source = Source::new();
    source.expect_every = None;
    for _ in 0..5 * 24 * 6 {
        source.hear(9);
        source.judged = source.batch;
        assert!(source.after(10 * MINUTE).is_empty());
    }
    assert!(source.after(3 * 60 * MINUTE).is_empty());
}

#[test]
fn what_another_source_sends_makes_none_lag_and_that_one_is_named() {
    // A thousand records of its own, and what another one sent before them.
    let waits = |own: u64, all: u64| {
        let mut source = Source::new();
        source.expect_every = None;
        source.share = Share { own, all, sources: 2 };
        source.hear(own);
        source.after(0);
        let unwell = source.after(3_600);
        (unwell, source)
    };
    let (unwell, mut flooded) = waits(1_000, 1_000_000);
    assert!(unwell.is_empty());
    let (unwell, mut flood) = waits(999_000, 1_000_000);
    assert_eq!(unwell, ["flooding"]);
    let expected =
        "records of other sources wait for 1h: of 1000000 records of 2 sources that aren't judged 999000 are its own";
    assert_eq!(flood.watched.unwell[0].why, expected);
    // It floods until it lags no more, whatever else comes meanwhile.
    flood.share = Share { own: 1_000, all: 2_000, sources: 2 };
    assert_eq!(flood.after(1), ["flooding"]);
    flood.judged = 1;
    assert!(flood.after(1).is_empty());
    // Where nothing is judged at all it lags like all others.
    flooded.stands = Duration::from_secs(601);
    assert_eq!(flooded.after(1), ["lagging"]);
    flooded.stands = Duration::from_secs(299);
    assert!(flooded.after(1).is_empty());
    // What lags comes to flood.
    let (unwell, mut grows) = waits(400, 800);
    assert_eq!(unwell, ["lagging"]);
    grows.share = Share { own: 700, all: 800, sources: 2 };
    assert_eq!(grows.after(1), ["flooding"]);
}

#[test]
fn bounds_are_the_operators() {
    let mut source = Source::new();
    source.expect_every = None;
    source.hear(1);
    let mut see = |lag: u64, seconds: u64| {
        source.seconds = seconds;
        let bounds = UnwellBounds { lag: Duration::from_secs(lag), ..UnwellBounds::default() };
        let sight = Sight { bounds, ..sight(&source) };
        source.watched.see(&sight).is_some()
    };
    assert!(!see(60, 0) && !see(60, 60) && !see(120, 61) && see(60, 61));
}

fn sight(source: &Source) -> Sight {
    Sight {
        now: source.now(),
        elapsed: Duration::from_secs(source.seconds),
        expect_every: source.expect_every,
        judged: source.judged,
        unread_for: None,
        share: source.share,
        stands: source.stands,
        bounds: UnwellBounds::default(),
    }
}
