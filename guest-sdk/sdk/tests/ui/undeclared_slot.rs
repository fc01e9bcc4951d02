//! A slot that isn't declared.

use countersign_sdk::prelude::*;

countersign_sdk::rule!("detects.toml");

#[derive(State)]
#[state(slot = "widow", version = 2)]
struct Window {
    count: u32,
}

#[detection]
fn detect(_event: &Event, window: &mut Slot<Window>, _cx: &mut Context) {
    window.count += 1;
}

fn main() {}
