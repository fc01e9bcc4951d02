//! A histogram with fixed bounds, counted without a lock.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Bounds of durations, seconds: from what a fast disk takes to what nobody waits for.
pub const SECONDS: &[f64] = &[0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 60.0];

/// Bounds of counts of records.
pub(crate) const RECORDS: &[f64] = &[1.0, 4.0, 16.0, 64.0, 256.0, 1_024.0, 4_096.0];

/// The most bounds of a histogram.
const MAX_BOUNDS: usize = 16;

/// Millionths: sums are kept in whole ones.
const MILLION: f64 = 1e6;

/// Counts of values by bounds.
#[derive(Debug)]
pub struct Histogram {
    bounds: &'static [f64],
    /// How many values are at most a bound and more than the one before; the last is of those past all.
    counts: [AtomicU64; MAX_BOUNDS + 1],
    /// The sum, millionths.
    sum: AtomicU64,
}

/// What a histogram has counted.
#[derive(Clone, Debug, PartialEq)]
pub struct Counted {
    /// Each bound with how many values are at most that.
    pub buckets: Vec<(f64, u64)>,
    /// How many values there are.
    pub count: u64,
    /// Their sum.
    pub sum: f64,
}

impl Histogram {
    /// One with these bounds, in rising order, 16 at most.
    #[must_use]
    pub fn new(bounds: &'static [f64]) -> Histogram {
        Histogram { bounds, counts: [const { AtomicU64::new(0) }; MAX_BOUNDS + 1], sum: AtomicU64::new(0) }
    }

    /// Counts a duration, in seconds, as often as given.
    pub fn count(&self, duration: Duration, times: u64) {
        let micros = u64::try_from(duration.as_micros()).unwrap_or(u64::MAX);
        self.add(duration.as_secs_f64(), micros, times);
    }

    /// Counts a number of records.
    pub(crate) fn count_records(&self, records: u32) {
        self.add(f64::from(records), u64::from(records).saturating_mul(1_000_000), 1);
    }

    fn add(&self, value: f64, millionths: u64, times: u64) {
        let place = self.bounds.iter().position(|bound| value <= *bound).unwrap_or(self.bounds.len());
        if let Some(count) = self.counts.get(place) {
            count.fetch_add(times, Ordering::Relaxed);
        }
        self.sum.fetch_add(millionths.saturating_mul(times), Ordering::Relaxed);
    }

    /// What it has counted.
    #[must_use]
    pub fn counted(&self) -> Counted {
        let mut count = 0;
        let mut buckets = Vec::with_capacity(self.bounds.len());
        for (bound, counted) in self.bounds.iter().zip(&self.counts) {
            count += counted.load(Ordering::Relaxed);
            buckets.push((*bound, count));
        }
        count += self.counts.get(self.bounds.len()).map_or(0, |past| past.load(Ordering::Relaxed));
        let sum = self.sum.load(Ordering::Relaxed) as f64 / MILLION;
        Counted { buckets, count, sum }
    }
}
