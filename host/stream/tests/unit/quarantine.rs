//! Which failing rows count towards quarantine.

#![allow(clippy::unwrap_used, reason = "tests")]

use super::*;
use crate::testing::{account, event, sequence};

/// A row of a subject: `?` before it means not authenticated, an empty text means no account.
fn row(subject: &str) -> Sequenced {
    let mut event = event(0);
    event.actor.authenticated = !subject.starts_with('?');
    let subject = subject.trim_start_matches('?');
    event.actor.account = (!subject.is_empty()).then(|| account(subject));
    sequence(vec![event]).remove(0)
}

fn quarantine(min_accounts: u32, percent: u32) -> Quarantine {
    Quarantine::new(QuarantineThreshold { min_accounts, percent })
}

/// Notes rows, failing ones marked by a leading `!`; returns after which the rule was in quarantine.
fn note(quarantine: &mut Quarantine, rows: &[String]) -> Option<usize> {
    let noted = rows.iter().map(|subject| match subject.strip_prefix('!') {
        Some(subject) => quarantine.note(&row(subject), true),
        None => quarantine.note(&row(subject), false),
    });
    noted.collect::<Vec<_>>().iter().position(|entered| *entered)
}

fn subjects(mark: &str, numbers: std::ops::Range<u32>) -> Vec<String> {
    numbers.map(|number| format!("{mark}AIDA{number}")).collect()
}

#[test]
fn both_the_number_and_the_share_must_be_reached() {
    let mut few = quarantine(3, 50);
    assert_eq!(note(&mut few, &subjects("!", 0..2)), None, "all accounts seen, but too few");
    assert_eq!(note(&mut few, &subjects("!", 2..3)), Some(0));
    let mut many = quarantine(3, 50);
    assert_eq!(note(&mut many, &subjects("", 0..10)), None);
    assert_eq!(note(&mut many, &subjects("!", 0..4)), None, "four of ten");
    assert_eq!(note(&mut many, &subjects("!", 4..5)), Some(0), "five of ten");
    assert_eq!(many.accounts(), (5, 10));
}

#[test]
fn an_account_that_fails_often_counts_once() {
    let mut quarantine = quarantine(2, 20);
    let rows: Vec<String> = (0..1_000).map(|_| "!AIDA1".to_owned()).collect();
    assert_eq!((note(&mut quarantine, &rows), quarantine.accounts()), (None, (1, 1)));
}

#[test]
fn unauthenticated_names_count_neither_way() {
    let mut quarantine = quarantine(1, 50);
    let mut rows = subjects("!?", 0..1_000);
    rows.extend(subjects("?", 1_000..2_000));
    rows.extend((0..10).map(|_| "!".to_owned()));
    assert_eq!((note(&mut quarantine, &rows), quarantine.accounts()), (None, (0, 0)));
    // They don't dilute a share either.
    note(&mut quarantine, &subjects("", 0..1));
    assert_eq!(note(&mut quarantine, &subjects("!", 1..2)), Some(0));
}

#[test]
fn one_subject_of_two_tenants_is_two_accounts() {
    let mut quarantine = quarantine(2, 100);
    assert_eq!(note(&mut quarantine, &["!AIDA1".to_owned()]), None);
    let mut elsewhere = event(1);
    elsewhere.actor.account = Some(countersign_model::Account::new("aws", "444455556666", "AIDA1"));
    assert!(quarantine.note(&sequence(vec![elsewhere]).remove(0), true));
}

#[test]
fn accounts_beyond_the_maximum_count_neither_way() {
    let mut quarantine = Quarantine { max_accounts: 10, ..quarantine(1, 20) };
    assert_eq!(note(&mut quarantine, &subjects("", 0..10)), None);
    assert_eq!(note(&mut quarantine, &subjects("!", 10..1_000)), None);
    assert_eq!(quarantine.accounts(), (0, 10));
    assert_eq!(note(&mut quarantine, &subjects("!", 0..2)), Some(1));
}
