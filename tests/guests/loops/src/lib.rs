//! Never returns from a chosen event; what it says of another has `proposes-garbage` never return.

use countersign_sdk::prelude::*;

countersign_sdk::rule!();

#[detection]
#[expect(clippy::infinite_loop, reason = "the purpose of this guest")]
fn detect(event: &Event, cx: &mut Context) {
    if event.api_operation() == Some("LoopHere") {
        loop {
            core::hint::spin_loop();
        }
    }
    let message = if event.api_operation() == Some("LoopLater") { "Loop" } else { "came back" };
    cx.report(Finding::new(class::Privilege, 60).message(message));
}
