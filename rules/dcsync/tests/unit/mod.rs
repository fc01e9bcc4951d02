//! The rule over rows: what it finds, what it leaves alone, and what it remembers.

use countersign_sdk::testing::{Bench, Found, Row, Value, row, time};

use super::*;

const CHANGES: &str = "1131f6aa-9c07-11d1-f79f-00c04fc2dcd2";
const ALL: &str = "1131f6ad-9c07-11d1-f79f-00c04fc2dcd2";
const FILTERED: &str = "89e95b76-444d-4c62-991a-0facbeda640c";
const DOMAIN: &str = "19195a5b-6da0-11d0-afd3-00c04fd930c9";

fn key(name: &str) -> String {
    format!("windows:S-1-5-21-1-2-3:{name}")
}

fn asks(name: &str, rights: &[&str], seconds: i64) -> Row {
    let at = time("2026-03-04T08:00:00Z") + Duration::from_secs(seconds);
    let row = row().key(&key(name)).at_time(at).actor_user_name(name).actor_user_domain("EXAMPLE").status_id(1);
    row.win_object_properties(rights).device_hostname("dc1.example.test")
}

fn plain() -> Bench<Rule> {
    Bench::new()
}

fn with_table() -> Bench<Rule> {
    let roles = |roles: &[&str]| Value::TextList(roles.iter().map(|role| (*role).to_owned()).collect());
    let known = |bench: Bench<Rule>, name: &str, list: &[&str]| {
        bench.context_of_key("domain-roles", &key(name), &[("roles", roles(list))])
    };
    let bench = known(plain(), "DC2$", &["certificate-authority", "domain-controller"]);
    let bench = known(bench, "MSOL_1", &["sync-account"]);
    let bench = known(bench, "CA1$", &["certificate-authority"]);
    bench.context_of_key("domain-roles", &key("mallory"), &[])
}

/// The same findings, and the same state after them, whatever the batch size.
fn found(bench: fn() -> Bench<Rule>, rows: &[Row]) -> Vec<Found> {
    let found = bench().feed(rows);
    for size in [1, 2, 3] {
        assert_eq!(bench().batch_size(size).feed(rows), found, "batches of {size}");
    }
    found
}

/// The rows found, each with its confidence.
fn check(bench: fn() -> Bench<Rule>, rows: &[Row], expected: &[(usize, u8)]) {
    let found = found(bench, rows);
    assert_eq!(found.iter().map(|one| (one.row, one.confidence)).collect::<Vec<_>>(), expected, "{found:#?}");
}

#[test]
fn a_person_s_account_that_replicates_is_found() {
    let rows = [
        asks("mallory", &[CHANGES, DOMAIN], 0),
        asks("mallory", &[CHANGES, DOMAIN], 0),
        asks("mallory", &[ALL, DOMAIN], 0),
        asks("mallory", &[ALL, DOMAIN], 5),
    ];
    let found = found(plain, &rows);
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
    check(plain, &rows, &[(0, 40), (168, 40)]);
}

#[test]
fn the_table_tells_who_replicates() {
    check(with_table, &[asks("DC2$", &[ALL], 0), asks("MSOL_1", &[ALL], 1)], &[]);
    check(
        with_table,
        &[asks("CA1$", &[ALL], 0), asks("CA1$", &[CHANGES], 1), asks("mallory", &[CHANGES], 2)],
        &[(0, 85), (2, 75)],
    );
    assert!(
        found(with_table, &[asks("CA1$", &[FILTERED], 0)])[0]
            .message
            .ends_with("; it is declared neither as a domain controller nor as a sync account")
    );
}

#[test]
fn a_refusal_weighs_less() {
    check(plain, &[asks("mallory", &[ALL], 0).status_id(2), asks("mallory", &[ALL], 1)], &[(0, 75), (1, 90)]);
    check(plain, &[asks("mallory", &[FILTERED], 0).status_id(2)], &[(0, 60)]);
}

#[test]
fn other_rights_are_nobody_s_business() {
    check(
        plain,
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
    check(plain, &rows, &[(0, 90), (60, 90), (120, 90)]);
}

#[test]
fn late_rows_are_reported_as_well() {
    check(plain, &[asks("mallory", &[CHANGES], 0), asks("mallory", &[ALL], -10).late()], &[(0, 75), (1, 90)]);
    check(plain, &[asks("mallory", &[ALL], 0), asks("mallory", &[ALL], -10).late()], &[(0, 90)]);
}

#[test]
fn accounts_are_kept_apart_and_one_that_the_record_does_not_tell_is_found_each_time() {
    check(plain, &[asks("mallory", &[ALL], 0), asks("trudy", &[ALL], 1)], &[(0, 90), (1, 90)]);
    let nobody = || row().win_object_properties(&[ALL]);
    check(plain, &[nobody(), nobody()], &[(0, 90), (1, 90)]);
    assert!(found(plain, &[nobody()])[0].message.starts_with("an unnamed account asked for"));
}

#[test]
fn the_layout_of_state_is_that_of_its_version() {
    // State outlives the rule: another size or order of its parts needs another version of the slot, and a migration.
    let mut bench = plain();
    bench.feed(&[asks("mallory", &[ALL], 0)]);
    assert_eq!(bench.blob(0, &key("mallory")).map(<[u8]>::len), Some(10));
}
