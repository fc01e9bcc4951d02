//! Limits how many calls run at once: one more waits, since a full pool must not look like a rule that fails.

use std::sync::{Condvar, Mutex, PoisonError};

/// The slots for calls.
pub(crate) struct Slots {
    count: Mutex<Count>,
    freed: Condvar,
}

struct Count {
    free: u32,
    /// Number of waiting threads. Without any, none is notified: that would cost a system call.
    waiting: u32,
}

/// The right to one call, until dropped.
pub(crate) struct Slot<'a>(&'a Slots);

impl Slots {
    /// So many slots, at least one.
    pub(crate) fn new(calls: u32) -> Slots {
        Slots { count: Mutex::new(Count { free: calls.max(1), waiting: 0 }), freed: Condvar::new() }
    }

    /// Waits for a free one.
    pub(crate) fn take(&self) -> Slot<'_> {
        let mut count = self.count.lock().unwrap_or_else(PoisonError::into_inner);
        count.waiting += 1;
        let mut count = self.freed.wait_while(count, |count| count.free == 0).unwrap_or_else(PoisonError::into_inner);
        count.waiting -= 1;
        count.free -= 1;
        Slot(self)
    }
}

impl Drop for Slot<'_> {
    fn drop(&mut self) {
        let mut count = self.0.count.lock().unwrap_or_else(PoisonError::into_inner);
        count.free += 1;
        if count.waiting > 0 {
            self.0.freed.notify_one();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    #[test]
    fn no_more_calls_than_slots_run_at_once() {
        let slots = Slots::new(3);
        let (running, max) = (AtomicU32::new(0), AtomicU32::new(0));
        std::thread::scope(|scope| {
            for _ in 0..12 {
                scope.spawn(|| {
                    for _ in 0..50 {
                        let _slot = slots.take();
                        max.fetch_max(running.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                        std::thread::yield_now();
                        running.fetch_sub(1, Ordering::SeqCst);
                    }
                });
            }
        });
        assert!((1..=3).contains(&max.into_inner()));
        let count = slots.count.into_inner().unwrap();
        assert_eq!((count.free, count.waiting), (3, 0));
    }
}
