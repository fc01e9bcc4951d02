//! What the thread that writes shares with those that wait for it.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use countersign_model::Timestamp;
use serde::Serialize;

/// Figures of a recorder.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Figures {
    /// The first batch on record; earlier ones were dropped.
    pub first: u64,
    /// The last batch on record; 0 for none.
    pub last: u64,
    /// The last input of the host's own; 0 for none.
    pub last_host: u64,
    /// How many batches were judged: all up to this one.
    pub judged: u64,
    /// Bytes on record, compressed.
    pub bytes: u64,
    /// Of these, bytes that aren't judged.
    pub waiting_bytes: u64,
    /// The greatest time of arrival.
    pub arrived: Option<Timestamp>,
    /// How many appends were refused for want of room since the recorder was opened.
    pub refused: u64,
    /// How many transactions failed since the last one that didn't.
    pub failing: u64,
    /// How many transactions there were since the recorder was opened, how long they took in all, and of that their commits,
    /// which wait for the disk; microseconds.
    pub transactions: u64,
    /// See [`Figures::transactions`].
    pub transaction_micros: u64,
    /// See [`Figures::transactions`].
    pub commit_micros: u64,
}

/// Figures that others wait for to change.
#[derive(Debug, Default)]
pub(crate) struct Shared {
    figures: Mutex<Figures>,
    changed: Condvar,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Figures> {
        // Figures are plain numbers: a thread that panicked leaves none half written that matters.
        self.figures.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn figures(&self) -> Figures {
        *self.lock()
    }

    pub(crate) fn change(&self, change: impl FnOnce(&mut Figures)) {
        change(&mut self.lock());
        self.changed.notify_all();
    }

    /// Waits until `is_enough` of the figures, or for so long. Returns them.
    pub(crate) fn wait(&self, longest: Duration, mut is_enough: impl FnMut(&Figures) -> bool) -> Figures {
        let guard = self.lock();
        let waited = self.changed.wait_timeout_while(guard, longest, |figures| !is_enough(figures));
        *waited.unwrap_or_else(PoisonError::into_inner).0
    }
}
