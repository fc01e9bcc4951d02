//! A function of a shape that no rule has.

use countersign_sdk::prelude::*;

countersign_sdk::rule!("detects.toml");

#[detection]
fn detect(_event: &Event, count: &mut u32, _cx: &mut Context) {
    *count += 1;
}

fn main() {}
