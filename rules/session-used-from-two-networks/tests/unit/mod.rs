//! The rule over rows: what it finds, what it leaves alone, and what it remembers.

use countersign_sdk::testing::{Bench, Found, Row, Value, row, time};

use super::*;

const KEY: &str = "okta:example:00u1:sess1";

fn used(asn: u64, system: &str, minute: i64) -> Row {
    let at = time("2026-03-04T08:00:00Z") + Duration::from_secs(minute * 60);
    let row = row().key(KEY).at_time(at).src_endpoint_ip("198.51.100.7").device_os_name(system);
    row.context("geo", &[("asn", Value::Unsigned(asn))])
}

/// The same findings, and the same state after them, whatever the batch size.
fn found(rows: &[Row]) -> Vec<Found> {
    let mut whole = Bench::<Rule>::new();
    let found = whole.feed(rows);
    for size in [1, 2, 3] {
        let mut split = Bench::<Rule>::new().batch_size(size);
        assert_eq!(split.feed(rows), found, "batches of {size}");
        assert_eq!(split.blob(0, KEY), whole.blob(0, KEY), "batches of {size}");
    }
    found
}

/// The rows found, each with its confidence.
fn check(rows: &[Row], expected: &[(usize, u8)]) {
    let found = found(rows);
    assert_eq!(found.iter().map(|one| (one.row, one.confidence)).collect::<Vec<_>>(), expected, "{found:#?}");
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
    let found = found(&rows);
    let [finding] = found.as_slice() else { panic!("{found:#?}") };
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
    check(&[used(64_500, "Windows 10", 0), used(64_501, "Windows 11", 1), used(64_502, "Windows 10", 2)], &[]);
    check(&[used(64_500, "Windows 10", 0), used(64_500, "Linux", 1)], &[]);
    // Through a use that shares one with each.
    check(&[used(64_500, "Windows 10", 0), used(64_501, "Windows 10", 1), used(64_501, "Linux", 2)], &[(2, 85)]);
}

#[test]
fn both_must_be_known() {
    let bare = |row: Row| Row::set(row, "device.os.name", Value::WrongType);
    check(&[used(64_500, "Windows 10", 0), used(64_501, "Unknown", 1), bare(used(64_501, "Linux", 2))], &[]);
    check(&[used(0, "Windows 10", 0), used(64_501, "Linux", 1)], &[]);
    let without = |system: &str| row().key(KEY).src_endpoint_ip("198.51.100.7").device_os_name(system);
    check(&[without("Windows 10"), used(64_501, "Linux", 1), without("Android")], &[]);
}

#[test]
fn time_and_kinship_weigh() {
    check(&[used(64_500, "Windows 10", 0), used(64_501, "Linux", 10)], &[(1, 80)]);
    check(&[used(64_500, "Mac OS X (iPhone)", 0), used(64_501, "Mac OS X", 1)], &[(1, 65)]);
    check(&[used(64_500, "Windows 10", 0), used(64_501, "Linux", -5).late()], &[(1, 85)]);
    assert!(
        found(&[used(64_500, "Windows", 0), used(64_501, "Linux", -5).late()])[0].message.ends_with("5m before that")
    );
}

#[test]
fn each_strange_use_is_reported_once_and_the_first_never() {
    check(
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
    let found = found(&rows);
    assert_eq!(found.len(), 49);
    assert!(
        found
            .iter()
            .all(|one| one.evidence == [0] && one.message.starts_with("a session used from AS64500 with Windows"))
    );
}

#[test]
fn sessions_are_kept_apart_and_rows_without_one_not_at_all() {
    check(&[used(64_500, "Windows 10", 0), used(64_501, "Linux", 1).key("okta:example:00u1:sess2")], &[]);
    let nobody = |asn, system: &str| {
        row().src_endpoint_ip("198.51.100.7").device_os_name(system).context("geo", &[("asn", Value::Unsigned(asn))])
    };
    check(&[nobody(64_500, "Windows"), nobody(64_501, "Linux")], &[]);
}

#[test]
fn the_layout_of_state_is_that_of_its_version() {
    // State outlives the rule: another size or order of its parts needs another version of the slot, and a migration.
    let mut bench = Bench::<Rule>::new();
    bench.feed(&[used(64_500, "Windows 10", 0)]);
    assert_eq!(bench.blob(0, KEY).map(<[u8]>::len), Some(90));
}
