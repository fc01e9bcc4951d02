//! The one reader of times: every way in which the shippers of these formats write a point in time.

use std::borrow::Cow;

use countersign_model::{TimeZone, Timestamp};

use crate::json::{Entries, Member, spelled};

/// What a member says about when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Moment {
    /// A point in time: it names its zone, or counts from an epoch.
    Point(Timestamp),
    /// A date and a time of a zone that it doesn't name, as `2026-05-04T10:30:00.5`.
    Local(String),
}

impl Moment {
    /// The point in time; a local time is taken for that of this zone.
    pub(crate) fn in_zone(&self, zone: &TimeZone) -> Option<Timestamp> {
        match self {
            Moment::Point(time) => Some(*time),
            Moment::Local(text) => zone.local(text),
        }
    }

    /// The point in time; a local time is taken for UTC.
    pub(crate) fn utc(&self) -> Option<Timestamp> {
        match self {
            Moment::Point(time) => Some(*time),
            Moment::Local(text) => format!("{text}Z").parse().ok(),
        }
    }

    /// The point in time, unless it is a local time.
    pub(crate) fn point(&self) -> Option<Timestamp> {
        match self {
            Moment::Point(time) => Some(*time),
            Moment::Local(_) => None,
        }
    }
}

/// The forms that are read, for the documentation.
pub(crate) const FORMS: &[[&str; 2]] = &[
    [
        "`2026-05-04T10:30:00.5+02:00`",
        "RFC 3339; also with `,` before the fraction, a space for `T` and before the zone, `/` in the date, the zone as `Z`, `UTC`, `GMT`, `+0200` or `+02`, without seconds",
    ],
    ["`2026-05-04 10:30:00`", "local time: each format says of which zone"],
    [
        "`1777883400`, `1777883400.5`, `1777883400500`, …",
        "seconds, milliseconds, microseconds or nanoseconds since 1970, recognised by their size, which is unambiguous from 1973 on; a number or a text",
    ],
    ["`133600000000000000`", "units of 100 ns since 1601 (`FILETIME`), 1950 to 2234"],
    ["`639100000000000000`", "units of 100 ns since the year 1 (.NET ticks), 1965 to 2155"],
    ["`/Date(1777883400500)/`", "milliseconds since 1970"],
    ["`{\"$date\": …}`, `{\"value\": …}`", "any of the others"],
];

/// When, in any of the forms; none of anything else.
pub(crate) fn moment(member: Member<'_>) -> Option<Moment> {
    if let Some(inner) = wrapped(member) {
        return moment_of(&word(inner)?);
    }
    moment_of(&word(member)?)
}

/// The same where the format defines that a time without a zone is UTC.
pub(crate) fn utc(member: Member<'_>) -> Option<Timestamp> {
    moment(member)?.utc()
}

/// The same where the format defines that a number counts milliseconds, which then may be of any size.
pub(crate) fn utc_or_milliseconds(member: Member<'_>) -> Option<Timestamp> {
    utc(member).or_else(|| timestamp(scaled(&word(member)?, 3)?))
}

