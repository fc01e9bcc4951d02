//! When a rule goes into quarantine: by distinct accounts that authenticated, regardless of what others send.

use countersign_stream::{Quarantine, QuarantineThreshold};

use crate::support::{Judge, Row, guest};

/// Positions at which the rule that panics goes into quarantine, and the accounts counted.
fn quarantined(threshold: QuarantineThreshold, rows: &[Row<'_>]) -> (Vec<u64>, (u64, u64)) {
    let mut judge = Judge::new(guest("panics"));
    let rows = judge.rows(rows);
    let outcome = judge.stream.judge(&rows.iter().collect::<Vec<_>>());
    let mut quarantine = Quarantine::new(threshold);
    let failed = |position: u64| outcome.failures.iter().any(|failed| failed.row.position == position);
    let at = rows.iter().filter(|row| quarantine.note(row, failed(row.position))).map(|row| row.position).collect();
    (at, quarantine.accounts())
}

const THREE_OF_A_QUARTER: QuarantineThreshold = QuarantineThreshold { min_accounts: 3, percent: 25 };

#[test]
fn distinct_accounts_count_rather_than_rows() {
    let rows = [
        ("PanicHere", "A"),
        ("PanicHere", "A"),
        ("PanicHere", "A"),
        ("PanicHere", "B"),
        ("ListUsers", "C"),
        ("PanicHere", "C"),
        ("PanicHere", "D"),
    ];
    assert_eq!(quarantined(THREE_OF_A_QUARTER, &rows), (vec![5, 6], (4, 4)));
}

#[test]
fn unauthenticated_accounts_never_count() {
    let rows: Vec<Row<'_>> =
        ["?A", "?B", "?C", "", "?D", "", "E"].into_iter().map(|account| ("PanicHere", account)).collect();
    assert_eq!(quarantined(THREE_OF_A_QUARTER, &rows), (vec![], (1, 1)));
}

#[test]
fn a_small_share_of_many_accounts_is_tolerated() {
    let names: Vec<String> = (0..40).map(|index| format!("ACCOUNT{index}")).collect();
    let passing = names.iter().map(|name| ("ListUsers", name.as_str()));
    let failing = names.iter().take(12).map(|name| ("PanicHere", name.as_str()));
    // The tenth of forty reaches a quarter.
    let rows: Vec<Row<'_>> = passing.chain(failing).collect();
    assert_eq!(quarantined(THREE_OF_A_QUARTER, &rows), (vec![49, 50, 51], (12, 40)));
}
