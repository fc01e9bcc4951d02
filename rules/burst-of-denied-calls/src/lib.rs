//! An account that is denied many calls of several operations within a few minutes: a credential in hands that don't
//! know what it may do.

use countersign_sdk::prelude::*;

countersign_sdk::rule!();

#[cfg(test)]
#[path = "../tests/unit/mod.rs"]
mod tests;

/// The number of distinct operations that are counted; the maximum of the parameter `distinct-operations`.
const MAX_OPERATIONS: usize = 8;

/// State of an account, or of one person of a permission set.
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
    cx.report(finding);
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
