//! The thread that advances the epoch: it ticks regardless of what the workers do, so a call that never returns is
//! interrupted.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

/// Time between two ticks.
pub(crate) const TICK: Duration = Duration::from_millis(50);

/// Ticks an engine's epoch until dropped.
pub(crate) struct Ticker {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Ticker {
    /// Starts the thread.
    pub(crate) fn start(engine: wasmtime::Engine) -> std::io::Result<Ticker> {
        let stop = Arc::new(AtomicBool::new(false));
        let seen = Arc::clone(&stop);
        let thread = std::thread::Builder::new().name("countersign-epoch".to_owned()).spawn(move || {
            while !seen.load(Ordering::Relaxed) {
                std::thread::park_timeout(TICK);
                engine.increment_epoch();
            }
        })?;
        Ok(Ticker { stop, thread: Some(thread) })
    }

    /// The number of ticks of a deadline, rounded up, plus one for the tick that is about to come.
    pub(crate) fn ticks(deadline: Duration) -> u64 {
        u64::try_from(deadline.as_millis().div_ceil(TICK.as_millis())).unwrap_or(u64::MAX).min(u64::MAX / 2) + 1
    }
}

impl Drop for Ticker {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            thread.thread().unpark();
            // The thread can't panic: it only sleeps and counts.
            let _ = thread.join();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_deadline_is_never_shorter_than_asked_for() {
        for (deadline, ticks) in [(0, 1), (1, 2), (50, 2), (51, 3), (2_000, 41)] {
            let deadline = Duration::from_millis(deadline);
            assert_eq!(Ticker::ticks(deadline), ticks);
            // The first tick may come at once.
            assert!(TICK * u32::try_from(ticks - 1).unwrap() >= deadline);
        }
        // The epoch it is added to has room left.
        assert_eq!(Ticker::ticks(Duration::MAX), u64::MAX / 2 + 1);
    }
}
