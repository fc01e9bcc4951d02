//! A response in a detection's declaration.

use countersign_sdk::prelude::*;

countersign_sdk::rule!("responds.toml");

#[detection]
fn detect(_event: &countersign_sdk::Event<'_, Rule>, _cx: &mut countersign_sdk::Context<'_, '_, Rule>) {}

fn main() {}
