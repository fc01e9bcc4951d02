//! How long is waited before a log is asked again.

use std::hash::{BuildHasher as _, RandomState};
use std::time::Duration;

/// After an answer with nothing more behind it: six requests a minute, of at least fifty that Okta allows.
const USUAL: Duration = Duration::from_secs(10);

/// The same of a directory, which is on this machine.
const SHORT: Duration = Duration::from_secs(1);

/// After something that a person has to mend.
const SLOW: Duration = Duration::from_secs(300);

/// After the first failure; each one more doubles it.
const FIRST: Duration = Duration::from_secs(2);

/// The longest after failures, and for a limit of requests.
const LONGEST: Duration = Duration::from_secs(300);

/// How long is waited, by what came. A test has shorter ones.
#[derive(Clone, Copy, Debug)]
pub struct Pauses {
    unit: Duration,
}

impl Default for Pauses {
    fn default() -> Pauses {
        Pauses { unit: Duration::from_secs(1) }
    }
}

impl Pauses {
    /// The same where a second takes this long.
    #[must_use]
    pub fn with_second(unit: Duration) -> Pauses {
        Pauses { unit }
    }

    fn scaled(self, pause: Duration) -> Duration {
        self.unit.mul_f64(pause.as_secs_f64())
    }

    pub(crate) fn usual(self) -> Duration {
        self.scaled(USUAL)
    }

    pub(crate) fn short(self) -> Duration {
        self.scaled(SHORT)
    }

    pub(crate) fn slow(self) -> Duration {
        jittered(self.scaled(SLOW))
    }

    /// After so many failures one after another, from 1.
    pub(crate) fn failed(self, failures: u32) -> Duration {
        let doubled = FIRST.saturating_mul(1_u32.checked_shl(failures.saturating_sub(1)).unwrap_or(u32::MAX));
        jittered(self.scaled(doubled.min(LONGEST)))
    }

    /// Until a limit of requests ends, in so many seconds.
    pub(crate) fn limited(self, seconds: u64) -> Duration {
        // Never before the limit ends; not all hosts at once then.
        let until = self.scaled(Duration::from_secs(seconds.max(1)).min(LONGEST));
        until + jittered(self.unit)
    }
}

/// Between half of a pause and the whole: hosts that failed together don't come back together.
fn jittered(pause: Duration) -> Duration {
    let random = RandomState::new().hash_one(0_u8) % 1_000;
    pause.mul_f64(0.5 + f64::from(u32::try_from(random).unwrap_or_default()) / 2_000.0)
}
