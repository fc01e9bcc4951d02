//! Points in time and durations: microseconds, since 1970-01-01T00:00:00Z.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Microseconds since 1970-01-01T00:00:00Z (UTC). Prints and parses as RFC 3339.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(pub i64);

/// Text that isn't a point in time.
#[derive(Debug, thiserror::Error)]
#[error("expected an RFC 3339 time such as `2023-07-10T11:42:18Z`, got `{0}`")]
pub struct TimestampError(pub String);

impl Timestamp {
    /// The earliest.
    pub const MIN: Timestamp = Timestamp(i64::MIN);

    /// Microseconds since 1970-01-01T00:00:00Z.
    #[must_use]
    pub const fn micros(self) -> i64 {
        self.0
    }

    /// This much later, saturating.
    #[must_use]
    pub const fn plus_micros(self, micros: i64) -> Timestamp {
        Timestamp(self.0.saturating_add(micros))
    }

    /// How much later this is than `earlier`, microseconds, saturating.
    #[must_use]
    pub const fn micros_since(self, earlier: Timestamp) -> i64 {
        self.0.saturating_sub(earlier.0)
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match jiff::Timestamp::from_microsecond(self.0) {
            Ok(time) => write!(f, "{time}"),
            // Beyond the years that RFC 3339 can write.
            Err(_) => write!(f, "@{}us", self.0),
        }
    }
}

impl FromStr for Timestamp {
    type Err = TimestampError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if let Some(micros) = text.strip_prefix('@').and_then(|rest| rest.strip_suffix("us")) {
            return micros.parse().map(Timestamp).map_err(|_| TimestampError(text.to_owned()));
        }
        text.parse::<jiff::Timestamp>()
            .map(|time| Timestamp(time.as_microsecond()))
            .map_err(|_| TimestampError(text.to_owned()))
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// Parses a duration such as `10m`, `24h`, `1h 30m` or `7d` (days of 24 hours) into microseconds, 0 or more.
pub fn parse_duration(text: &str) -> Result<i64, DurationError> {
    let error = || DurationError(text.to_owned());
    let span: jiff::Span = text.parse().map_err(|_| error())?;
    let span = span.to_duration(jiff::SpanRelativeTo::days_are_24_hours()).map_err(|_| error())?;
    i64::try_from(span.as_micros()).ok().filter(|micros| *micros >= 0).ok_or_else(error)
}

/// Text that isn't a duration.
#[derive(Debug, thiserror::Error)]
#[error("expected a duration such as `10m`, `24h` or `7d`, got `{0}`")]
pub struct DurationError(pub String);

/// Writes a duration of microseconds the way [`parse_duration`] reads it.
#[must_use]
pub fn format_duration(micros: i64) -> String {
    const UNITS: [(i64, &str); 6] =
        [(86_400_000_000, "d"), (3_600_000_000, "h"), (60_000_000, "m"), (1_000_000, "s"), (1_000, "ms"), (1, "us")];
    let mut rest = micros;
    let mut parts = Vec::new();
    for (size, unit) in UNITS {
        if rest >= size {
            parts.push(format!("{}{unit}", rest / size));
            rest %= size;
        }
    }
    if parts.is_empty() { "0s".to_owned() } else { parts.join(" ") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_print_as_they_parse() {
        for text in ["2023-07-10T11:42:18Z", "2023-07-10T11:42:18.000001Z", "1969-12-31T23:59:59Z"] {
            assert_eq!(text.parse::<Timestamp>().unwrap().to_string(), text);
        }
        assert_eq!("2023-07-10T13:42:18+02:00".parse::<Timestamp>().unwrap().to_string(), "2023-07-10T11:42:18Z");
        for extreme in [Timestamp(i64::MIN), Timestamp(i64::MAX)] {
            assert_eq!(extreme.to_string().parse::<Timestamp>().unwrap(), extreme);
        }
        assert!("yesterday".parse::<Timestamp>().is_err());
    }

    #[test]
    fn durations_print_as_they_parse() {
        for (text, micros) in [("10m", 600_000_000), ("1d", 86_400_000_000), ("1h 30m", 5_400_000_000), ("0s", 0)] {
            assert_eq!(parse_duration(text).unwrap(), micros);
            assert_eq!(format_duration(micros), text);
        }
        assert!(parse_duration("-5m").is_err());
        assert!(parse_duration("5").is_err());
    }
}
