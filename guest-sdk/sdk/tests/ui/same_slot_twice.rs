//! One slot asked for twice.

use countersign_sdk::prelude::*;

countersign_sdk::rule!("detects.toml");

#[derive(State)]
#[state(slot = "window", version = 2)]
struct Window {
    count: u32,
}

#[detection]
fn detect(_event: &Event, window: &mut Slot<Window>, again: &mut Slot<Window>, _cx: &mut Context) {
    window.count += again.count;
}

fn main() {}
