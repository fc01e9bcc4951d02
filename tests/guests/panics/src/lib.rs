//! Panics on chosen events, after counting them; reports the count on others, so that a lost count shows.

use countersign_sdk::prelude::*;

countersign_sdk::rule!();

/// State of an account.
#[derive(State)]
#[state(slot = "count")]
struct Count {
    rows: u32,
}

#[detection]
#[expect(clippy::panic, reason = "the purpose of this guest")]
fn detect(event: &Event, count: &mut Slot<Count>, cx: &mut Context) {
    let operation = event.api_operation().unwrap_or_default();
    let parameters = cx.parameters();
    count.rows += 1;
    count.keep(event.reference());
    if parameters.on.iter().any(|on| on == operation) {
        panic!("`{operation}` is more than this rule can bear");
    }
    if i64::from(count.rows) % parameters.every == 0 {
        let finding = Finding::new(class::Privilege, 60).evidence_all(count.kept());
        cx.report(finding.message(format!("row {} of its key", count.rows)));
    }
}
