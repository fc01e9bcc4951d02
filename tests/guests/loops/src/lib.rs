//! Never returns from a chosen event.

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
    cx.report(Finding::new(class::Privilege, 60).message("came back"));
}
