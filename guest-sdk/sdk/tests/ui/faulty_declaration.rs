countersign_sdk::rule!("faulty.toml");

fn main() {}
