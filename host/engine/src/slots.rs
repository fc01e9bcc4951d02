//! How many calls are under way: one more waits, since a full pool must not look like a rule that fails.

use std::sync::{Condvar, Mutex, PoisonError};

/// So many calls at once.
pub(crate) struct Slots {
    free: Mutex<u32>,
    freed: Condvar,
}

/// The right to one call, until dropped.
pub(crate) struct Slot<'a>(&'a Slots);

impl Slots {
    /// At least one.
    pub(crate) fn new(calls: u32) -> Slots {
        Slots { free: Mutex::new(calls.max(1)), freed: Condvar::new() }
    }

    /// Waits for a free one.
    pub(crate) fn take(&self) -> Slot<'_> {
        let free = self.free.lock().unwrap_or_else(PoisonError::into_inner);
        let mut free = self.freed.wait_while(free, |free| *free == 0).unwrap_or_else(PoisonError::into_inner);
        *free -= 1;
        Slot(self)
    }
}

impl Drop for Slot<'_> {
    fn drop(&mut self) {
        *self.0.free.lock().unwrap_or_else(PoisonError::into_inner) += 1;
        self.0.freed.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    #[test]
    fn no_more_calls_than_slots_are_under_way() {
        let slots = Slots::new(3);
        let (under_way, most) = (AtomicU32::new(0), AtomicU32::new(0));
        std::thread::scope(|scope| {
            for _ in 0..12 {
                scope.spawn(|| {
                    for _ in 0..50 {
                        let _slot = slots.take();
                        most.fetch_max(under_way.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                        std::thread::yield_now();
                        under_way.fetch_sub(1, Ordering::SeqCst);
                    }
                });
            }
        });
        assert!((1..=3).contains(&most.into_inner()));
        assert_eq!(*slots.free.lock().unwrap(), 3);
    }
}
