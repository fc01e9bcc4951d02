//! Times as the records write them.

use countersign_model::Timestamp;

/// One second in microseconds.
pub(crate) const SECOND: i64 = 1_000_000;
/// One minute in microseconds.
pub(crate) const MINUTE: i64 = 60 * SECOND;

const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// The same time without its fraction of a second, as records carry it.
pub(crate) fn whole_second(time: Timestamp) -> Timestamp {
    Timestamp(time.micros().div_euclid(SECOND).saturating_mul(SECOND))
}

/// `2026-03-02T08:00:00Z`.
pub(crate) fn format_seconds(time: Timestamp) -> String {
    whole_second(time).to_string()
}

/// `2026-03-02`.
pub(crate) fn format_date(time: Timestamp) -> String {
    format_seconds(time).split('T').next().unwrap_or_default().to_owned()
}

/// `2026-03-02T08:00:00.000Z`.
pub(crate) fn format_millis(time: Timestamp) -> String {
    let seconds = format_seconds(time);
    let millis = time.micros().rem_euclid(SECOND) / 1_000;
    format!("{}.{millis:03}Z", seconds.trim_end_matches('Z'))
}

/// `2026-03-02 08:00:00`: a clock that doesn't say where it hangs.
pub(crate) fn format_local(time: Timestamp) -> String {
    format_seconds(time).trim_end_matches('Z').replace('T', " ")
}

/// `Mar 2, 2026, 8:00:00 AM`, the way responses write times.
pub(crate) fn format_response(time: Timestamp) -> String {
    let Ok(at) = jiff::Timestamp::from_microsecond(time.micros()) else { return format_seconds(time) };
    let at = jiff::tz::Offset::UTC.to_datetime(at);
    let month = MONTHS.get(usize::try_from(at.month() - 1).unwrap_or(0)).copied().unwrap_or("Jan");
    let hour = match at.hour() % 12 {
        0 => 12,
        hour => hour,
    };
    let half = if at.hour() < 12 { "AM" } else { "PM" };
    format!("{month} {}, {}, {hour}:{:02}:{:02} {half}", at.day(), at.year(), at.minute(), at.second())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_as_the_provider_writes_them() {
        let time: Timestamp = "2026-03-02T08:00:00.5Z".parse().unwrap();
        assert_eq!(format_seconds(time), "2026-03-02T08:00:00Z");
        assert_eq!(format_response(time), "Mar 2, 2026, 8:00:00 AM");
        assert_eq!(format_millis(time), "2026-03-02T08:00:00.500Z");
        assert_eq!(format_date(time), "2026-03-02");
        assert_eq!(format_local(time), "2026-03-02 08:00:00");
        assert_eq!(format_response(time.plus_micros(16 * 60 * MINUTE)), "Mar 3, 2026, 12:00:00 AM");
    }
}
