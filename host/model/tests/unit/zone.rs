//! Local times: offsets, summer time, and times that a zone has twice or never.

use super::*;

fn local(zone: &str, text: &str) -> Option<String> {
    zone.parse::<TimeZone>().unwrap().local(text).map(|time| time.to_string())
}

#[test]
fn local_times_follow_the_zone_through_the_year() {
    for (zone, text, utc) in [
        ("Europe/Berlin", "2026-05-04 10:30:00", "2026-05-04T08:30:00Z"),
        ("Europe/Berlin", "2026-01-04T10:30:00.25", "2026-01-04T09:30:00.25Z"),
        ("UTC", "2026-05-04 10:30:00", "2026-05-04T10:30:00Z"),
        ("+05:45", "2026-05-04 10:30:00", "2026-05-04T04:45:00Z"),
        ("-03:30", "2026-05-04 10:30:00", "2026-05-04T14:00:00Z"),
        // Clocks are set back: the first of the two.
        ("Europe/Berlin", "2026-10-25 02:30:00", "2026-10-25T00:30:00Z"),
        // Clocks are set forward: there is no such time.
        ("Europe/Berlin", "2026-03-29 02:30:00", "2026-03-29T01:30:00Z"),
    ] {
        assert_eq!(local(zone, text).as_deref(), Some(utc), "{zone} {text}");
    }
    assert_eq!(local("Europe/Berlin", "nonsense"), None);
}

#[test]
fn what_names_no_zone_is_refused() {
    for text in ["", "Europe/Nowhere", "+2", "+2:00", "+15:00", "+01:60", "+-1:00", "CET+1", "../etc/passwd"] {
        assert!(text.parse::<TimeZone>().is_err(), "{text}");
    }
    let error = "Europe/Berln".parse::<TimeZone>().unwrap_err();
    assert_eq!(
        error.to_string(),
        "expected a time zone such as `Europe/Berlin`, or an offset such as `+02:00`, got `Europe/Berln`"
    );
}
