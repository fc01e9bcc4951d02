//! The rule over rows: what it finds and what it leaves alone.

use countersign_sdk::testing::{Harness, Row, findings, only_finding, row};

use super::*;

const SCAN: [&str; 8] = [
    "ListUsers",
    "ListBuckets",
    "ListRoles",
    "DescribeInstances",
    "ListSecrets",
    "GetAccountSummary",
    "ListFunctions20150331",
    "DescribeDBInstances",
];

fn denied(operation: &str, seconds: i64) -> Row {
    row()
        .key("aws:111122223333:AIDAEXAMPLE")
        .at("2024-05-01T08:00:00Z")
        .plus_secs(seconds)
        .api_operation(operation)
        .api_service_name("iam.amazonaws.com")
}

#[test]
fn a_burst_is_found_once_when_it_crosses_the_threshold() {
    let rows: Vec<Row> = (0..40).map(|call| denied(SCAN[call % 8], call as i64)).collect();
    let finding = only_finding::<Rule>(&rows);
    assert_eq!((finding.row, finding.class, finding.confidence), (9, SignalClass::Token, 80));
    assert_eq!(finding.severity, Severity::High);
    assert_eq!(finding.evidence, (0..10).collect::<Vec<_>>());
    assert_eq!(finding.techniques, ["T1078.004", "T1526", "T1580"]);
    assert_eq!(
        finding.message,
        "10 denied calls of 8 or more operations within 5m, the last ListBuckets of iam.amazonaws.com"
    );
}

#[test]
fn it_reports_again_after_a_window_with_no_more_references_than_are_kept() {
    let rows: Vec<Row> = (0..62).map(|call| denied(SCAN[call % 4], call as i64 * 5)).collect();
    let found = findings::<Rule>(&rows);
    assert_eq!(found.iter().map(|finding| finding.row).collect::<Vec<_>>(), [9]);
    let rows: Vec<Row> = (0..100).map(|call| denied(SCAN[call % 4], call as i64 * 5)).collect();
    let found = findings::<Rule>(&rows);
    assert_eq!(found.iter().map(|finding| finding.row).collect::<Vec<_>>(), [9, 69]);
    assert_eq!(found[1].evidence, (54..70).collect::<Vec<_>>());
    assert!(found[1].confidence > found[0].confidence);
}

#[test]
fn a_job_that_repeats_one_denied_call_stays_quiet() {
    let rows: Vec<Row> = (0..500).map(|call| denied("PutMetricData", call)).collect();
    assert_eq!(findings::<Rule>(&rows), []);
    let rows: Vec<Row> = (0..500).map(|call| denied(SCAN[call as usize % 2], call)).collect();
    assert_eq!(findings::<Rule>(&rows), []);
}

#[test]
fn slow_denials_stay_quiet() {
    let rows: Vec<Row> = (0..100).map(|call| denied(SCAN[call as usize % 8], call * 60)).collect();
    assert_eq!(findings::<Rule>(&rows), []);
}

#[test]
fn accounts_are_counted_apart_and_rows_without_one_not_at_all() {
    let mut rows: Vec<Row> = Vec::new();
    for call in 0..9_usize {
        rows.push(denied(SCAN[call % 8], call as i64));
        rows.push(denied(SCAN[call % 8], call as i64).key("aws:111122223333:AIDAOTHER"));
    }
    rows.extend((0..50_usize).map(|call| denied_without_key(SCAN[call % 8], call as i64)));
    assert_eq!(findings::<Rule>(&rows), []);
}

fn denied_without_key(operation: &str, seconds: i64) -> Row {
    row().at("2024-05-01T08:00:00Z").plus_secs(seconds).api_operation(operation)
}

#[test]
fn the_operator_sets_the_thresholds() {
    let rows: Vec<Row> = (0..4).map(|call| denied("ListUsers", call)).collect();
    let mut harness =
        Harness::<Rule>::new().set("threshold", 3).set("distinct-operations", 1).set("window", Duration::from_secs(60));
    let found = harness.feed(&rows);
    assert_eq!(found.iter().map(|finding| (finding.row, finding.confidence)).collect::<Vec<_>>(), [(2, 60)]);
}
