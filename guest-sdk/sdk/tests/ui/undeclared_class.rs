//! A signal class that isn't declared.

use countersign_sdk::prelude::*;

countersign_sdk::rule!("detects.toml");

#[detection]
fn detect(_event: &Event, cx: &mut Context) {
    cx.report(Finding::new(class::Token, 50));
    cx.report(Finding::new(class::SignIn, 50));
}

fn main() {}
