//! The rule over rows: what it finds, what it leaves alone, and what it remembers.

use countersign_sdk::testing::{Harness, Row, Value, check, check_state_size, findings, only_finding, row};

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
    sign_in(account, seconds).status_id(2).status_code("0xc000006a")
}

/// So many accounts, one every `step` seconds.
fn spray(accounts: i64, step: i64) -> Vec<Row> {
    (0..accounts).map(|number| failure(&format!("user{number}"), number * step)).collect()
}

#[test]
fn the_tenth_account_makes_a_spray() {
    check::<Rule>(&spray(9, 10), &[]);
    let finding = only_finding::<Rule>(&spray(10, 10));
    assert_eq!((finding.row, finding.class, finding.confidence), (9, SignalClass::SignIn, 65));
    assert_eq!((finding.about, finding.evidence_role), (Role::Source, Some(EvidenceRole::MerelyNames)));
    assert_eq!(finding.evidence, (0..10).collect::<Vec<_>>());
    assert_eq!(finding.techniques, ["T1110.003", "T1110.004"]);
    assert_eq!(
        finding.message,
        "sign-ins of 10 accounts failed from 198.51.100.7 within 10m for a wrong name or password, and none of them has \
         signed in from there since"
    );
}

#[test]
fn a_spray_that_grows_is_reported_again_and_one_that_goes_on_after_an_hour() {
    check::<Rule>(&spray(60, 10), &[(9, 65), (14, 75), (19, 85)]);
    // One a minute and a half: never ten within ten minutes, so only the slow window has it.
    check::<Rule>(&spray(75, 90), &[(19, 60), (29, 70)]);
}

#[test]
fn the_window_ends_where_it_ends() {
    // The first and the tenth lie just less than ten minutes apart, then ten minutes.
    let rows = |last: i64| {
        let mut rows = spray(9, 1);
        rows.push(failure("late.one", last));
        rows
    };
    check::<Rule>(&rows(599), &[(9, 65)]);
    check::<Rule>(&rows(600), &[]);
}

#[test]
fn attempts_on_one_account_are_not_a_spray() {
    let rows: Vec<Row> = (0..500).map(|second| failure("user0", second)).collect();
    check::<Rule>(&rows, &[]);
    let rows: Vec<Row> =
        (0..40).map(|second| failure(["User0", "USER0", "user0"][second as usize % 3], second)).collect();
    check::<Rule>(&rows, &[]);
}

#[test]
fn an_account_that_signs_in_afterwards_has_mistyped() {
    let mut rows = Vec::new();
    for number in 0..60 {
        rows.push(failure(&format!("user{number}"), number * 5));
        rows.push(sign_in(&format!("User{number}"), number * 5 + 3));
    }
    check::<Rule>(&rows, &[]);
    // A sign-in with an account of the sprayer's own doesn't hide the spray.
    let mut rows = spray(9, 10);
    rows.extend([sign_in("user3", 91), failure("user9", 92), failure("user10", 93)]);
    check::<Rule>(&rows, &[(11, 65)]);
}

/// The failure of a user of IAM Identity Center, of which the record says no more.
fn bare(account: &str, seconds: i64) -> Row {
    sign_in(account, seconds).api_operation("CredentialVerification").status_id(2).status_code("Failure")
}

