//! A field that isn't declared.

use countersign_sdk::prelude::*;

countersign_sdk::rule!("detects.toml");

#[detection]
fn detect(event: &Event, _cx: &mut Context) {
    let _ = event.actor_user_uid();
    let _ = event.actor_user_name();
}

fn main() {}
