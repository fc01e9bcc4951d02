//! When an event happened, and when it was received.

use countersign_model::Timestamp;

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
pub(super) fn when(record: &Record<'_>) -> Result<When, Fault> {
    let stamped = utc(record.timestamp);
    let offset = offset(stamped, record.received);
    let local = zoned(record.event_time).or_else(|| Some(utc(record.event_time)?.plus_micros(offset?)));
    let time = utc(record.time_created).or(local).or(stamped).ok_or_else(|| missing(record))?;
    // Where the stamp is the event's own time it is no receipt.
    let received = record
        .receipt_time
        .time()
        .or_else(|| zoned(record.read))
        .or(stamped)
        .or_else(|| zoned(record.received))
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
                     `@timestamp` beside it, or a time in `@timestamp`, got `{got}`"
                ),
            )
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn times(members: &str) -> String {
        let raw = format!("{{{members}}}");
        let record = Record::of(&raw).map_err(|fault| fault.detail).unwrap();
        match when(&record) {
            Ok(when) => {
                format!("{}, received {}", when.time, when.received.map_or("-".into(), |time| time.to_string()))
            }
            Err(fault) => fault.reason.code().to_owned(),
        }
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
