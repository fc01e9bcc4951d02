//! When an event happened, and when it was received.

use countersign_model::{TimeZone, Timestamp};

use super::record::{Record, trimmed};
use crate::json::Member;
use crate::{DeadReason, Fault};

/// Time zones lie on quarters of an hour.
const QUARTER: i64 = 15 * 60 * 1_000_000;

/// The greatest offset of a zone from UTC, quarters of an hour.
const MAX_OFFSET: i64 = 14 * 4;

/// What stands for an event's time, for the documentation: the first that there is.
pub(super) const TIMES: &[[&str; 2]] = &[
    ["`TimeCreated`", "UTC, also where it names no zone"],
    ["`EventTime` with a zone", "as it is"],
    ["`EventTime` without, from a source with `time-zone`", "local time of that zone"],
    [
        "`EventTime` without",
        "local time of the collector, as far from UTC as `@timestamp` is from `EventReceivedTime`, to a quarter of an hour",
    ],
    ["`@timestamp`", "the collector's time; Winlogbeat writes the event's own time here"],
];

/// When.
pub(super) struct When {
    pub(super) time: Timestamp,
    pub(super) received: Option<Timestamp>,
}

/// When the event of a record happened and was received.
///
/// # Errors
/// When no member has the time of the event.
pub(super) fn when(record: &Record<'_>, zone: Option<&TimeZone>) -> Result<When, Fault> {
    let stamped = utc(record.timestamp);
    let offset = offset(stamped, record.received);
    let in_zone = |member| zone.and_then(|zone| zone.local(&trimmed(member)?));
    let by_offset = || Some(utc(record.event_time)?.plus_micros(offset?));
    let local = zoned(record.event_time).or_else(|| in_zone(record.event_time)).or_else(by_offset);
    let time = utc(record.time_created).or(local).or(stamped).ok_or_else(|| missing(record))?;
    // Where the stamp is the event's own time it is no receipt.
    let received = record
        .receipt_time
        .time()
        .or_else(|| zoned(record.read))
        .or(stamped)
        .or_else(|| zoned(record.received))
        .or_else(|| in_zone(record.received))
        .filter(|received| *received > time || record.receipt_time.time().is_some());
    Ok(When { time, received })
}

/// How far UTC is from the collector's local time, microseconds.
fn offset(stamped: Option<Timestamp>, received: Member<'_>) -> Option<i64> {
    let apart = stamped?.micros_since(utc(received)?);
    let quarters = apart.saturating_add(QUARTER / 2).div_euclid(QUARTER);
    (quarters.abs() <= MAX_OFFSET).then_some(quarters * QUARTER)
}

/// A time that names its zone.
fn zoned(member: Member<'_>) -> Option<Timestamp> {
    member.time()
}

/// A time, of UTC where it names no zone.
fn utc(member: Member<'_>) -> Option<Timestamp> {
    zoned(member).or_else(|| {
        let text = trimmed(member).filter(|text| text.starts_with(|first: char| first.is_ascii_digit()))?;
        format!("{text}Z").parse().ok()
    })
}

fn missing(record: &Record<'_>) -> Fault {
    let members = [record.time_created, record.event_time, record.timestamp];
    match members.into_iter().find_map(Member::json) {
        None => Fault::new(
            DeadReason::EventTimeMissing,
            "expected a time in `TimeCreated`, `EventTime` or `@timestamp`, got none",
        ),
        Some(json) => {
            let got: String = json.chars().take(64).collect();
            Fault::new(
                DeadReason::EventTimeInvalid,
                format!(
                    "expected a time in `TimeCreated`, an `EventTime` with a zone or with `EventReceivedTime` and \
                     `@timestamp` beside it or a source with `time-zone`, or a time in `@timestamp`, got `{got}`"
                ),
            )
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn times(members: &str) -> String {
        times_in(None, members)
    }

    fn times_in(zone: Option<&str>, members: &str) -> String {
        let raw = format!("{{{members}}}");
        let record = Record::of(&raw).map_err(|fault| fault.detail).unwrap();
        match when(&record, zone.map(|zone| zone.parse().unwrap()).as_ref()) {
            Ok(when) => {
                format!("{}, received {}", when.time, when.received.map_or("-".into(), |time| time.to_string()))
            }
            Err(fault) => fault.reason.code().to_owned(),
        }
    }

    #[test]
    fn local_times_are_those_of_the_sources_zone() {
        let local = r#""EventTime":"2026-05-04 10:30:00","EventReceivedTime":"2026-05-04 10:30:01""#;
        assert_eq!(times(local), "event-time-invalid");
        let expected = "2026-05-04T08:30:00Z, received 2026-05-04T08:30:01Z";
        assert_eq!(times_in(Some("Europe/Berlin"), local), expected);
        assert_eq!(times_in(Some("+02:00"), local), expected);
        // A time that names its zone, or is UTC, is taken as it is.
        let own = r#""EventTime":"2026-05-04T10:30:00+04:00""#;
        assert_eq!(times_in(Some("Europe/Berlin"), own), "2026-05-04T06:30:00Z, received -");
        let created = r#""TimeCreated":"2026-05-04 10:30:00","EventTime":"2026-05-04 12:30:00""#;
        assert_eq!(times_in(Some("Europe/Berlin"), created), "2026-05-04T10:30:00Z, received -");
    }

    #[test]
    fn the_time_is_the_events_own_and_the_receipt_the_collectors() {
        for (members, expected) in [
            (r#""TimeCreated":"2020-10-18 02:17:06.119""#, "2020-10-18T02:17:06.119Z, received -"),
            (
                r#""TimeCreated":"2020-10-18T02:17:06Z","@timestamp":"2020-10-18T02:17:06Z""#,
                "2020-10-18T02:17:06Z, received -",
            ),
            (
                r#""@timestamp":"2020-09-04T07:08:15.795Z","EventReceivedTime":"2020-09-04 03:08:15","EventTime":"2020-09-04 03:08:14""#,
                "2020-09-04T07:08:14Z, received 2020-09-04T07:08:15.795Z",
            ),
            // A zone of three quarters, the collector five minutes behind.
            (
                r#""@timestamp":"2020-09-04T00:20:00Z","EventReceivedTime":"2020-09-04 06:00:00","EventTime":"2020-09-04 05:59:00""#,
                "2020-09-04T00:14:00Z, received 2020-09-04T00:20:00Z",
            ),
            (
                r#""EventTime":"2020-09-04T03:08:14-04:00","EventReceivedTime":"2020-09-04T03:08:15-04:00""#,
                "2020-09-04T07:08:14Z, received 2020-09-04T07:08:15Z",
            ),
            (r#""@timestamp":"2020-09-04T07:08:15Z","EventTime":"nonsense""#, "2020-09-04T07:08:15Z, received -"),
            (
                r#""@timestamp":"2020-09-04T07:08:15Z","event":{"created":"2020-09-04T07:08:16Z"}"#,
                "2020-09-04T07:08:15Z, received 2020-09-04T07:08:16Z",
            ),
            (
                r#""TimeCreated":"2020-09-04T07:08:15Z","countersign.ingestTime":"2020-09-04T07:08:10Z""#,
                "2020-09-04T07:08:15Z, received 2020-09-04T07:08:10Z",
            ),
            (r#""EventTime":"2020-09-04 03:08:14""#, "event-time-invalid"),
            (r#""TimeCreated":5"#, "event-time-invalid"),
            (r#""TimeCreated":"""#, "event-time-invalid"),
            (r#""x":1"#, "event-time-missing"),
        ] {
            assert_eq!(times(members), expected, "{members}");
        }
    }
}
