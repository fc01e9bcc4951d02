//! The rule over rows: what it finds, what it leaves alone, and what it remembers.

use countersign_sdk::testing::{Harness, Row, Value, check, findings, row, time};

use super::*;

const KEY: &str = "aws:111122223333:AROAEXAMPLE/AROAEXAMPLE:i-0a1b2c3d4e5f60718";
const HOME: &str = "203.0.113.17";
const AWAY: &str = "198.18.10.77";

/// A call `minute` minutes after 08:00 with credentials issued `issued` minutes after 07:00.
fn call(address: &str, minute: i64, issued: i64) -> Row {
    let midnight = time("2024-05-01T00:00:00Z");
    let minutes = |count: i64| Duration::from_secs(count * 60);
    row()
        .key(KEY)
        .at_time(midnight + minutes(480 + minute))
        .src_endpoint_ip(address)
        .set("actor.session.created_time", Value::Timestamp((midnight + minutes(420 + issued)).micros()))
        .actor_user_credential_uid(&format!("ASIAISSUED{issued}"))
        .device_instance_uid("i-0a1b2c3d4e5f60718")
        .api_operation("ListBuckets")
        .api_service_name("s3.amazonaws.com")
}

#[test]
fn stolen_credentials_are_found_where_they_are_first_used() {
    let rows = [
        call(HOME, 0, 0),
        call(HOME, 4, 0),
        call(AWAY, 5, 0),
        call(AWAY, 6, 0),
        call("198.18.10.66", 7, 0),
        call(HOME, 8, 0),
        call(AWAY, 9, 0),
        call(AWAY, 10, 0),
    ];
    let found = findings::<Rule>(&rows);
    let [first, second] = found.as_slice() else { panic!("{found:#?}") };
    assert_eq!((first.row, first.class, first.confidence, first.about), (2, SignalClass::Token, 80, Role::Actor));
    assert_eq!((first.severity, first.evidence.as_slice()), (Severity::High, [0].as_slice()));
    assert_eq!(first.techniques, ["T1552.005", "T1078.004", "T1550.001"]);
    assert_eq!(
        first.message,
        "credentials of i-0a1b2c3d4e5f60718 used from 198.18.10.77 for ListBuckets of s3.amazonaws.com; their session \
         is at home at 203.0.113.17, first seen 5m before"
    );
    // The home is used again: so it is no move, and the confidence grows.
    assert_eq!((second.row, second.confidence, second.evidence.as_slice()), (6, 90, [0, 2].as_slice()));
    assert!(second.message.ends_with(", and is used there still"), "{}", second.message);
}

#[test]
fn another_access_key_of_the_same_session_weighs_more_and_a_private_address_less() {
    let other = |address, minute| call(address, minute, 0).actor_user_credential_uid("ASIAOTHER");
    check::<Rule>(&[call(HOME, 0, 0), other(AWAY, 1)], &[(1, 85)]);
    check::<Rule>(&[call(HOME, 0, 0), other("192.168.10.20", 1)], &[(1, 70)]);
    check::<Rule>(&[call(HOME, 0, 0), other(AWAY, 1), call(HOME, 2, 0), other(AWAY, 3)], &[(1, 85), (3, 95)]);
    // A key that the home used too is no other key.
    check::<Rule>(&[call(HOME, 0, 0), other(HOME, 1), call(AWAY, 2, 0)], &[(2, 80)]);
}

#[test]
fn the_own_network_is_home() {
    check::<Rule>(&[call(HOME, 0, 0), call("203.0.113.30", 1, 0), call("203.0.113.16", 2, 0)], &[]);
    check::<Rule>(&[call(HOME, 0, 0), call("203.0.113.32", 1, 0)], &[(1, 80)]);
    let rows = [call(HOME, 0, 0), call("203.0.113.200", 1, 0), call("203.0.112.9", 2, 0)];
    let mut wide = Harness::<Rule>::new().set("ipv4-prefix", 24);
    assert_eq!(wide.feed(&rows).iter().map(|one| one.row).collect::<Vec<_>>(), [2]);
}

#[test]
fn the_operators_networks_are_home_for_all_sessions() {
    let rows = [call(HOME, 0, 0), call(AWAY, 1, 0), call("198.51.100.9", 2, 0), call("192.0.2.1", 3, 0)];
    let networks = ["198.18.0.0/15", "office", "198.51.100.9"];
    let mut harness = Harness::<Rule>::new().set("own-networks", networks);
    assert_eq!(harness.feed(&rows).iter().map(|one| one.row).collect::<Vec<_>>(), [3]);
    let (row, message) = &harness.diagnostics()[0];
    assert_eq!((*row, message.as_str()), (1, "`own-networks` has `office`: expected a network such as `192.0.2.0/24`"));
}

#[test]
fn an_instance_that_stops_and_starts_comes_back_elsewhere() {
    // New credentials, the old address silent: quiet, and home after half an hour.
    let mut rows = vec![call(HOME, 0, 0), call(HOME, 10, 0)];
    rows.extend((0..8).map(|step| call("192.0.2.44", 12 + step * 5, 71)));
    check::<Rule>(&rows, &[]);
    // Its credentials at the old address are elsewhere then, and so they are at any other.
    rows.extend([call(HOME, 60, 71), call(AWAY, 61, 71)]);
    check::<Rule>(&rows, &[(10, 80), (11, 80)]);
}

