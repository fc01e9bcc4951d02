//! The rule over rows: what it finds, what it leaves alone, and what it remembers.

use countersign_sdk::testing::{Row, check, check_state_size, only_finding, row};

use super::*;

const KEY: &str = "example.test";

fn record(code: &str, host: &str, seconds: i64) -> Row {
    row().key(KEY).at("2026-03-04T08:00:00Z").plus_secs(seconds).metadata_event_code(code).device_hostname(host)
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

#[test]
fn a_token_and_its_caller_s_claims_are_found_in_either_order() {
    let finding = only_finding::<Rule>(&[replication(0), claims(0), claims(0)]);
    assert_eq!((finding.row, finding.class, finding.confidence), (1, SignalClass::Federation, 85));
    assert_eq!((finding.about, finding.severity), (Role::Source, Severity::Critical));
    assert_eq!((finding.evidence.as_slice(), finding.evidence_role), (&[0][..], Some(EvidenceRole::MerelyNames)));
    assert_eq!(
        finding.message,
        "a caller was authenticated by the federation service on fs1.example.test for a secure conversation with its \
         replication service; who reads the farm's configuration has the key that signs its tokens"
    );
    check::<Rule>(&[claims(0), claims(0), replication(0)], &[(2, 85)]);
    check::<Rule>(&[claims(0), replication(-3).late()], &[(1, 85)]);
}

#[test]
fn records_without_their_text_weigh_less() {
    check::<Rule>(&[token(0), claims(0), claims(0)], &[(1, 60)]);
    check::<Rule>(&[token(0), claims(0), replication(60), claims(60)], &[(1, 60), (3, 85)]);
}

#[test]
fn an_ordinary_sign_in_stays_quiet() {
    let rows: Vec<Row> = (0..200).flat_map(|number| [sign_in(number * 20), claims(number * 20)]).collect();
    check::<Rule>(&rows, &[]);
}

#[test]
fn one_of_the_two_alone_is_nothing() {
    check::<Rule>(&[token(0), replication(1)], &[]);
    check::<Rule>(&[claims(0), claims(1)], &[]);
    check::<Rule>(&[replication(0), claims(5)], &[(1, 85)]);
    check::<Rule>(&[replication(0), claims(6)], &[]);
}

#[test]
fn a_farm_that_replicates_is_found_once_a_day() {
    let rows: Vec<Row> = (0..600).flat_map(|number| [replication(number * 300), claims(number * 300)]).collect();
    check::<Rule>(&rows, &[(1, 85), (577, 85), (1_153, 85)]);
}

#[test]
fn hosts_are_distinguished() {
    check::<Rule>(&[record("412", "fs1.example.test", 0), record("501", "fs2.example.test", 0)], &[]);
    check::<Rule>(&[record("412", "fs1.example.test", 0), record("501", "FS1.example.test", 0)], &[(1, 60)]);
    // More hosts than are remembered: the one seen longest ago is forgotten, and a late record of a new host displaces
    // none.
    let mut rows: Vec<Row> = (0..16).map(|number| record("412", &format!("fs{number}"), 100 + number)).collect();
    rows.extend([record("412", "late", 0).late(), record("501", "late", 0).late(), record("501", "fs0", 100)]);
    check::<Rule>(&rows, &[(18, 60)]);
    let mut rows: Vec<Row> = (0..17).map(|number| record("412", &format!("fs{number}"), number)).collect();
    rows.push(record("501", "fs0", 0));
    check::<Rule>(&rows, &[]);
}

#[test]
fn the_layout_of_state_is_that_of_its_version() {
    check_state_size::<Rule>(&[token(0)], KEY, 544);
}
