//! The rule over rows: what it finds, what it leaves alone, and what it remembers.

use countersign_sdk::testing::{self, Row, check_state_size, findings, only_finding, row};

use super::*;

const KEY: &str = "198.51.100.7";

fn sign_in(account: &str, seconds: i64) -> Row {
    row()
        .key(KEY)
        .at("2026-03-04T08:00:00Z")
        .plus_secs(seconds)
        .src_endpoint_ip(KEY)
        .actor_user_name(account)
        .status_id(1)
}

fn failure(account: &str, seconds: i64) -> Row {
    sign_in(account, seconds).status_id(2).status_detail("INVALID_CREDENTIALS")
}

/// The spray rule's finding on the failure of this account.
fn spray(account: &str, seconds: i64, confidence: u64) -> Row {
    failure(account, seconds)
        .finding()
        .finding_rule("countersign/password-spray")
        .finding_class("sign-in")
        .finding_confidence(confidence)
}

/// Ten accounts fail, and at the last of them the spray is found.
fn sprayed() -> Vec<Row> {
    let mut rows: Vec<Row> = (0..10).map(|number| failure(&format!("user{number}"), number * 10)).collect();
    rows.push(spray("user9", 90, 65));
    rows
}

/// Expects these findings of the rows after a spray: the row, counted from the first after it, and the confidence.
#[track_caller]
fn check(before: &[Row], after: &[Row], expected: &[(usize, u8)]) {
    let rows: Vec<Row> = [before, &sprayed(), after].concat();
    let first = before.len() + sprayed().len();
    let expected: Vec<(usize, u8)> = expected.iter().map(|(row, confidence)| (row + first, *confidence)).collect();
    testing::check::<Rule>(&rows, &expected);
}

#[test]
fn an_account_that_failed_and_then_got_in_is_found() {
    let rows = [sprayed(), vec![sign_in("User3", 150)]].concat();
    let finding = only_finding::<Rule>(&rows);
    assert_eq!((finding.row, finding.class, finding.confidence), (11, SignalClass::SignIn, 85));
    assert_eq!((finding.about, finding.evidence_role), (Role::Actor, None));
    assert_eq!((finding.severity, finding.evidence.as_slice()), (Severity::High, [10].as_slice()));
    assert_eq!(
        finding.message,
        "user3 signed in from 198.51.100.7, where a password spray was found 1m before; its own sign-in failed there 2m \
         before"
    );
}

#[test]
fn without_a_spray_nothing_is_found() {
    let rows: Vec<Row> = sprayed().into_iter().take(10).chain([sign_in("user3", 150)]).collect();
    assert_eq!(findings::<Rule>(&rows), []);
}

#[test]
fn an_account_that_did_not_fail_stays_below_the_floor() {
    check(&[], &[sign_in("guest", 100)], &[(0, 50)]);
    check(&[], &[sign_in("guest", 100), failure("guest", 101), sign_in("guest", 102)], &[(0, 50), (2, 85)]);
}

#[test]
fn an_account_at_home_may_have_mistyped() {
    let home = [sign_in("user3", -86_400), sign_in("guest", -100)];
    check(&home, &[sign_in("guest", 100), sign_in("user3", 101)], &[(1, 65)]);
    // The first guess was right: it signed in amid the failures.
    let mut rows = sprayed();
    rows.insert(4, sign_in("early", 35));
    rows.push(sign_in("early", 100));
    assert_eq!(findings::<Rule>(&rows).iter().map(|one| one.confidence).collect::<Vec<_>>(), [50]);
}

#[test]
fn a_second_factor_weighs_against_and_a_sure_spray_for_it() {
    check(&[], &[sign_in("user3", 100).is_mfa(true), sign_in("user4", 100).is_mfa(false)], &[(0, 60), (1, 85)]);
    check(&[], &[spray("user9", 95, 75), sign_in("user3", 100)], &[(1, 90)]);
    let rows = [sprayed(), vec![sign_in("user4", 100).is_mfa(false)]].concat();
    assert!(
        findings::<Rule>(&rows)[0].message.starts_with("user4 signed in without a second factor from 198.51.100.7")
    );
}

#[test]
fn each_account_is_reported_once() {
    let rows: Vec<Row> = (0..40).map(|second| sign_in(["user3", "user4"][second as usize % 2], 100 + second)).collect();
    check(&[], &rows, &[(0, 85), (1, 85)]);
    // A spray that goes on doesn't repeat it.
    check(&[], &[sign_in("user3", 100), spray("user9", 3_700, 85), sign_in("user3", 3_800)], &[(0, 85)]);
}

#[test]
fn the_window_ends_where_it_ends() {
    let day = 86_400;
    check(&[], &[sign_in("user9", 90 + day - 1)], &[(0, 85)]);
    check(&[], &[sign_in("user9", 90 + day)], &[]);
    // Its own failure has left the window, the spray hasn't.
    check(&[], &[sign_in("user0", day + 30)], &[(0, 50)]);
}

#[test]
fn what_happened_before_the_spray_isn_t_after_it() {
    check(&[], &[sign_in("user3", 80).late()], &[]);
    check(&[], &[failure("guest", 200), sign_in("guest", 150).late()], &[(1, 50)]);
}

#[test]
fn other_addresses_and_the_machine_itself_are_left_alone() {
    check(&[], &[sign_in("user3", 100).key("192.0.2.1").src_endpoint_ip("192.0.2.1")], &[]);
    check(&[], &[sign_in("user3", 100).src_endpoint_ip("::1")], &[]);
    // Failures for other reasons are no sign-ins.
    check(&[], &[sign_in("user3", 100).status_id(2).status_detail("policy")], &[]);
}

#[test]
fn a_flood_of_names_makes_it_forget_but_not_fail() {
    let flood: Vec<Row> = (0..2_000).map(|number| failure(&format!("flood{number}"), 100 + number)).collect();
    let rows = [sprayed(), flood, vec![sign_in("user3", 2_200), sign_in("flood1990", 2_201)]].concat();
    assert_eq!(findings::<Rule>(&rows).iter().map(|one| one.confidence).collect::<Vec<_>>(), [50, 85]);
}

#[test]
fn the_layout_of_state_is_that_of_its_version() {
    check_state_size::<Rule>(&sprayed(), KEY, 1_298);
}
