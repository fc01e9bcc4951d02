//! An account that is denied many calls of several operations within a few minutes: a credential in hands that don't
//! know what it may do.

use countersign_sdk::prelude::*;

countersign_sdk::rule!();

/// Most distinct operations that are told apart; the parameter `distinct-operations` goes no further.
const MAX_OPERATIONS: usize = 8;

/// What is kept of an account.
#[derive(State)]
#[state(slot = "window")]
struct Window {
    denied: SlidingCount<12>,
    operations: SlidingDistinct<MAX_OPERATIONS>,
    /// When the burst that was last reported was seen; within one window of it nothing is reported again.
    reported: Option<Timestamp>,
}

/// Reports a burst when it begins, and again only when a whole window went by since.
#[detection]
fn detect(event: &Event, window: &mut Slot<Window>, cx: &mut Context) {
    let parameters = cx.parameters();
    let (at, length) = (event.time(), parameters.window);
    let Some(operation) = event.api_operation() else { return };
    window.keep(event.reference());
    let denied = window.denied.add(at, length);
    let operations = window.operations.add(operation, at, length);
    let known = window.reported.is_some_and(|reported| at - reported < length);
    if known || (denied as i64) < parameters.threshold || (operations as i64) < parameters.distinct_operations {
        return;
    }
    window.reported = Some(at);
    let severity = if operations == MAX_OPERATIONS { Severity::High } else { Severity::Medium };
    let finding = Finding::new(class::Token, confidence(denied, operations, parameters))
        .severity(severity)
        .about(Role::Actor)
        .evidence_all(window.kept())
        .message(format!(
            "{denied} denied calls of {} operations within {length}, the last {operation} of {}",
            if operations == MAX_OPERATIONS { format!("{MAX_OPERATIONS} or more") } else { operations.to_string() },
            event.api_service_name().unwrap_or("an unnamed service"),
        ));
    cx.find(finding);
}

/// 60 for a burst that just reaches both thresholds; 4 more for each operation beyond, and 1 for each tenth of the
/// threshold by which there are more calls; at most 90.
fn confidence(denied: u64, operations: usize, parameters: &Parameters) -> u8 {
    let more_operations = (operations as i64).saturating_sub(parameters.distinct_operations).max(0);
    let more_calls =
        (denied as i64).saturating_sub(parameters.threshold).saturating_mul(10) / parameters.threshold.max(1);
    let points = 60_i64.saturating_add(more_operations * 4).saturating_add(more_calls.clamp(0, 10));
    u8::try_from(points.min(90)).unwrap_or(90)
}

#[cfg(test)]
mod tests {
    use countersign_sdk::testing::{Bench, Found, Row, Value, row, time};

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
        let at = time("2024-05-01T08:00:00Z") + Duration::from_secs(seconds);
        row()
            .key("aws:111122223333:AIDAEXAMPLE")
            .at_time(at)
            .api_operation(operation)
            .api_service_name("iam.amazonaws.com")
    }

    /// The same findings, and the same state after them, whatever the batch size.
    fn check(rows: &[Row]) -> Vec<Found> {
        let mut whole = Bench::<Rule>::new();
        let found = whole.feed(rows);
        for size in [1, 2, 7] {
            let mut split = Bench::<Rule>::new().batch_size(size);
            assert_eq!(split.feed(rows), found, "batches of {size}");
            let key = "aws:111122223333:AIDAEXAMPLE";
            assert_eq!(split.blob(0, key), whole.blob(0, key), "batches of {size}");
        }
        found
    }

    #[test]
    fn a_burst_is_found_once_when_it_crosses_the_threshold() {
        let rows: Vec<Row> = (0..40).map(|call| denied(SCAN[call % 8], call as i64)).collect();
        let found = check(&rows);
        let [finding] = found.as_slice() else { panic!("{found:?}") };
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
        let found = check(&rows);
        assert_eq!(found.iter().map(|finding| finding.row).collect::<Vec<_>>(), [9]);
        let rows: Vec<Row> = (0..100).map(|call| denied(SCAN[call % 4], call as i64 * 5)).collect();
        let found = check(&rows);
        assert_eq!(found.iter().map(|finding| finding.row).collect::<Vec<_>>(), [9, 69]);
        assert_eq!(found[1].evidence, (54..70).collect::<Vec<_>>());
        assert!(found[1].confidence > found[0].confidence);
    }

    #[test]
    fn a_job_that_repeats_one_denied_call_stays_quiet() {
        let rows: Vec<Row> = (0..500).map(|call| denied("PutMetricData", call)).collect();
        assert_eq!(check(&rows), []);
        let rows: Vec<Row> = (0..500).map(|call| denied(SCAN[call as usize % 2], call)).collect();
        assert_eq!(check(&rows), []);
    }

    #[test]
    fn slow_denials_stay_quiet() {
        let rows: Vec<Row> = (0..100).map(|call| denied(SCAN[call as usize % 8], call * 60)).collect();
        assert_eq!(check(&rows), []);
    }

    #[test]
    fn accounts_are_counted_apart_and_rows_without_one_not_at_all() {
        let mut rows: Vec<Row> = Vec::new();
        for call in 0..9_usize {
            rows.push(denied(SCAN[call % 8], call as i64));
            rows.push(denied(SCAN[call % 8], call as i64).key("aws:111122223333:AIDAOTHER"));
        }
        rows.extend((0..50_usize).map(|call| denied_without_key(SCAN[call % 8], call as i64)));
        assert_eq!(check(&rows), []);
    }

    fn denied_without_key(operation: &str, seconds: i64) -> Row {
        row().at_time(time("2024-05-01T08:00:00Z") + Duration::from_secs(seconds)).api_operation(operation)
    }

    #[test]
    fn the_operator_sets_the_thresholds() {
        let rows: Vec<Row> = (0..4).map(|call| denied("ListUsers", call)).collect();
        let mut bench = Bench::<Rule>::new()
            .set("threshold", Value::Signed(3))
            .set("distinct-operations", Value::Signed(1))
            .set("window", Value::Signed(60_000_000));
        let found = bench.feed(&rows);
        assert_eq!(found.iter().map(|finding| (finding.row, finding.confidence)).collect::<Vec<_>>(), [(2, 60)]);
    }
}
