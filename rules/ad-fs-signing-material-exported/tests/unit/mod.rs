//! The rule over rows: what it finds, what it leaves alone, and what it remembers.

use countersign_sdk::testing::{Bench, Found, Row, row, time};

use super::*;

const KEY: &str = "example.test";

fn record(code: &str, host: &str, seconds: i64) -> Row {
    let at = time("2026-03-04T08:00:00Z") + Duration::from_secs(seconds);
    row().key(KEY).at_time(at).metadata_event_code(code).device_hostname(host)
}

fn token(seconds: i64) -> Row {
    record("412", "fs1.example.test", seconds)
}

fn claims(seconds: i64) -> Row {
    record("501", "fs1.example.test", seconds)
}

fn replication(seconds: i64) -> Row {
    let kind = "http://schemas.microsoft.com/ws/2006/05/servicemodel/tokens/SecureConversation";
    token(seconds).message(&format!("A token of type '{kind}' for relying party '-' was successfully authenticated."))
}

fn sign_in(seconds: i64) -> Row {
    token(seconds).unmapped(r#"{"EventData":["1","urn:oasis:names:tc:SAML:1.0:assertion","urn:federation:example"]}"#)
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
fn a_token_and_its_caller_s_claims_are_found_in_either_order() {
    let found = found(&[replication(0), claims(0), claims(0)]);
    let [finding] = found.as_slice() else { panic!("{found:#?}") };
    assert_eq!((finding.row, finding.class, finding.confidence), (1, SignalClass::Federation, 85));
    assert_eq!((finding.about, finding.severity), (Role::Source, Severity::Critical));
    assert_eq!((finding.evidence.as_slice(), finding.evidence_role), (&[0][..], Some(EvidenceRole::MerelyNames)));
    assert_eq!(
        finding.message,
        "a caller was authenticated by the federation service on fs1.example.test for a secure conversation with its \
         replication service; who reads the farm's configuration has the key that signs its tokens"
    );
    check(&[claims(0), claims(0), replication(0)], &[(2, 85)]);
    check(&[claims(0), replication(-3).late()], &[(1, 85)]);
}

#[test]
fn records_without_their_text_weigh_less() {
    check(&[token(0), claims(0), claims(0)], &[(1, 60)]);
    check(&[token(0), claims(0), replication(60), claims(60)], &[(1, 60), (3, 85)]);
}

#[test]
fn an_ordinary_sign_in_stays_quiet() {
    let rows: Vec<Row> = (0..200).flat_map(|number| [sign_in(number * 20), claims(number * 20)]).collect();
    check(&rows, &[]);
}

#[test]
fn one_of_the_two_alone_is_nothing() {
    check(&[token(0), replication(1)], &[]);
    check(&[claims(0), claims(1)], &[]);
    check(&[replication(0), claims(5)], &[(1, 85)]);
    check(&[replication(0), claims(6)], &[]);
}

#[test]
fn a_farm_that_replicates_is_found_once_a_day() {
    let rows: Vec<Row> = (0..600).flat_map(|number| [replication(number * 300), claims(number * 300)]).collect();
    check(&rows, &[(1, 85), (577, 85), (1_153, 85)]);
}

#[test]
fn hosts_are_told_apart() {
    check(&[record("412", "fs1.example.test", 0), record("501", "fs2.example.test", 0)], &[]);
    check(&[record("412", "fs1.example.test", 0), record("501", "FS1.example.test", 0)], &[(1, 60)]);
    // More than are remembered: the one heard of longest ago gives way, and a late stranger doesn't push out anybody.
    let mut rows: Vec<Row> = (0..16).map(|number| record("412", &format!("fs{number}"), 100 + number)).collect();
    rows.extend([record("412", "late", 0).late(), record("501", "late", 0).late(), record("501", "fs0", 100)]);
    check(&rows, &[(18, 60)]);
    let mut rows: Vec<Row> = (0..17).map(|number| record("412", &format!("fs{number}"), number)).collect();
    rows.push(record("501", "fs0", 0));
    check(&rows, &[]);
}

#[test]
fn the_layout_of_state_is_that_of_its_version() {
    // State outlives the rule: another size or order of its parts needs another version of the slot, and a migration.
    let mut bench = Bench::<Rule>::new();
    bench.feed(&[token(0)]);
    assert_eq!(bench.blob(0, KEY).map(<[u8]>::len), Some(544));
}
