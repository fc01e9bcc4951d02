//! Uses much of its fuel on every event, so that large batches run out of it, and more than its limit on chosen ones.

use countersign_sdk::prelude::*;

countersign_sdk::rule!();

/// More rounds than the declared fuel allows.
const TOO_MUCH: i64 = 1_000_000;

/// State of an account.
#[derive(State)]
#[state(slot = "count")]
struct Count {
    rows: u32,
}

#[detection]
fn detect(event: &Event, count: &mut Slot<Count>, cx: &mut Context) {
    let operation = event.api_operation().unwrap_or_default();
    let parameters = cx.parameters();
    count.rows += 1;
    let rounds = if parameters.on.iter().any(|on| on == operation) { TOO_MUCH } else { parameters.work };
    let worked = work(rounds);
    if i64::from(count.rows) % parameters.every == 0 {
        cx.report(Finding::new(class::Privilege, 60).message(format!("row {} of its key, {worked:016x}", count.rows)));
    }
}

/// Useless work that the compiler can't remove: a xorshift generator (Marsaglia, 2003).
fn work(rounds: i64) -> u64 {
    let mut value = 0x9e37_79b9_7f4a_7c15_u64;
    for _ in 0..rounds {
        value ^= value << 13;
        value ^= value >> 7;
        value ^= value << 17;
    }
    value
}
