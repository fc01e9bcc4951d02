//! What the code of a rule's folder gets when it is built, and that its lock file is kept to.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

use std::fs;
use std::path::Path;
use std::process::Command;

use countersign_build::{BuildError, BuildOptions, build_rule};

const RULE: &str = r#"
id = "example/reads-credentials"
version = "1.0.0"
kind = "detection"
description = "Has a build script."
identity-types = ["human"]
confidence-floor = 50
actions = ["notify"]
signal-classes = ["token"]
event-classes = ["api-activity"]
partition-key = "actor"
where = { field = "api.operation", eq = "GetObject" }
"#;

const MANIFEST: &str = "[package]\nname = \"example\"\nversion = \"1.0.0\"\nedition = \"2024\"\n\n[workspace]\n";

/// Ends the build, and says what it could see.
const SCRIPT: &str = r#"
fn main() {
    let seen: Vec<String> = std::env::vars().map(|(name, value)| format!("{name}={value}")).collect();
    panic!("seen: {}", seen.join(" "));
}
"#;

fn folder(script: Option<&str>) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
    write("rule.toml", RULE);
    write("Cargo.toml", MANIFEST);
    fs::create_dir(folder.path().join("src")).unwrap();
    write("src/lib.rs", "");
    script.iter().for_each(|script| write("build.rs", script));
    folder
}

fn build(folder: &Path) -> String {
    let options = BuildOptions { target_dir: folder.join("target") };
    match build_rule(folder, &options) {
        Err(error @ (BuildError::Cargo(_) | BuildError::Refused { .. })) => error.to_string(),
        Err(error) => panic!("{error}"),
        Ok(_) => panic!("an empty crate is no rule"),
    }
}

/// Run by the next test, in a process with credentials.
#[test]
#[ignore = "needs credentials in its environment"]
fn build_with_credentials() {
    let folder = folder(Some(SCRIPT));
    let error = build(folder.path());
    assert!(error.contains("seen: ") && error.contains("OUT_DIR="), "{error}");
    assert!(error.contains("HOME=") && error.contains("PATH="), "{error}");
    assert!(!error.contains("swordfish"), "{error}");
}

#[test]
fn a_build_script_finds_no_credentials() {
    let mut child = Command::new(std::env::current_exe().unwrap());
    child.args(["--exact", "build_with_credentials", "--ignored"]);
    for name in
        ["AWS_SECRET_ACCESS_KEY", "CARGO_REGISTRY_TOKEN", "GITHUB_TOKEN", "SSH_AUTH_SOCK", "VAULT_TOKEN", "ANYTHING"]
    {
        child.env(name, "swordfish");
    }
    let output = child.output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success() && said.contains("1 passed"), "{said}");
}

#[test]
fn a_lock_file_is_kept_to() {
    let folder = folder(None);
    let path = |name: &str| folder.path().join(name);
    // Without one cargo makes one.
    build(folder.path());
    let lock = fs::read_to_string(path("Cargo.lock")).unwrap();
    // The manifest has changed since.
    fs::create_dir_all(path("more/src")).unwrap();
    fs::write(path("more/Cargo.toml"), MANIFEST.replace("example", "more").replace("[workspace]\n", "")).unwrap();
    fs::write(path("more/src/lib.rs"), "").unwrap();
    fs::write(path("Cargo.toml"), format!("{MANIFEST}[dependencies]\nmore = {{ path = \"more\" }}\n")).unwrap();
    let error = build(folder.path());
    for part in ["Cargo.lock isn't up to date", "`cargo update --workspace --manifest-path ", "Cargo.toml`"] {
        assert!(error.contains(part), "{part}: {error}");
    }
    assert_eq!(fs::read_to_string(path("Cargo.lock")).unwrap(), lock);
    // What the message says helps.
    let update = Command::new("cargo")
        .args(["update", "--workspace", "--offline", "--quiet", "--manifest-path"])
        .arg(path("Cargo.toml"))
        .status();
    assert!(update.unwrap().success());
    assert!(!build(folder.path()).contains("Cargo.lock"));
}

#[test]
fn the_lock_file_of_a_workspace_counts() {
    let folder = folder(None);
    let path = |name: &str| folder.path().join(name);
    fs::create_dir(path("rule")).unwrap();
    for name in ["rule.toml", "src"] {
        fs::rename(path(name), path("rule").join(name)).unwrap();
    }
    fs::write(path("rule/Cargo.toml"), MANIFEST.replace("\n[workspace]\n", "")).unwrap();
    fs::write(path("Cargo.toml"), "[workspace]\nresolver = \"3\"\nmembers = [\"rule\"]\n").unwrap();
    fs::write(path("Cargo.lock"), "version = 4\n").unwrap();
    assert!(build(&path("rule")).contains("Cargo.lock isn't up to date"));
    assert_eq!(fs::read_to_string(path("Cargo.lock")).unwrap(), "version = 4\n");
}
