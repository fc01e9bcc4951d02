//! No rule.toml where it is looked for.

countersign_sdk::rule!("nowhere.toml");

fn main() {}
