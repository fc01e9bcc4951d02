//! The host's time: never goes back, and never stands still, whatever the system's clock does.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use countersign_model::Timestamp;
use countersign_model::time::format_duration;

/// A step of the clock that is worth a warning, microseconds: a minute.
const STEP: i64 = 60_000_000;

/// A clock that is further ahead, microseconds, isn't believed at once: an hour.
const FAR: i64 = 3_600_000_000;

/// How long it has to stay there.
const CONFIRMED: Duration = Duration::from_secs(600);

/// The host's time. A clone is the same.
///
/// A system's clock that is far ahead is followed only once it has been there for ten minutes: arrivals, and what is kept by
/// them, can't be taken back.
///
/// While the system's clock is behind what was said before, since it was set back or an earlier process had another one, this
/// one goes on at half its pace: what waits for time to pass doesn't wait for a day, and the clocks meet again.
#[derive(Clone)]
pub struct HostClock(Arc<Inner>);

struct Inner {
    clock: fn() -> Timestamp,
    state: Mutex<State>,
}

struct State {
    said: Timestamp,
    at: Instant,
    /// What the system's clock showed then.
    shown: Timestamp,
    /// Since when it is far ahead.
    far_since: Option<Instant>,
}

impl HostClock {
    /// Goes on after a time, by the system's clock.
    #[must_use]
    pub fn after(time: Timestamp, clock: fn() -> Timestamp) -> HostClock {
        let shown = clock();
        let state = State { said: shown.max(time), at: Instant::now(), shown, far_since: None };
        HostClock(Arc::new(Inner { clock, state: Mutex::new(state) }))
    }

    /// The time now.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        let mut state = self.0.state.lock().unwrap_or_else(PoisonError::into_inner);
        let (shown, at) = ((self.0.clock)(), Instant::now());
        let passed = i64::try_from(at.duration_since(state.at).as_micros()).unwrap_or(i64::MAX);
        let step = shown.micros_since(state.shown).saturating_sub(passed);
        if step.saturating_abs() >= STEP {
            let (way, by) = (if step > 0 { "forward" } else { "back" }, format_duration(step.saturating_abs()));
            tracing::warn!("the system's clock was set {way} by {by}: the host's time never goes back");
        }
        let far = shown.micros_since(state.said.plus_micros(passed)) > FAR;
        let far_since = far.then(|| state.far_since.unwrap_or(at));
        let said = if shown < state.said {
            state.said.plus_micros(passed / 2)
        } else if far_since.is_some_and(|since| at.duration_since(since) < CONFIRMED) {
            state.said.plus_micros(passed)
        } else {
            shown
        };
        *state = State { said, at, shown, far_since: far_since.filter(|_| said != shown) };
        said
    }
}

impl fmt::Debug for HostClock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("HostClock")
    }
}
