//! What is usual of a source, by counts of ten minutes.

use super::*;

/// So many records in each span of so many days before a span.
fn steady(days: i64, before: i64, records: u64) -> Volume {
    let mut volume = Volume::default();
    (before - days * DAY..before).for_each(|span| volume.add(span, records));
    volume
}

#[test]
fn usual_is_what_comes_in_the_same_hour_of_most_days() {
    let now = 1_000_000;
    assert_eq!(steady(7, now, 10).usual(now), Some(60));
    assert_eq!(steady(7, now, 10).hour(now), 60);
    // Two days and a part say nothing yet.
    assert_eq!(steady(3, now, 10).usual(now), None);
    assert_eq!(steady(4, now, 10).usual(now), Some(60));
    assert_eq!(Volume::default().usual(now), None);
}

#[test]
fn one_odd_day_changes_nothing() {
    let now = 1_000_000;
    let mut volume = steady(7, now, 10);
    (now - 2 * DAY..now - DAY).for_each(|span| volume.add(span, 10_000));
    assert_eq!(volume.usual(now), Some(60));
}

#[test]
fn what_is_quiet_at_this_hour_or_for_hours_is_usual() {
    let now = 1_000_000;
    // At night nothing comes on any day, whatever came in the evening.
    let mut nights = Volume::default();
    (now - 7 * DAY..now).filter(|span| (now - span) % DAY > 8).for_each(|span| nights.add(span, 10));
    assert_eq!(nights.usual(now), Some(0));
    // A holiday has been quiet for hours.
    let mut holiday = Volume::default();
    (now - 7 * DAY..now - 5 * HOUR).for_each(|span| holiday.add(span, 10));
    assert_eq!(holiday.usual(now), Some(0));
}

#[test]
fn what_is_too_old_is_forgotten() {
    let now = 1_000_000;
    let mut volume = steady(20, now, 10);
    let usual = volume.usual(now);
    volume.forget(now);
    assert_eq!(volume.usual(now), usual);
    assert!(volume.counts.len() as i64 <= KEPT / SPAN, "{}", volume.counts.len());
}
