//! State of a type without a fixed layout.

use countersign_sdk::prelude::*;

countersign_sdk::rule!("detects.toml");

#[derive(State)]
#[state(slot = "window", version = 2)]
struct Window {
    names: Vec<String>,
}

fn main() {}
