//! Never comes back from a chosen event.

use countersign_sdk::prelude::*;

countersign_sdk::rule!();

#[detection]
#[expect(clippy::infinite_loop, reason = "what it is for")]
fn detect(event: &Event, cx: &mut Context) {
    if event.api_operation() == Some("LoopHere") {
        loop {
            core::hint::spin_loop();
        }
    }
    cx.find(Finding::new(class::Privilege, 60).message("came back"));
}
