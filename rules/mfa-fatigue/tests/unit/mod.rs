//! The rule over rows: what it finds, what it leaves alone, and what it remembers.

use countersign_sdk::testing::{self, Row, Value, check_state_size, findings, only_finding, row};

use super::*;

const KEY: &str = "okta:example:00u1";

fn at(seconds: i64) -> Row {
    row().key(KEY).at("2026-03-04T02:00:00Z").plus_secs(seconds).src_endpoint_ip("198.51.100.7")
}

fn denial(seconds: i64) -> Row {
    at(seconds).metadata_event_code("user.mfa.okta_verify.deny_push").status_id(2)
}

fn refusal(seconds: i64) -> Row {
    at(seconds)
        .metadata_event_code("user.authentication.auth_via_mfa")
        .status_id(2)
        .auth_factors_factor_type(&["OKTA_VERIFY_PUSH"])
}

fn success(seconds: i64, factor: &str) -> Row {
    at(seconds).metadata_event_code("user.authentication.auth_via_mfa").status_id(1).auth_factors_factor_type(&[factor])
}

fn push(seconds: i64) -> Row {
    success(seconds, "OKTA_VERIFY_PUSH")
}

fn denials(count: i64) -> Vec<Row> {
    (0..count).map(|number| denial(number * 30)).collect()
}

#[track_caller]
fn check(rows: impl IntoIterator<Item = Row>, expected: &[(usize, u8)]) {
    testing::check::<Rule>(&rows.into_iter().collect::<Vec<_>>(), expected);
}

#[test]
fn five_denials_and_an_accepted_push_are_found() {
    let rows: Vec<Row> = denials(5).into_iter().chain([push(200)]).collect();
    let finding = only_finding::<Rule>(&rows);
    assert_eq!((finding.row, finding.class, finding.confidence), (5, SignalClass::SignIn, 80));
    assert_eq!((finding.about, finding.severity), (Role::Actor, Severity::High));
    assert_eq!(finding.evidence, [0, 1, 2, 3, 4]);
    assert_eq!(finding.techniques, ["T1621", "T1078"]);
    assert_eq!(finding.message, "5 pushes were denied within 10m, and then a push was accepted from 198.51.100.7");
    check(denials(4).into_iter().chain([push(200)]), &[]);
    check(denials(9).into_iter().chain([push(300)]), &[(9, 84)]);
}

#[test]
fn denials_without_an_approval_and_approvals_without_denials_stay_quiet() {
    check(denials(16), &[]);
    check((0..40).map(|number| push(number * 10)), &[]);
    // Approval first.
    check([push(0)].into_iter().chain(denials(8).into_iter().skip(1)), &[]);
}

#[test]
fn the_window_ends_where_it_ends() {
    check(denials(5).into_iter().chain([push(599)]), &[(5, 80)]);
    check(denials(5).into_iter().chain([push(600)]), &[]);
}

#[test]
fn a_denial_reported_by_device_and_sign_in_counts_once() {
    let both = |count: i64| (0..count).flat_map(|number| [denial(number * 30), refusal(number * 30 + 1)]);
    check(both(4).chain([push(200)]), &[]);
    check(both(5).chain([push(200)]), &[(10, 80)]);
    check((0..5).map(refusal).chain([push(200)]), &[(5, 80)]);
}

#[test]
fn the_factor_decides_the_confidence() {
    check(denials(5).into_iter().chain([success(200, "GOOGLE_AUTH")]), &[(5, 60)]);
    check(denials(5).into_iter().chain([success(200, "Okta Verify")]), &[(5, 75)]);
    check(denials(5).into_iter().chain([success(200, "FIDO_WEBAUTHN")]), &[]);
    check(denials(5).into_iter().chain([success(200, "PASSWORD_AS_FACTOR")]), &[]);
    check(denials(5).into_iter().chain([at(200).status_id(1).is_mfa(true)]), &[(5, 75)]);
    check(denials(5).into_iter().chain([at(200).status_id(1).is_mfa(false)]), &[]);
    check(denials(5).into_iter().chain([at(200).is_mfa(true).set("status_id", Value::WrongType)]), &[]);
}

#[test]
fn one_wave_is_reported_once_and_the_next_again() {
    check(denials(5).into_iter().chain([push(200), push(201), push(400)]), &[(5, 80)]);
    let later = |row: Row| row.at("2026-03-04T03:00:00Z");
    check(
        denials(5).into_iter().chain([push(200)]).chain(denials(5).into_iter().map(later)).chain([later(push(0))]),
        &[(5, 80), (11, 80)],
    );
}

