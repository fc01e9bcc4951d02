//! The rule over rows: what it finds, what it leaves alone, and what it remembers. The host's part is to let timers
//! fire; here they are rows like others.

use countersign_sdk::testing::{Bench, Found, Row, row, time};

use super::*;

const KEY: &str = "okta:example:00u1";

fn change(code: &str, seconds: i64) -> Row {
    let at = time("2026-03-04T08:00:00Z") + Duration::from_secs(seconds);
    let row = row().key(KEY).at_time(at).metadata_event_code(code).user_uid("00u1").user_name("anna@example.test");
    row.actor_user_uid("00uadmin").actor_user_name("help.desk@example.test")
}

fn own(row: Row) -> Row {
    row.actor_user_uid("00u1").actor_user_name("anna@example.test")
}

/// The timer of a row, at its time.
fn fires(row: Row, seconds: i64) -> Row {
    let at = time("2026-03-04T08:00:00Z") + Duration::from_secs(seconds);
    row.at_time(at).timer("nobody-enrolled")
}

/// What was found, and the timers that were set: the row, and when it is due after 08:00, in seconds.
fn judged(rows: &[Row]) -> (Vec<Found>, Vec<(usize, Option<i64>)>) {
    let start = time("2026-03-04T08:00:00Z");
    let mut whole = Bench::<Rule>::new();
    let found = whole.feed(rows);
    for size in [1, 2, 3] {
        let mut split = Bench::<Rule>::new().batch_size(size);
        assert_eq!(split.feed(rows), found, "batches of {size}");
        assert_eq!(split.timers(), whole.timers(), "batches of {size}");
        assert_eq!(split.blob(0, KEY), whole.blob(0, KEY), "batches of {size}");
    }
    let timers = whole.timers().iter().map(|(row, _, at)| (*row, at.map(|at| (at - start).as_secs()))).collect();
    (found, timers)
}

#[track_caller]
fn check(rows: &[Row], found: &[(usize, u8)], timers: &[(usize, Option<i64>)]) {
    let (got, set) = judged(rows);
    assert_eq!(got.iter().map(|one| (one.row, one.confidence)).collect::<Vec<_>>(), found, "{got:#?}");
    assert_eq!(set, timers);
}

#[test]
fn a_reset_that_nobody_answers_is_found() {
    let rows = [change(RESET_ALL, 0), fires(change(RESET_ALL, 0), 600)];
    let (found, timers) = judged(&rows);
    let [finding] = found.as_slice() else { panic!("{found:#?}") };
    assert_eq!(timers, [(0, Some(600))]);
    assert_eq!((finding.row, finding.class, finding.confidence), (1, SignalClass::Credential, 65));
    assert_eq!((finding.about, finding.severity, finding.evidence.as_slice()), (Role::Target, Severity::Medium, &[0][..]));
    assert_eq!(finding.techniques, ["T1556.006", "T1098.005"]);
    assert_eq!(
        finding.message,
        "all second factors of anna@example.test were reset by help.desk@example.test, and none was enrolled within 10m"
    );
}

#[test]
fn an_enrolment_in_time_ends_the_waiting() {
    check(&[change(RESET_ALL, 0), own(change(ACTIVATED, 240))], &[], &[(0, Some(600)), (1, None)]);
    check(&[change(SUSPENDED, 0), change(UNSUSPENDED, 5)], &[], &[(0, Some(600)), (1, None)]);
    // A timer that fires all the same finds nobody waiting.
    check(&[change(RESET_ALL, 0), change(ACTIVATED, 9), fires(change(RESET_ALL, 0), 600)], &[], &[(0, Some(600)), (1, None)]);
}

#[test]
fn what_was_done_and_by_whom_weighs() {
    for (row, confidence, told) in [
        (change(RESET_ALL, 0), 65, "all second factors of anna@example.test were reset by help.desk@example.test,"),
        (own(change(RESET_ALL, 0)), 55, "all second factors of anna@example.test were reset by its owner,"),
        (change(DEACTIVATED, 0), 55, "a second factor of anna@example.test was taken away by help.desk@example.test,"),
        (change(SUSPENDED, 0), 55, "a second factor of anna@example.test was suspended by help.desk@example.test,"),
        (own(change(DEACTIVATED, 0)), 45, "a second factor of anna@example.test was taken away by its owner,"),
    ] {
        let (found, _) = judged(&[row.clone(), fires(row, 600)]);
        assert_eq!(found[0].confidence, confidence);
        assert!(found[0].message.starts_with(told), "{}", found[0].message);
    }
}

#[test]
fn resetting_again_puts_nothing_off() {
    let (weak, strong) = (own(change(DEACTIVATED, 0)), change(RESET_ALL, 300));
    check(
        &[weak.clone(), strong.clone(), own(change(DEACTIVATED, 500)), fires(strong, 600)],
        &[(3, 65)],
        &[(0, Some(600)), (1, Some(600))],
    );
    check(&[change(RESET_ALL, 0), change(RESET_ALL, 599), fires(change(RESET_ALL, 0), 600)], &[(2, 65)], &[(0, Some(600))]);
}

#[test]
fn an_enrolment_that_is_delivered_first_counts() {
    check(&[change(ACTIVATED, 60), change(RESET_ALL, 0).late()], &[], &[]);
    // One from before the reset doesn't.
    check(&[change(ACTIVATED, -60), change(RESET_ALL, 0)], &[], &[(1, Some(600))]);
    check(&[change(RESET_ALL, 0), change(ACTIVATED, -60).late()], &[], &[(0, Some(600))]);
    // A reset that is delivered late moves the timer to where it belongs.
    check(&[change(RESET_ALL, 100), change(RESET_ALL, 0).late()], &[], &[(0, Some(700)), (1, Some(600))]);
}

#[test]
fn each_reset_is_found_once_and_the_next_again() {
    let late = |row: Row, seconds: i64| row.at_time(time("2026-03-04T08:00:00Z") + Duration::from_secs(seconds));
    let rows = [
        change(RESET_ALL, 0),
        fires(change(RESET_ALL, 0), 600),
        fires(change(RESET_ALL, 0), 660),
        late(change(RESET_ALL, 0), 3_600),
        fires(change(RESET_ALL, 0), 4_200),
    ];
    check(&rows, &[(1, 65), (4, 65)], &[(0, Some(600)), (3, Some(4_200))]);
}

#[test]
fn an_account_that_the_record_does_not_tell_has_no_timer() {
    let nobody = row().metadata_event_code(RESET_ALL);
    let mut bench = Bench::<Rule>::new();
    assert_eq!(bench.feed(&[nobody]), []);
    assert_eq!((bench.timers().len(), bench.diagnostics().len()), (0, 1));
}

#[test]
fn the_layout_of_state_is_that_of_its_version() {
    // State outlives the rule: another size or order of its parts needs another version of the slot, and a migration.
    let mut bench = Bench::<Rule>::new();
    bench.feed(&[change(RESET_ALL, 0)]);
    assert_eq!(bench.blob(0, KEY).map(<[u8]>::len), Some(17));
}
