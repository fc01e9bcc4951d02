//! Counts calls of an account: the older version of a rule whose state a newer one reads.

use countersign_sdk::prelude::*;

countersign_sdk::rule!();

/// State of an account.
#[derive(State)]
#[state(slot = "count")]
struct Count {
    calls: u32,
}

#[detection]
fn detect(event: &Event, count: &mut Slot<Count>, cx: &mut Context) {
    count.calls = count.calls.saturating_add(1);
    count.keep(event.reference());
    if count.calls.is_multiple_of(3) {
        cx.report(
            Finding::new(class::Privilege, 60).evidence_all(count.kept()).message(format!("{} calls", count.calls)),
        );
    }
}
