//! A declaration with faults of its own.

countersign_sdk::rule!("faulty.toml");

fn main() {}
