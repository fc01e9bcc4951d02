//! The rule over rows: what it finds, what it leaves alone, and what it remembers.

use countersign_sdk::testing::{Row, Value, check, check_state_size, findings, only_finding, row};

use super::*;

const KEY: &str = "okta:example:00u1:sess1";

fn used(asn: u64, system: &str, minute: i64) -> Row {
    let row = row()
        .key(KEY)
        .at("2026-03-04T08:00:00Z")
        .plus_secs(minute * 60)
        .src_endpoint_ip("198.51.100.7")
        .device_os_name(system);
    row.context("geo", &[("asn", Value::Unsigned(asn))])
}

#[test]
fn another_network_and_another_system_are_found() {
    let rows = [
        used(64_500, "Windows 10", 0),
        used(64_500, "Windows 10", 30),
        used(64_501, "Linux", 32).src_endpoint_autonomous_system_name("Example Hosting"),
        used(64_500, "Windows 10", 33),
        used(64_501, "Linux", 34),
    ];
    let finding = only_finding::<Rule>(&rows);
    assert_eq!((finding.row, finding.class, finding.confidence), (2, SignalClass::Token, 85));
    assert_eq!((finding.about, finding.severity), (Role::Actor, Severity::High));
    assert_eq!((finding.evidence.as_slice(), finding.evidence_role), ([0].as_slice(), None));
    assert_eq!(finding.techniques, ["T1550.004", "T1539"]);
    assert_eq!(
        finding.message,
        "a session used from AS64500 with Windows is used from AS64501 (Example Hosting) at 198.51.100.7 with Linux, 2m \
         after that"
    );
}

#[test]
fn one_of_the_two_alone_is_no_theft() {
    check::<Rule>(&[used(64_500, "Windows 10", 0), used(64_501, "Windows 11", 1), used(64_502, "Windows 10", 2)], &[]);
    check::<Rule>(&[used(64_500, "Windows 10", 0), used(64_500, "Linux", 1)], &[]);
    // Through a use that shares one with each.
    check::<Rule>(
        &[used(64_500, "Windows 10", 0), used(64_501, "Windows 10", 1), used(64_501, "Linux", 2)],
        &[(2, 85)],
    );
}

#[test]
fn both_must_be_known() {
    let bare = |row: Row| Row::set(row, "device.os.name", Value::WrongType);
    check::<Rule>(&[used(64_500, "Windows 10", 0), used(64_501, "Unknown", 1), bare(used(64_501, "Linux", 2))], &[]);
    check::<Rule>(&[used(0, "Windows 10", 0), used(64_501, "Linux", 1)], &[]);
    let without = |system: &str| row().key(KEY).src_endpoint_ip("198.51.100.7").device_os_name(system);
    check::<Rule>(&[without("Windows 10"), used(64_501, "Linux", 1), without("Android")], &[]);
}

#[test]
fn time_and_kinship_weigh() {
    check::<Rule>(&[used(64_500, "Windows 10", 0), used(64_501, "Linux", 10)], &[(1, 80)]);
    check::<Rule>(&[used(64_500, "Mac OS X (iPhone)", 0), used(64_501, "Mac OS X", 1)], &[(1, 65)]);
    check::<Rule>(&[used(64_500, "Windows 10", 0), used(64_501, "Linux", -5).late()], &[(1, 85)]);
    assert!(
        findings::<Rule>(&[used(64_500, "Windows", 0), used(64_501, "Linux", -5).late()])[0]
            .message
            .ends_with("5m before that")
    );
}

#[test]
fn each_deviating_use_is_reported_once_and_the_first_never() {
    check::<Rule>(
        &[
            used(64_500, "Windows 10", 0),
            used(64_501, "Linux", 1),
            used(64_502, "Android", 2),
            used(64_500, "Windows 10", 3),
            used(64_501, "Linux", 4),
        ],
        &[(1, 85), (2, 85)],
    );
}

#[test]
fn the_first_use_outlives_any_number_of_others() {
    let mut rows = vec![used(64_500, "Windows 10", 0)];
    rows.extend((1..50).map(|number| used(65_000 + number, "Linux", number as i64)));
    let found = findings::<Rule>(&rows);
    assert_eq!(found.len(), 49);
    assert!(
        found
            .iter()
            .all(|one| one.evidence == [0] && one.message.starts_with("a session used from AS64500 with Windows"))
    );
}

#[test]
fn sessions_are_kept_apart_and_rows_without_one_not_at_all() {
    check::<Rule>(&[used(64_500, "Windows 10", 0), used(64_501, "Linux", 1).key("okta:example:00u1:sess2")], &[]);
    let unkeyed = |asn, system: &str| {
        row().src_endpoint_ip("198.51.100.7").device_os_name(system).context("geo", &[("asn", Value::Unsigned(asn))])
    };
    check::<Rule>(&[unkeyed(64_500, "Windows"), unkeyed(64_501, "Linux")], &[]);
}

#[test]
fn the_layout_of_state_is_that_of_its_version() {
    check_state_size::<Rule>(&[used(64_500, "Windows 10", 0)], KEY, 90);
}
