//! The rule over rows: what it finds and what it leaves alone.

use countersign_sdk::testing::{Row, check, check_state_size, findings, row};

use super::*;

const KEY: &str = "192.0.2.17";

fn ticket(account: &str, seconds: i64) -> Row {
    let row =
        row().key(KEY).at("2026-03-04T08:00:00Z").plus_secs(seconds).src_endpoint_ip(KEY).actor_user_name(account);
    row.authentication_token_encryption_details_algorithm("rc4-hmac")
}

#[test]
fn every_account_is_found_with_rising_confidence() {
    let rows: Vec<Row> = ["svc-old", "kiosk", "scanner", "fax"].map(|account| ticket(account, 1)).to_vec();
    let found = findings::<Rule>(&rows);
    let short: Vec<(usize, u8)> = found.iter().map(|one| (one.row, one.confidence)).collect();
    assert_eq!(short, [(0, 60), (1, 75), (2, 90), (3, 90)]);
    assert_eq!((found[0].class, found[0].about), (SignalClass::Credential, Role::Actor));
    assert_eq!(
        (found[0].evidence_role, found[3].evidence.as_slice()),
        (Some(EvidenceRole::MerelyNames), &[0, 1, 2][..])
    );
    assert_eq!(
        found[0].message,
        "a ticket for svc-old was given to 192.0.2.17 without pre-authentication, encrypted with rc4-hmac"
    );
    assert!(found[1].message.ends_with(", and one for another account within 10m"), "{}", found[1].message);
    assert!(found[3].message.ends_with(", and such tickets for 3 other accounts within 10m"), "{}", found[3].message);
}

#[test]
fn an_old_machine_is_found_once_a_week() {
    let rows: Vec<Row> = (0..24 * 15).map(|hour| ticket(["Kiosk", "kiosk"][hour as usize % 2], hour * 3_600)).collect();
    check::<Rule>(&rows, &[(0, 60), (168, 60), (336, 60)]);
}

#[test]
fn the_window_ends_where_it_ends() {
    check::<Rule>(&[ticket("svc-old", 0), ticket("kiosk", 599)], &[(0, 60), (1, 75)]);
    check::<Rule>(&[ticket("svc-old", 0), ticket("kiosk", 600)], &[(0, 60), (1, 60)]);
}

#[test]
fn late_rows_are_found_too() {
    check::<Rule>(
        &[ticket("svc-old", 0), ticket("kiosk", -30).late(), ticket("kiosk", -60).late()],
        &[(0, 60), (1, 75)],
    );
}

#[test]
fn addresses_are_kept_apart_and_rows_without_one_found_each_time() {
    check::<Rule>(&[ticket("svc-old", 0), ticket("kiosk", 1).key("192.0.2.18")], &[(0, 60), (1, 60)]);
    check::<Rule>(&[row().actor_user_name("svc-old"), row().actor_user_name("kiosk")], &[(0, 60), (1, 60)]);
    check::<Rule>(&[row()], &[]);
}

#[test]
fn a_flood_of_accounts_is_found_one_by_one() {
    let rows: Vec<Row> = (0..100).map(|number| ticket(&format!("user{number}"), number)).collect();
    let found = findings::<Rule>(&rows);
    assert_eq!((found.len(), found[99].confidence, found[99].evidence.len()), (100, 90, 8));
}

#[test]
fn the_layout_of_state_is_that_of_its_version() {
    check_state_size::<Rule>(&[ticket("svc-old", 0)], KEY, 256);
}
