//! State larger than its slot allows.

use countersign_sdk::prelude::*;

countersign_sdk::rule!("detects.toml");

#[derive(State)]
#[state(slot = "window", version = 2)]
struct Window {
    count: u64,
    more: bool,
}

#[detection]
fn detect(_event: &Event, window: &mut Slot<Window>, _cx: &mut Context) {
    window.count += 1;
    window.more = true;
}

fn main() {}
