//! Time zones: what local times without a zone are converted by.

use std::fmt;
use std::str::FromStr;

use jiff::civil::DateTime;
use jiff::tz::{self, Offset};

use crate::Timestamp;

/// A time zone: by its name in the IANA database, such as `Europe/Berlin`, or an offset from UTC, such as `+02:00`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TimeZone(tz::TimeZone);

/// Text that names no time zone.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected a time zone such as `Europe/Berlin`, or an offset such as `+02:00`, got `{0}`")]
pub struct TimeZoneError(String);

impl TimeZone {
    /// The point in time of a local date and time. One that comes twice when clocks are set back is taken for the first,
    /// one that is left out when they are set forward for as much later.
    #[must_use]
    pub fn local(&self, text: &str) -> Option<Timestamp> {
        let time: DateTime = text.parse().ok()?;
        let timestamp = self.0.to_ambiguous_zoned_datetime(time).compatible().ok()?.timestamp();
        Some(Timestamp(timestamp.as_microsecond()))
    }
}

impl FromStr for TimeZone {
    type Err = TimeZoneError;

    fn from_str(text: &str) -> Result<TimeZone, TimeZoneError> {
        let zone = if text == "UTC" || text == "Z" {
            Some(tz::TimeZone::UTC)
        } else if text.starts_with(['+', '-']) {
            offset(text).map(tz::TimeZone::fixed)
        } else {
            tz::TimeZone::get(text).ok()
        };
        zone.map(TimeZone).ok_or_else(|| TimeZoneError(text.to_owned()))
    }
}

/// An offset `+HH:MM` or `-HH:MM`.
fn offset(text: &str) -> Option<Offset> {
    let (sign, rest) = text.split_at_checked(1)?;
    let (hours, minutes) = rest.split_once(':')?;
    let number = |part: &str| part.parse::<i32>().ok().filter(|_| part.len() == 2 && !part.starts_with(['+', '-']));
    let (hours, minutes) = (number(hours)?, number(minutes)?);
    let seconds = (hours * 60 + minutes) * 60;
    (hours <= 14 && minutes < 60).then(|| Offset::from_seconds(if sign == "-" { -seconds } else { seconds }).ok())?
}

impl fmt::Display for TimeZone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.iana_name() {
            Some(name) => f.write_str(name),
            None => write!(f, "{}", self.0.to_offset(jiff::Timestamp::UNIX_EPOCH)),
        }
    }
}

#[cfg(test)]
#[path = "../tests/unit/zone.rs"]
mod tests;
