//! Medians, and how figures are printed.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// Calls a function and measures its time.
pub(crate) fn timed<T>(work: impl FnOnce() -> T) -> (Duration, T) {
    let started = Instant::now();
    let value = work();
    (started.elapsed(), value)
}

/// The median; 0 without values.
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
    /// Calls a function and adds its time.
    pub(crate) fn time<T>(&self, part: impl FnOnce() -> T) -> T {
        let (time, value) = timed(part);
        self.0.fetch_add(u64::try_from(time.as_nanos()).unwrap_or(u64::MAX), Ordering::Relaxed);
        value
    }

    /// The time since this was called last.
    pub(crate) fn take(&self) -> Duration {
        Duration::from_nanos(self.0.swap(0, Ordering::Relaxed))
    }
}
