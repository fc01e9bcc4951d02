//! How many requests an administrative credential may send.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

/// The most callers that are counted; past it those that have waited longest are forgotten.
const MAX_CALLERS: usize = 1_024;

/// Counts the requests of each caller.
pub(crate) struct Rates {
    /// A second, on average; twice as many at once.
    rate: f64,
    callers: Mutex<HashMap<String, Left>>,
}

/// What a caller may still send.
struct Left {
    requests: f64,
    at: Instant,
}

impl Rates {
    pub(crate) fn new(rate: u32) -> Rates {
        Rates { rate: f64::from(rate.max(1)), callers: Mutex::default() }
    }

    /// Counts a request. In how many seconds another one may be sent, if this is one too many.
    pub(crate) fn exceeds(&self, caller: &str) -> Option<u64> {
        let (now, most) = (Instant::now(), self.rate * 2.0);
        let mut callers = self.callers.lock().unwrap_or_else(PoisonError::into_inner);
        if callers.len() >= MAX_CALLERS && !callers.contains_key(caller) {
            let oldest = callers.iter().min_by_key(|(_, left)| left.at).map(|(name, _)| name.clone());
            oldest.map(|name| callers.remove(&name));
        }
        let left = callers.entry(caller.to_owned()).or_insert(Left { requests: most, at: now });
        let waited = now.saturating_duration_since(left.at).as_secs_f64();
        left.requests = (left.requests + waited * self.rate).min(most);
        left.at = now;
        if left.requests >= 1.0 {
            left.requests -= 1.0;
            None
        } else {
            Some(1)
        }
    }
}

#[cfg(test)]
#[path = "../../tests/unit/rate.rs"]
mod tests;
