//! Names the commit that the binary is built from, for `--version`. Never fails: without Git the commit is `unknown`.

use std::path::{Path, PathBuf};
use std::process::Command;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let commit = commit().unwrap_or_else(|| "unknown".to_owned());
    println!("cargo::rustc-env=COUNTERSIGN_COMMIT={commit}");
}

/// The commit of this project's checkout, but not of a checkout around an unpacked archive of it.
fn commit() -> Option<String> {
    let package = PathBuf::from(std::env::var_os("CARGO_MANIFEST_DIR")?);
    let root = package.join("../..").canonicalize().ok()?;
    let checkout = PathBuf::from(git(&root, &["rev-parse", "--show-toplevel"])?);
    if checkout.canonicalize().ok()? != root {
        return None;
    }
    // HEAD changes with the branch, its log with each commit, checkout and reset.
    for name in ["HEAD", "logs/HEAD"] {
        let path = root.join(git(&root, &["rev-parse", "--git-path", name])?);
        // A path that doesn't exist would make Cargo run this script each time.
        if path.is_file() {
            println!("cargo::rerun-if-changed={}", path.display());
        }
    }
    git(&root, &["describe", "--tags", "--always", "--abbrev=12"])
}

/// The output of a Git command that succeeds.
fn git(folder: &Path, arguments: &[&str]) -> Option<String> {
    let output = Command::new("git").current_dir(folder).args(arguments).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?.trim().to_owned();
    (output.status.success() && !text.is_empty()).then_some(text)
}
