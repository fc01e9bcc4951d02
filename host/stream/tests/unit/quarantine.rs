//! Which accounts of a source count, and for how long.

#![allow(clippy::unwrap_used, reason = "tests")]

use countersign_model::Timestamp;

use super::*;

/// The step so many minutes after the epoch.
fn minute(minutes: i64) -> Step {
    Step::of(Timestamp(minutes * 60 * 1_000_000))
}

#[test]
fn both_the_number_and_the_share_must_be_reached() {
    let threshold = QuarantineThreshold { min_accounts: 3, percent: 50 };
    for (failed, seen, reached) in
        [(2, 2, false), (3, 3, true), (3, 6, true), (3, 7, false), (4, 10, false), (5, 10, true)]
    {
        assert_eq!(threshold.is_reached(failed, seen), reached, "{failed} of {seen}");
    }
}

#[test]
fn an_account_counts_once_and_for_an_hour_after_its_last_row() {
    let mut accounts = Accounts::default();
    assert_eq!(accounts.count(1, minute(0), true), Counted::Failed);
    assert_eq!(accounts.count(1, minute(3), true), Counted::Nothing, "the same step");
    assert_eq!(accounts.count(2, minute(4), false), Counted::Seen);
    assert_eq!(accounts.within_hour(minute(4)), (1, 2));
    assert_eq!(accounts.count(1, minute(5), false), Counted::Seen);
    assert_eq!(accounts.within_hour(minute(59)), (1, 2));
    // What it failed on is out of the hour, but it was seen in it; the other isn't any more.
    assert_eq!(accounts.within_hour(minute(60)), (0, 1));
    assert_eq!(accounts.count(1, minute(60), true), Counted::Failed);
    assert_eq!(accounts.within_hour(minute(60)), (1, 1));
    assert_eq!(accounts.within_hour(minute(120)), (0, 0));
}

#[test]
fn what_left_the_hour_is_forgotten_and_counts_no_more() {
    let mut accounts = Accounts::default();
    (0..100).for_each(|account| {
        accounts.count(account, minute(i64::try_from(account).unwrap()), account % 2 == 0);
    });
    assert_eq!(accounts.forget_before(minute(54)), Vec::<u64>::new());
    let mut gone = accounts.forget_before(minute(99));
    gone.sort_unstable();
    assert_eq!(gone, (0..40).collect::<Vec<_>>());
    assert_eq!((accounts.within_hour(minute(99)), accounts.all().count()), ((30, 60), 60));
    accounts.forget_before(minute(1_000));
    assert!(accounts.is_empty() && accounts.steps.is_empty());
}

#[test]
fn accounts_beyond_the_maximum_count_neither_way() {
    let mut accounts = Accounts { max_accounts: 10, ..Accounts::default() };
    (0..10).for_each(|account| {
        accounts.count(account, minute(0), false);
    });
    (10..1_000).for_each(|account| assert_eq!(accounts.count(account, minute(1), true), Counted::Nothing));
    assert_eq!(accounts.within_hour(minute(1)), (0, 10));
    // Those that are counted still do.
    assert_eq!(accounts.count(0, minute(1), true), Counted::Failed);
    assert_eq!(accounts.within_hour(minute(1)), (1, 10));
    // Once they have left the hour there is room.
    accounts.forget_before(minute(100));
    assert_eq!(accounts.count(500, minute(100), true), Counted::Failed);
}

/// What is put in again one by one is what was counted, in any order.
#[test]
fn restored_accounts_count_the_same() {
    let mut accounts = Accounts::default();
    for row in 0..500_u64 {
        accounts.count(row * 7 % 31, minute(i64::try_from(row).unwrap() / 3), row % 5 == 0);
    }
    let mut restored = Accounts::default();
    let mut all: Vec<u64> = accounts.all().collect();
    all.sort_unstable_by_key(|account| account * 13 % 31);
    all.into_iter().for_each(|account| restored.restore(account, accounts.get(account).unwrap()));
    for at in [100, 150, 166, 180, 210, 300] {
        assert_eq!(restored.within_hour(minute(at)), accounts.within_hour(minute(at)), "{at}");
    }
}
