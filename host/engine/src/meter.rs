//! What a rule has used since it was loaded: counted as calls end, on whatever thread they run.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

/// What a rule has used since it was loaded, whoever called it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Metered {
    /// Calls.
    pub calls: u64,
    /// Of these, those without an answer.
    pub failures: u64,
    /// Fuel.
    pub fuel: u64,
    /// Time, nanoseconds.
    pub nanos: u64,
}

/// Counts what a rule uses.
#[derive(Debug, Default)]
pub(crate) struct Meter {
    calls: AtomicU64,
    failures: AtomicU64,
    fuel: AtomicU64,
    nanos: AtomicU64,
}

impl Meter {
    /// Counts a call that began then.
    pub(crate) fn count<T, E>(&self, began: Instant, fuel: u64, answer: &Result<T, E>) {
        let nanos = u64::try_from(began.elapsed().as_nanos()).unwrap_or(u64::MAX);
        let adds =
            [(&self.calls, 1), (&self.failures, u64::from(answer.is_err())), (&self.fuel, fuel), (&self.nanos, nanos)];
        for (counter, more) in adds {
            counter.fetch_add(more, Ordering::Relaxed);
        }
    }

    pub(crate) fn read(&self) -> Metered {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Metered {
            calls: read(&self.calls),
            failures: read(&self.failures),
            fuel: read(&self.fuel),
            nanos: read(&self.nanos),
        }
    }
}
