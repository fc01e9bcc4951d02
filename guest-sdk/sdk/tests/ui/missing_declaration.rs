countersign_sdk::rule!("nowhere.toml");

fn main() {}