/// The member that an object wraps a time in: MongoDB's and PowerShell's serializers do.
fn wrapped(member: Member<'_>) -> Option<Member<'_>> {
    member.json().filter(|json| json.starts_with('{'))?;
    let entries: Entries<'_> = member.members();
    let known = ["$date", "value", "$numberLong"];
    let found = entries.all.into_iter().find(|(name, _)| known.contains(&spelled(name, &known)));
    let (_, json) = found?;
    let inner = Member::new(json);
    // `{"$date": {"$numberLong": "…"}}`.
    Some(wrapped(inner).unwrap_or(inner))
}

/// A text without the spaces around it, or a number as it is written.
fn word(member: Member<'_>) -> Option<Cow<'_, str>> {
    member.word()
}

fn moment_of(text: &str) -> Option<Moment> {
    let text = text.trim();
    if let Some(inner) = text.strip_prefix("/Date(").and_then(|rest| rest.strip_suffix(")/")) {
        // The offset after it is for display: the milliseconds are UTC.
        let digits = inner.get(1..).and_then(|rest| rest.find(['+', '-'])).map_or(inner, |at| inner.split_at(at + 1).0);
        return timestamp(scaled(digits, 3)?).map(Moment::Point);
    }
    if let Some(time) = counted(text) {
        return Some(Moment::Point(time));
    }
    dated(text).or_else(|| {
        // What is left of RFC 3339 and its relatives, such as `20260504T103000Z`.
        let begins = text.starts_with(|first: char| first.is_ascii_digit());
        text.parse().ok().filter(|_| begins).map(Moment::Point)
    })
}

/// Units since an epoch, by the size of the number.
fn counted(text: &str) -> Option<Timestamp> {
    /// The sizes that tell the unit, and the powers of ten by which it becomes microseconds. Seconds of 1973 to 5138 are as
    /// many digits as no other unit's of these years.
    const UNITS: &[(i128, i128, i32)] = &[
        (100_000_000, 100_000_000_000, 6),
        (100_000_000_000, 100_000_000_000_000, 3),
        (100_000_000_000_000, 100_000_000_000_000_000, 0),
        (800_000_000_000_000_000, 10_000_000_000_000_000_000, -3),
    ];
    /// Units of 100 ns: sizes, and microseconds from their epoch to 1970.
    const HUNDREDS: &[(i128, i128, i128)] = &[
        (110_000_000_000_000_000, 200_000_000_000_000_000, 11_644_473_600_000_000),
        (620_000_000_000_000_000, 680_000_000_000_000_000, 62_135_596_800_000_000),
    ];
    let whole = scaled(text, 0)?;
    if let Some((.., power)) = UNITS.iter().find(|(from, to, _)| (*from..*to).contains(&whole)) {
        return timestamp(scaled(text, *power)?);
    }
    let (.., epoch) = HUNDREDS.iter().find(|(from, to, _)| (*from..*to).contains(&whole))?;
    timestamp(scaled(text, -1)? - epoch)
}

/// The longest text of a number that is a time.
const MAX_DIGITS: usize = 40;

/// A decimal number times a power of ten, without what is left after the point; exact, which a float isn't.
fn scaled(text: &str, power: i32) -> Option<i128> {
    if text.len() > MAX_DIGITS {
        return None;
    }
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent.parse::<i32>().ok()?),
        None => (text, 0),
    };
    let (negative, mantissa) = mantissa.strip_prefix('-').map_or((false, mantissa), |rest| (true, rest));
    let (whole, fraction) = mantissa.split_once(['.', ',']).unwrap_or((mantissa, ""));
    let are_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || !are_digits(whole) || !are_digits(fraction) {
        return None;
    }
    let digits: i128 = format!("{whole}{fraction}").parse().ok()?;
    let places = exponent.checked_sub(i32::try_from(fraction.len()).ok()?)?.checked_add(power)?;
    let factor = 10i128.checked_pow(places.unsigned_abs())?;
    let scaled = if places < 0 { digits / factor } else { digits.checked_mul(factor)? };
    Some(if negative { -scaled } else { scaled })
}

fn timestamp(micros: i128) -> Option<Timestamp> {
    i64::try_from(micros).ok().map(Timestamp)
}

/// A date, a time, and perhaps a zone.
fn dated(text: &str) -> Option<Moment> {
    let (date, rest) = text.split_at_checked(10)?;
    let date = date.replace('/', "-");
    let mut parts = date.split('-');
    let mut number = |length: usize| {
        parts.next().filter(|part| part.len() == length && part.bytes().all(|byte| byte.is_ascii_digit())).is_some()
    };
    if !(number(4) && number(2) && number(2)) {
        return None;
    }
    let rest = rest.strip_prefix(['T', 't']).unwrap_or(rest.trim_start());
    let end = rest.find(|c: char| !(c.is_ascii_digit() || matches!(c, ':' | '.' | ','))).unwrap_or(rest.len());
    let (clock, zone) = rest.split_at_checked(end)?;
    let (clock, fraction) = clock.split_once(['.', ',']).unwrap_or((clock, ""));
    let seconds = if clock.len() == "10:30".len() { ":00" } else { "" };
    // Digits after the ninth are beyond what any parser keeps.
    let fraction = fraction.get(..fraction.len().min(9))?;
    let point = if fraction.is_empty() { "" } else { "." };
    let local = format!("{date}T{clock}{seconds}{point}{fraction}");
    match offset(zone.trim())? {
        None => Some(Moment::Local(local)).filter(|moment| moment.utc().is_some()),
        Some(offset) => format!("{local}{offset}").parse().ok().map(Moment::Point),
    }
}

/// The offset of a zone as RFC 3339 has it; none without a zone. No answer to what is no zone.
#[expect(clippy::option_option, reason = "no zone is an answer, and no answer another")]
fn offset(zone: &str) -> Option<Option<String>> {
    match zone {
        "" => return Some(None),
        "Z" | "z" | "UTC" | "GMT" | "utc" => return Some(Some("Z".to_owned())),
        _ => {}
    }
    // The abbreviation after an offset says nothing more: `+0200 CEST`, as Go writes it.
    let (zone, _) = zone.split_once(' ').unwrap_or((zone, ""));
    let (sign, digits) = zone.split_at_checked(1).filter(|(sign, _)| matches!(*sign, "+" | "-"))?;
    let digits: String = digits.chars().filter(|digit| *digit != ':').collect();
    let (hours, minutes) = match digits.len() {
        2 => (&*digits, "00"),
        4 => digits.split_at_checked(2)?,
        _ => return None,
    };
    Some(Some(format!("{sign}{hours}:{minutes}")))
}

#[cfg(test)]
#[path = "../tests/unit/times.rs"]
mod tests;
