//! Lines of the host's own log that a sender may cause: so many within a while, and then how many were left out.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Lines of a kind within [`WINDOW`].
const MAX_LINES: u32 = 200;

/// How long they count.
const WINDOW: Duration = Duration::from_secs(10);

/// Counts lines of a kind.
#[derive(Debug, Default)]
pub struct LogRate(Mutex<Counted>);

#[derive(Debug, Default)]
struct Counted {
    since: Option<Instant>,
    lines: u32,
    left_out: u64,
}

impl LogRate {
    /// None yet.
    #[must_use]
    pub const fn new() -> LogRate {
        LogRate(Mutex::new(Counted { since: None, lines: 0, left_out: 0 }))
    }

    /// Whether a line may be written now. How many were left out before is logged once a while.
    pub fn allows(&self) -> bool {
        self.allows_at(Instant::now())
    }

    fn allows_at(&self, now: Instant) -> bool {
        let mut counted = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if counted.since.is_none_or(|since| now.saturating_duration_since(since) >= WINDOW) {
            if counted.left_out > 0 {
                tracing::warn!(lines = counted.left_out, "lines of the log were left out: too many came");
            }
            *counted = Counted { since: Some(now), ..Counted::default() };
        }
        let allowed = counted.lines < MAX_LINES;
        if allowed {
            counted.lines += 1
        } else {
            counted.left_out += 1
        }
        allowed
    }
}

#[cfg(test)]
#[path = "../tests/unit/log_rate.rs"]
mod tests;
