//! Points in time and spans between them, in whole microseconds. A rule has no clock: every time comes from the host.

use core::fmt;
use core::ops::{Add, Sub};

/// Microseconds since 1970-01-01T00:00:00Z (UTC).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

impl Timestamp {
    /// From microseconds since 1970-01-01T00:00:00Z.
    #[must_use]
    pub const fn from_micros(micros: i64) -> Self {
        Timestamp(micros)
    }

    /// Microseconds since 1970-01-01T00:00:00Z.
    #[must_use]
    pub const fn micros(self) -> i64 {
        self.0
    }
}

impl Add<Duration> for Timestamp {
    type Output = Timestamp;

    /// Saturates.
    fn add(self, span: Duration) -> Timestamp {
        Timestamp(self.0.saturating_add(span.0))
    }
}

impl Sub<Duration> for Timestamp {
    type Output = Timestamp;

    /// Saturates.
    fn sub(self, span: Duration) -> Timestamp {
        Timestamp(self.0.saturating_sub(span.0))
    }
}

impl Sub for Timestamp {
    type Output = Duration;

    /// How much later this is than `earlier`; negative if it is earlier. Saturates.
    fn sub(self, earlier: Timestamp) -> Duration {
        Duration(self.0.saturating_sub(earlier.0))
    }
}

/// A span of microseconds. Prints as `1h 30m`, as written in `rule.toml`.
///
/// ```
/// use countersign_sdk::{Duration, Timestamp};
///
/// let span = Timestamp::from_micros(5_400_000_000) - Timestamp::from_micros(0);
/// assert_eq!((span.to_string(), span.as_secs()), ("1h 30m".to_owned(), 5_400));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Duration(i64);

impl Duration {
    /// From microseconds.
    #[must_use]
    pub const fn from_micros(micros: i64) -> Self {
        Duration(micros)
    }

    /// From seconds; saturates.
    #[must_use]
    pub const fn from_secs(seconds: i64) -> Self {
        Duration(seconds.saturating_mul(1_000_000))
    }

    /// Microseconds.
    #[must_use]
    pub const fn micros(self) -> i64 {
        self.0
    }

    /// Whole seconds, rounded towards zero.
    #[must_use]
    pub const fn as_secs(self) -> i64 {
        self.0 / 1_000_000
    }
}

impl fmt::Display for Duration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const UNITS: [(u64, &str); 6] = [
            (86_400_000_000, "d"),
            (3_600_000_000, "h"),
            (60_000_000, "m"),
            (1_000_000, "s"),
            (1_000, "ms"),
            (1, "us"),
        ];
        let mut rest = self.0.unsigned_abs();
        if rest == 0 {
            return f.write_str("0s");
        }
        let mut gap = if self.0 < 0 { "-" } else { "" };
        for (size, unit) in UNITS {
            if rest >= size {
                write!(f, "{gap}{}{unit}", rest / size)?;
                rest %= size;
                gap = " ";
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_print_as_written_in_rule_toml() {
        for (micros, text) in [
            (0, "0s"),
            (300_000_000, "5m"),
            (5_400_000_000, "1h 30m"),
            (-1_000_001, "-1s 1us"),
            (i64::MIN, "-106751991d 4h 54s 775ms 808us"),
        ] {
            assert_eq!(Duration::from_micros(micros).to_string(), text);
        }
    }

    #[test]
    fn arithmetic_stays_within_its_range() {
        let end = Timestamp::from_micros(i64::MAX);
        assert_eq!(end + Duration::from_secs(1), end);
        assert_eq!(Timestamp::from_micros(i64::MIN) - end, Duration::from_micros(i64::MIN));
        assert_eq!(Timestamp::from_micros(5) - Timestamp::from_micros(2), Duration::from_micros(3));
    }
}
