//! State of another version than its slot's.

use countersign_sdk::prelude::*;

countersign_sdk::rule!("detects.toml");

#[derive(State)]
#[state(slot = "window")]
struct Window {
    count: u32,
}

#[detection]
fn detect(_event: &Event, window: &mut Slot<Window>, _cx: &mut Context) {
    window.count += 1;
}

fn main() {}
