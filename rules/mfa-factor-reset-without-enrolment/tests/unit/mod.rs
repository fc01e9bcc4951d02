//! The rule over rows: what it finds, what it leaves alone, and what it remembers.

use countersign_sdk::testing::{Harness, Reported, Row, check_state_size, row, time};

use super::*;

const KEY: &str = "okta:example:00u1";

fn at(seconds: i64) -> Timestamp {
    time("2026-03-04T08:00:00Z") + Duration::from_secs(seconds)
}

fn change(code: &str, seconds: i64) -> Row {
    let row =
        row().key(KEY).at_time(at(seconds)).metadata_event_code(code).user_uid("00u1").user_name("anna@example.test");
    row.actor_user_uid("00uadmin").actor_user_name("help.desk@example.test")
}

fn own(row: Row) -> Row {
    row.actor_user_uid("00u1").actor_user_name("anna@example.test")
}

/// The findings while these rows come, and then while time passes until so many seconds after 08:00; timers' rows are
/// counted too.
fn found(rows: &[Row], until: i64) -> Vec<Reported> {
    let mut harness = Harness::<Rule>::new();
    let mut found = harness.feed(rows);
    found.extend(harness.advance_to(at(until)));
    found
}

/// Expects no finding one second before a time, given in seconds after 08:00, and one of this confidence at it.
#[track_caller]
fn check(rows: &[Row], due: i64, expected: Option<u8>) {
    assert_eq!(found(rows, due - 1), []);
    let found = found(rows, due);
    assert_eq!(found.iter().map(|one| one.confidence).collect::<Vec<_>>(), expected.as_slice(), "{found:#?}");
}

#[test]
fn a_reset_without_enrolment_is_found() {
    let rows = [change(RESET_ALL, 0)];
    check(&rows, 600, Some(65));
    let found = found(&rows, 3_600);
    let [finding] = found.as_slice() else { panic!("{found:#?}") };
    assert_eq!(
        (finding.class, finding.about, finding.severity),
        (SignalClass::Credential, Role::Target, Severity::Medium)
    );
    assert_eq!(finding.techniques, ["T1556.006", "T1098.005"]);
    assert_eq!(
        finding.message,
        "all second factors of anna@example.test were reset by help.desk@example.test, and none was enrolled within 10m"
    );
}

#[test]
fn an_enrolment_in_time_ends_the_waiting() {
    check(&[change(RESET_ALL, 0), own(change(ACTIVATED, 240))], 10_000, None);
    check(&[change(RESET_ALL, 0), own(change(ACTIVATED, 600))], 10_000, None);
    check(&[change(SUSPENDED, 0), change(UNSUSPENDED, 5)], 10_000, None);
    // Only this account's.
    check(&[change(RESET_ALL, 0), change(ACTIVATED, 5).key("okta:example:00u2")], 600, Some(65));
}

#[test]
fn what_was_done_and_by_whom_weighs() {
    for (row, confidence, start) in [
        (change(RESET_ALL, 0), 65, "all second factors of anna@example.test were reset by help.desk@example.test,"),
        (own(change(RESET_ALL, 0)), 55, "all second factors of anna@example.test were reset by its owner,"),
        (change(DEACTIVATED, 0), 55, "a second factor of anna@example.test was taken away by help.desk@example.test,"),
        (change(SUSPENDED, 0), 55, "a second factor of anna@example.test was suspended by help.desk@example.test,"),
        (own(change(DEACTIVATED, 0)), 45, "a second factor of anna@example.test was taken away by its owner,"),
    ] {
        check(std::slice::from_ref(&row), 600, Some(confidence));
        let message = &found(&[row], 600)[0].message;
        assert!(message.starts_with(start), "{message}");
    }
}

#[test]
fn resetting_again_delays_nothing() {
    check(&[change(RESET_ALL, 0), change(RESET_ALL, 599)], 600, Some(65));
    // The strongest is reported, as if it had been the first.
    let rows = [own(change(DEACTIVATED, 0)), change(RESET_ALL, 300), own(change(DEACTIVATED, 500))];
    check(&rows, 600, Some(65));
    assert!(found(&rows, 600)[0].message.starts_with("all second factors"));
}

#[test]
fn an_enrolment_that_is_delivered_first_counts() {
    check(&[change(ACTIVATED, 60), change(RESET_ALL, 0).late()], 10_000, None);
    // One from before the reset doesn't.
    check(&[change(ACTIVATED, -60), change(RESET_ALL, 0)], 600, Some(65));
    check(&[change(RESET_ALL, 0), change(ACTIVATED, -60).late()], 600, Some(65));
    // A reset that is delivered late moves the timer to where it belongs.
    check(&[change(RESET_ALL, 100), change(RESET_ALL, 0).late()], 600, Some(65));
}

#[test]
fn each_reset_is_found_once_and_the_next_again() {
    let mut harness = Harness::<Rule>::new();
    for start in [0, 3_600, 90_000] {
        assert_eq!(harness.feed(&[change(RESET_ALL, start)]), []);
        assert_eq!(harness.advance_to(at(start + 599)), []);
        assert_eq!(harness.advance_to(at(start + 3_000)).len(), 1, "{start}");
    }
}

#[test]
fn the_operator_sets_how_long_an_enrolment_may_take() {
    let mut harness = Harness::<Rule>::new().set("enrolment", Duration::from_secs(7_200));
    harness.feed(&[change(RESET_ALL, 0)]);
    assert_eq!((harness.advance_to(at(7_199)).len(), harness.advance_to(at(7_200)).len()), (0, 1));
}

#[test]
fn an_account_that_the_record_does_not_name_has_no_timer() {
    let unkeyed = row().at_time(at(0)).metadata_event_code(RESET_ALL);
    let mut harness = Harness::<Rule>::new();
    assert_eq!(harness.feed(&[unkeyed]), []);
    assert_eq!((harness.timers().len(), harness.diagnostics().len()), (0, 1));
}

#[test]
fn the_layout_of_state_is_that_of_its_version() {
    check_state_size::<Rule>(&[change(RESET_ALL, 0)], KEY, 18);
}
