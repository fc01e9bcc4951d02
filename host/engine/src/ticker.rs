//! The epoch's own thread: it ticks whatever the workers do, so a call that never ends is struck.

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

    /// How many ticks make a deadline, rounded up, and one more for the tick that is about to come.
    pub(crate) fn ticks(deadline: Duration) -> u64 {
        u64::try_from(deadline.as_millis().div_ceil(TICK.as_millis())).unwrap_or(u64::MAX - 1) + 1
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
