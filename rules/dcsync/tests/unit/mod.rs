//! The rule over rows: what it finds, what it leaves alone, and what it remembers.

use countersign_sdk::testing::{Harness, Row, check_state_size, row};

use super::*;

const CHANGES: &str = "1131f6aa-9c07-11d1-f79f-00c04fc2dcd2";
const ALL: &str = "1131f6ad-9c07-11d1-f79f-00c04fc2dcd2";
const FILTERED: &str = "89e95b76-444d-4c62-991a-0facbeda640c";
const DOMAIN: &str = "19195a5b-6da0-11d0-afd3-00c04fd930c9";

fn key(name: &str) -> String {
    format!("windows:S-1-5-21-1-2-3:{name}")
}

fn asks(name: &str, rights: &[&str], seconds: i64) -> Row {
    let row = row()
        .key(&key(name))
        .at("2026-03-04T08:00:00Z")
        .plus_secs(seconds)
        .actor_user_name(name)
        .actor_user_domain("EXAMPLE")
        .status_id(1);
    row.win_object_properties(rights).device_hostname("dc1.example.test")
}

fn plain() -> Harness<Rule> {
    Harness::new()
}

fn with_table() -> Harness<Rule> {
    let known = |harness: Harness<Rule>, name: &str, roles: &[&str]| {
        harness.context_for_key("domain-roles", &key(name), &[("roles", roles.into())])
    };
    let harness = known(plain(), "DC2$", &["certificate-authority", "domain-controller"]);
    let harness = known(harness, "MSOL_1", &["sync-account"]);
    let harness = known(harness, "CA1$", &["certificate-authority"]);
    harness.context_for_key("domain-roles", &key("mallory"), &[])
}

#[test]
fn a_person_s_account_that_replicates_is_found() {
    let rows = [
        asks("mallory", &[CHANGES, DOMAIN], 0),
        asks("mallory", &[CHANGES, DOMAIN], 0),
        asks("mallory", &[ALL, DOMAIN], 0),
        asks("mallory", &[ALL, DOMAIN], 5),
    ];
    let found = plain().feed(&rows);
    let [first, second] = found.as_slice() else { panic!("{found:#?}") };
    assert_eq!((first.row, first.class, first.confidence), (0, SignalClass::Credential, 75));
    assert_eq!((first.about, first.severity, first.evidence_role), (Role::Actor, Severity::High, None));
    assert_eq!((second.row, second.confidence, second.severity), (2, 90, Severity::Critical));
    assert_eq!(second.evidence, [0]);
    assert_eq!(second.techniques, ["T1003.006"]);
    assert_eq!(
        second.message,
        "EXAMPLE\\mallory asked for all changes, secrets included of the directory at dc1.example.test; it isn't the account \
         of a machine, and no table of domain roles declares it"
    );
}

#[test]
fn a_machine_without_a_table_is_only_noted_and_once_a_week() {
    let rows: Vec<Row> = (0..24 * 14).map(|hour| asks("DC2$", &[CHANGES, ALL], hour * 3_600)).collect();
    plain().check(&rows, &[(0, 40), (168, 40)]);
}

#[test]
fn the_table_declares_who_replicates() {
    with_table().check(&[asks("DC2$", &[ALL], 0), asks("MSOL_1", &[ALL], 1)], &[]);
    with_table().check(
        &[asks("CA1$", &[ALL], 0), asks("CA1$", &[CHANGES], 1), asks("mallory", &[CHANGES], 2)],
        &[(0, 85), (2, 75)],
    );
    assert!(
        with_table().feed(&[asks("CA1$", &[FILTERED], 0)])[0]
            .message
            .ends_with("; it is declared neither as a domain controller nor as a sync account")
    );
}

#[test]
fn a_refusal_weighs_less() {
    plain().check(&[asks("mallory", &[ALL], 0).status_id(2), asks("mallory", &[ALL], 1)], &[(0, 75), (1, 90)]);
    plain().check(&[asks("mallory", &[FILTERED], 0).status_id(2)], &[(0, 60)]);
}

#[test]
fn other_rights_stay_quiet() {
    plain().check(
        &[
            asks("mallory", &[DOMAIN], 0),
            asks("mallory", &[], 1),
            asks("mallory", &["1131f6ab-9c07-11d1-f79f-00c04fc2dcd2"], 2),
        ],
        &[],
    );
}

#[test]
fn it_is_reported_again_after_an_hour() {
    let rows: Vec<Row> = (0..130).map(|minute| asks("mallory", &[ALL], minute * 60)).collect();
    plain().check(&rows, &[(0, 90), (60, 90), (120, 90)]);
}

#[test]
fn late_rows_are_reported_as_well() {
    plain().check(&[asks("mallory", &[CHANGES], 0), asks("mallory", &[ALL], -10).late()], &[(0, 75), (1, 90)]);
    plain().check(&[asks("mallory", &[ALL], 0), asks("mallory", &[ALL], -10).late()], &[(0, 90)]);
}

#[test]
fn accounts_are_kept_apart_and_one_that_the_record_does_not_name_is_found_each_time() {
    plain().check(&[asks("mallory", &[ALL], 0), asks("trudy", &[ALL], 1)], &[(0, 90), (1, 90)]);
    let unnamed = || row().win_object_properties(&[ALL]);
    plain().check(&[unnamed(), unnamed()], &[(0, 90), (1, 90)]);
    assert!(plain().feed(&[unnamed()])[0].message.starts_with("an unnamed account asked for"));
}

#[test]
fn the_layout_of_state_is_that_of_its_version() {
    check_state_size::<Rule>(&[asks("mallory", &[ALL], 0)], &key("mallory"), 10);
}
