//! A `clippy.toml` in a folder replaces the workspace's, so those of guests repeat it and add to it.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::fs;
use std::path::Path;

fn settings(path: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(path)).unwrap()
}

#[test]
fn clippy_settings_of_guests_contain_the_workspaces() {
    let (root, sdk, rules) =
        (settings("clippy.toml"), settings("guest-sdk/clippy.toml"), settings("rules/.clippy.toml"));
    assert_eq!(sdk, rules, "guest-sdk/clippy.toml and rules/.clippy.toml differ");
    for line in root.lines() {
        assert!(rules.lines().any(|one| one == line), "rules/.clippy.toml lacks the workspace's `{line}`");
    }
    for name in ["HashMap", "HashSet"] {
        assert!(rules.contains(&format!("std::collections::{name}")), "`{name}` is not disallowed");
    }
}