#[test]
fn renewed_credentials_are_elsewhere_as_soon_as_the_home_is_used_too() {
    // An intruder reads the metadata service before the instance does.
    let rows = [call(HOME, 0, 0), call(AWAY, 61, 120), call(AWAY, 62, 120), call(HOME, 63, 0), call(AWAY, 64, 120)];
    check::<Rule>(&rows, &[(4, 95)]);
    let rows = [call(HOME, 0, 0), call(AWAY, 61, 120), call(HOME, 63, 120), call(AWAY, 64, 120)];
    check::<Rule>(&rows, &[(3, 90)]);
    // A third network with the renewed credentials, before it is clear which one is the new home.
    let rows = [call(HOME, 0, 0), call("192.0.2.44", 61, 120), call(AWAY, 62, 120)];
    check::<Rule>(&rows, &[(2, 85)]);
}

#[test]
fn older_credentials_elsewhere_are_found() {
    check::<Rule>(&[call(HOME, 0, 0), call(HOME, 61, 60), call(AWAY, 62, 0)], &[(2, 80)]);
    check::<Rule>(&[call(HOME, 0, 60), call(AWAY, 1, 0)], &[(1, 85)]);
}

#[test]
fn a_swapped_address_is_home_once_the_credentials_are_renewed() {
    // Found, for it looks like a theft; a straggler at the old address doesn't make it one for ever.
    let mut rows = vec![call(HOME, 0, 0), call("192.0.2.44", 10, 0), call(HOME, 11, 0)];
    rows.extend((0..20).map(|step| call("192.0.2.44", 20 + step * 60, step * 60)));
    check::<Rule>(&rows, &[(1, 80), (3, 90)]);
    rows.push(call("192.0.2.44", 20 * 60 + 3_000, 2_000));
    check::<Rule>(&rows, &[(1, 80), (3, 90)]);
}

#[test]
fn the_first_network_of_the_other_family_stays_below_the_floor() {
    let second = "2001:db8:7:1::5";
    check::<Rule>(&[call(HOME, 0, 0), call(second, 1, 0), call(HOME, 2, 0), call(second, 3, 0)], &[(1, 55)]);
    check::<Rule>(&[call(HOME, 0, 0), call(second, 1, 0), call("2001:db8:7:1::99", 2, 0)], &[(1, 55)]);
    check::<Rule>(&[call(HOME, 0, 0), call(second, 1, 0), call("2001:db8:7:2::5", 2, 0)], &[(1, 55), (2, 80)]);
    check::<Rule>(&[call(second, 0, 0), call("2001:db8:7:2::5", 1, 0)], &[(1, 80)]);
    check::<Rule>(&[call(second, 0, 0), call(HOME, 1, 0)], &[(1, 55)]);
}

#[test]
fn a_network_is_reported_again_after_a_day() {
    let rows: Vec<Row> = (0..60).map(|hour| call(if hour == 0 { HOME } else { AWAY }, hour * 60, 0)).collect();
    check::<Rule>(&rows, &[(1, 80), (25, 80), (49, 80)]);
}

#[test]
fn late_rows_change_nothing_but_what_is_known() {
    // A home call that comes late doesn't prove that the home is used still.
    let rows = [call(HOME, 0, 0), call(AWAY, 10, 0), call(HOME, 9, 0).late(), call(AWAY, 11, 0)];
    check::<Rule>(&rows, &[(1, 80)]);
    let rows = [call(HOME, 10, 0), call(AWAY, 9, 0).late(), call(AWAY, 8, 0).late()];
    check::<Rule>(&rows, &[(1, 90)]);
}

#[test]
fn the_home_and_its_evidence_outlive_any_number_of_other_networks() {
    let mut rows = vec![call(HOME, 0, 0)];
    rows.extend((1..20).map(|number| call(&format!("198.18.{number}.1"), number, 0)));
    let found = findings::<Rule>(&rows);
    assert_eq!(found.len(), 19);
    assert!(found.iter().all(|one| one.evidence == [0] && one.message.contains("at home at 203.0.113.17")));
    rows.push(call(HOME, 30, 0));
    rows.push(call("198.18.19.1", 31, 0));
    assert_eq!(findings::<Rule>(&rows)[19].evidence, [0, 19]);
}

#[test]
fn sessions_are_kept_apart_and_rows_without_one_not_at_all() {
    let other = |row: Row| row.key("aws:111122223333:AROAOTHER/AROAOTHER:i-0f");
    check::<Rule>(&[call(HOME, 0, 0), other(call(AWAY, 1, 0)), call(HOME, 2, 0), other(call(AWAY, 3, 0))], &[]);
    let blank = |address| row().src_endpoint_ip(address).actor_session_created_time("2024-05-01T07:00:00Z");
    check::<Rule>(&[blank(HOME), blank(AWAY)], &[]);
}

#[test]
fn records_without_the_time_of_issue_are_judged_too() {
    let bare = |address, minute| call(address, minute, 0).set("actor.session.created_time", Value::WrongType);
    check::<Rule>(&[bare(HOME, 0), bare(AWAY, 1)], &[(1, 80)]);
    check::<Rule>(&[call(HOME, 0, 0), bare(AWAY, 1)], &[(1, 80)]);
}

#[test]
fn the_layout_of_state_is_that_of_its_version() {
    // State outlives the rule: another size or order of its parts needs another version of the slot, and a migration.
    let mut harness = Harness::<Rule>::new();
    harness.feed(&[call(HOME, 0, 0), call(AWAY, 1, 0), call(HOME, 2, 0)]);
    let blob = harness.state_bytes(0, KEY).unwrap();
    assert_eq!((blob.len(), hash64(blob)), (204, 1_507_069_797_330_707_893));
}
