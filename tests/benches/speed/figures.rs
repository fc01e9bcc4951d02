//! Medians, and how figures are printed.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// The time of one go.
pub(crate) fn timed<T>(go: impl FnOnce() -> T) -> (Duration, T) {
    let begun = Instant::now();
    let value = go();
    (begun.elapsed(), value)
}

/// The one in the middle; 0 of none.
pub(crate) fn median(values: impl IntoIterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.into_iter().collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or_default()
}

/// Nanoseconds for each of `count`.
#[expect(clippy::cast_precision_loss, reason = "durations of minutes at most, and counts of a million")]
pub(crate) fn nanos_each(time: Duration, count: usize) -> f64 {
    time.as_nanos() as f64 / count.max(1) as f64
}

/// Adds up the time of parts of what is measured.
#[derive(Default)]
pub(crate) struct Watch(AtomicU64);

impl Watch {
    /// Does something and counts its time.
    pub(crate) fn time<T>(&self, part: impl FnOnce() -> T) -> T {
        let (time, value) = timed(part);
        self.0.fetch_add(u64::try_from(time.as_nanos()).unwrap_or(u64::MAX), Ordering::Relaxed);
        value
    }

    /// The time since this was asked last.
    pub(crate) fn take(&self) -> Duration {
        Duration::from_nanos(self.0.swap(0, Ordering::Relaxed))
    }
}