#[test]
fn a_denial_that_comes_after_the_approval_it_came_before_counts() {
    let mut rows = denials(4);
    rows.extend([push(200), denial(150).late(), denial(160).late()]);
    check(rows, &[(5, 80)]);
    let rows = denials(4).into_iter().chain([push(100), denial(150)]);
    check(rows, &[]);
}

#[test]
fn accounts_are_counted_apart_and_rows_without_one_not_at_all() {
    let other = |row: Row| row.key("okta:example:00u2");
    check(denials(4).into_iter().chain(denials(4).into_iter().map(other)).chain([push(200)]), &[]);
    let unkeyed = |seconds: i64, approved: bool| {
        let event = row().at("2026-03-04T02:00:00Z").plus_secs(seconds).status_id(if approved { 1 } else { 2 });
        event.auth_factors_factor_type(&["OKTA_VERIFY_PUSH"])
    };
    check((0..20).map(|second| unkeyed(second, second > 10)), &[]);
}

#[test]
fn a_flood_of_denials_is_counted_as_far_as_it_is_remembered() {
    let found = findings::<Rule>(&(0..1_000).map(denial).chain([push(1_000)]).collect::<Vec<_>>());
    assert_eq!((found[0].confidence, found[0].evidence.len()), (90, 16));
    assert!(found[0].message.starts_with("16 or more pushes were denied within 10m"), "{}", found[0].message);
}

fn sent(seconds: i64) -> Row {
    at(seconds).metadata_event_code("system.push.send_factor_verify_push").status_id(1)
}

fn pushes_sent(count: i64) -> Vec<Row> {
    (0..count).map(|number| sent(number * 30)).collect()
}

#[test]
fn pushes_that_nobody_answers_count_once_one_is_accepted() {
    let rows: Vec<Row> = pushes_sent(9).into_iter().chain([push(300)]).collect();
    let finding = only_finding::<Rule>(&rows);
    assert_eq!((finding.row, finding.confidence, finding.severity), (9, 65, Severity::High));
    assert_eq!(
        finding.message,
        "8 pushes were sent and not accepted within 10m, and then a push was accepted from 198.51.100.7"
    );
    check(pushes_sent(8).into_iter().chain([push(300)]), &[]);
    check(pushes_sent(12).into_iter().chain([push(400)]), &[(12, 71)]);
    // However many, below what denials lead to.
    check((0..100).map(sent).chain([push(300)]), &[(100, 75)]);
    check((0..100).map(sent).chain([success(300, "Okta Verify")]), &[(100, 75)]);
    check((0..9).map(sent).chain([success(300, "Okta Verify")]), &[(9, 60)]);
}

#[test]
fn pushes_that_are_accepted_one_by_one_stay_quiet() {
    // A person who opens one application after another.
    check((0..40).flat_map(|number| [sent(number * 20), push(number * 20 + 8)]), &[]);
    // Five are tried again, and then the phone has its network back.
    check((0..6).map(|number| sent(number * 20)).chain([push(130), sent(140), push(150)]), &[]);
    // A code, because no push arrives; a key, which the owner has in hand.
    check(pushes_sent(12).into_iter().chain([success(400, "GOOGLE_AUTH")]), &[]);
    check(pushes_sent(12).into_iter().chain([success(400, "FIDO_WEBAUTHN")]), &[]);
    // Not sent after all.
    check(pushes_sent(12).into_iter().map(|row| row.status_id(2)).chain([push(400)]), &[]);
}

#[test]
fn some_denied_and_the_rest_ignored_is_one_wave() {
    let wave =
        (0..10).flat_map(|number| if number < 3 { vec![sent(number), denial(number + 1)] } else { vec![sent(number)] });
    check(wave.chain([push(300), push(400)]), &[(13, 67)]);
}

#[test]
fn a_push_that_is_delivered_after_the_approval_it_came_before_counts() {
    let mut rows = pushes_sent(8);
    rows.extend([push(300), sent(250).late(), sent(260).late()]);
    check(rows, &[(9, 65)]);
}

#[test]
fn the_layout_of_state_is_that_of_its_version() {
    check_state_size::<Rule>(&denials(5), KEY, 757);
}