#[test]
fn a_failure_without_a_reason_counts_if_it_is_of_a_password() {
    let spray = |row: fn(Row) -> Row| -> Vec<Row> {
        (0..10).map(|number| row(bare(&format!("user{number}"), number * 10))).collect()
    };
    check::<Rule>(&spray(|row| row), &[(9, 65)]);
    check::<Rule>(&spray(|row| row.auth_factors_factor_type(&["PASSWORD"])), &[(9, 65)]);
    check::<Rule>(&spray(|row| row.status_detail(" ")), &[(9, 65)]);
    // A second factor, another reason, another step.
    check::<Rule>(&spray(|row| row.auth_factors_factor_type(&["TOTP"])), &[]);
    check::<Rule>(&spray(|row| row.auth_factors_factor_type(&["PASSWORD", "WEBAUTHN"])), &[]);
    check::<Rule>(&spray(|row| row.status_detail("policy denies it")), &[]);
    check::<Rule>(&spray(|row| row.api_operation("CheckMfa")), &[]);
    // Of other sources: the logon itself, and no other activity.
    let logon = |activity: u64| -> Vec<Row> {
        let failed = |number: i64| sign_in(&format!("user{number}"), number).status_id(2).activity_id(activity);
        (0..10).map(failed).collect()
    };
    check::<Rule>(&logon(1), &[(9, 65)]);
    check::<Rule>(&logon(2), &[]);
}

#[test]
fn only_a_wrong_name_or_password_counts() {
    for detail in ["VERIFICATION_ERROR", "0xc0000072", "policy denies it"] {
        let rows: Vec<Row> = spray(40, 1).into_iter().map(|row| row.status_code(detail)).collect();
        check::<Rule>(&rows, &[]);
    }
    let words = spray(10, 1).into_iter().map(|row| row.status_code("FAILURE").status_detail("INVALID_CREDENTIALS"));
    check::<Rule>(&words.collect::<Vec<_>>(), &[(9, 65)]);
}

#[test]
fn accounts_without_a_name_are_counted_by_id_and_without_either_not_at_all() {
    let bare = |row: Row| row.set("actor.user.name", Value::WrongType);
    let rows: Vec<Row> =
        (0..10).map(|number| bare(failure("", number)).actor_user_uid(&format!("00u{number}"))).collect();
    check::<Rule>(&rows, &[(9, 65)]);
    let rows: Vec<Row> = (0..40).map(|number| bare(failure("", number))).collect();
    check::<Rule>(&rows, &[]);
}

#[test]
fn loopback_addresses_are_left_alone() {
    for address in ["::1", "127.0.0.1"] {
        let rows: Vec<Row> = spray(40, 1).into_iter().map(|row| row.src_endpoint_ip(address)).collect();
        check::<Rule>(&rows, &[]);
    }
}

#[test]
fn addresses_are_counted_apart() {
    let rows: Vec<Row> = spray(18, 1)
        .into_iter()
        .enumerate()
        .map(|(place, row)| row.key(if place % 2 == 0 { KEY } else { "b" }))
        .collect();
    check::<Rule>(&rows, &[]);
}

#[test]
fn late_rows_count_where_they_belong() {
    let mut rows = spray(10, 10);
    rows.rotate_left(5);
    check::<Rule>(&rows, &[(9, 65)]);
    // What is older than the slow window doesn't count at all.
    let mut rows = vec![failure("now", 200_000)];
    rows.extend(spray(40, 1).into_iter().map(Row::late));
    check::<Rule>(&rows, &[]);
}

#[test]
fn more_accounts_than_are_remembered_change_nothing_for_the_worse() {
    let found = findings::<Rule>(&spray(5_000, 1));
    assert_eq!(found.iter().map(|one| one.confidence).collect::<Vec<_>>(), [65, 75, 85, 85]);
    assert!(found[3].message.starts_with("sign-ins of 32 or more accounts failed"), "{}", found[3].message);
}

#[test]
fn the_operator_sets_the_thresholds() {
    let mut harness =
        Harness::<Rule>::new().set("accounts", 3).set("slow-accounts", 5).set("window", Duration::from_secs(60));
    let found = harness.feed(&spray(6, 30));
    assert_eq!(found.iter().map(|one| (one.row, one.confidence)).collect::<Vec<_>>(), [(4, 60)]);
}

#[test]
fn the_layout_of_state_is_that_of_its_version() {
    check_state_size::<Rule>(&spray(12, 10), KEY, 522);
}
