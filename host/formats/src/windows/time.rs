//! When an event happened, and when it was received.

use countersign_model::{TimeZone, Timestamp};

use super::record::Record;
use crate::json::Member;
use crate::normalise::{Certainty, receipt_time};
use crate::times::{Moment, moment};
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
    [
        "`EventTime` without any of this",
        "UTC, **uncertain** by up to 14 hours: what it leads to is a challenge at most",
    ],
];

/// When.
pub(super) struct When {
    pub(super) time: Timestamp,
    pub(super) certainty: Certainty,
    pub(super) received: Option<Timestamp>,
}

/// When the event of a record happened and was received.
///
/// # Errors
/// When no member has the time of the event.
pub(super) fn when(record: &Record<'_>, zone: Option<&TimeZone>) -> Result<When, Fault> {
    let envelope = receipt_time(record.receipt_time);
    let (event, received) = (moment(record.event_time), moment(record.received));
    let stamped = moment(record.timestamp).and_then(|moment| moment.utc());
    let point = |moment: &Option<Moment>| moment.as_ref().and_then(Moment::point);
    let in_zone = |moment: &Option<Moment>| zone.and_then(|zone| moment.as_ref()?.in_zone(zone));
    let local = |moment: &Option<Moment>| moment.as_ref().and_then(Moment::utc);
    let by_offset = || Some(local(&event)?.plus_micros(offset(stamped, received.as_ref())?));
    let created = moment(record.time_created).and_then(|moment| moment.utc());
    let stamp = || moment(record.stamp)?.point();
    let own = created.or_else(|| point(&event)).or_else(|| in_zone(&event)).or_else(by_offset);
    let certain = own.or(stamped).or_else(stamp);
    let Some(time) = certain else {
        // Local time of a zone that nobody says.
        let time = local(&event).ok_or_else(|| missing(record))?;
        return Ok(When { time, certainty: Certainty::Uncertain, received: envelope });
    };
    // Where the stamp is the event's own time it is no receipt.
    let received = envelope
        .or_else(|| moment(record.read)?.point())
        .or(stamped)
        .or_else(|| point(&received))
        .or_else(|| in_zone(&received))
        .filter(|received| *received > time || envelope.is_some());
    Ok(When { time, certainty: Certainty::Certain, received })
}

/// How far UTC is from the collector's local time, microseconds: as far as its stamp in UTC is from the same moment in local
/// time.
fn offset(stamped: Option<Timestamp>, received: Option<&Moment>) -> Option<i64> {
    let received = received.filter(|received| received.point().is_none())?;
    let apart = stamped?.micros_since(received.utc()?);
    let quarters = apart.saturating_add(QUARTER / 2).div_euclid(QUARTER);
    (quarters.abs() <= MAX_OFFSET).then_some(quarters * QUARTER)
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
                format!("expected a time in `TimeCreated`, `EventTime` or `@timestamp`, got `{got}`"),
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
                let certainty = if when.certainty == Certainty::Certain { "" } else { " uncertain" };
                let received = when.received.map_or("-".into(), |time| time.to_string());
                format!("{}{certainty}, received {received}", when.time)
            }
            Err(fault) => fault.reason.code().to_owned(),
        }
    }

    #[test]
    fn local_times_are_those_of_the_sources_zone() {
        let local = r#""EventTime":"2026-05-04 10:30:00","EventReceivedTime":"2026-05-04 10:30:01""#;
        assert_eq!(times(local), "2026-05-04T10:30:00Z uncertain, received -");
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
            (r#""EventTime":"2020-09-04 03:08:14""#, "2020-09-04T03:08:14Z uncertain, received -"),
            (
                r#""EventTime":"2020-09-04 03:08:14","countersign.ingestTime":"2020-09-04T07:08:10Z""#,
                "2020-09-04T03:08:14Z uncertain, received 2020-09-04T07:08:10Z",
            ),
            (
                r#""EventTime":1599203294,"EventReceivedTime":1599203295"#,
                "2020-09-04T07:08:14Z, received 2020-09-04T07:08:15Z",
            ),
            (r#""TimeCreated":{"SystemTime":1599203294.5}"#, "2020-09-04T07:08:14.5Z, received -"),
            (r#""EventTime":"nonsense""#, "event-time-invalid"),
            (r#""EventTime":"nonsense","_time":1599203294.5"#, "2020-09-04T07:08:14.5Z, received -"),
            (r#""timestamp":"2020-09-04 03:08:14""#, "event-time-missing"),
            (r#""TimeCreated":5"#, "event-time-invalid"),
            (r#""TimeCreated":"""#, "event-time-invalid"),
            (r#""x":1"#, "event-time-missing"),
        ] {
            assert_eq!(times(members), expected, "{members}");
        }
    }
}
