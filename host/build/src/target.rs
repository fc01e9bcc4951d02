//! Installs the WebAssembly target if it is missing.

use std::path::Path;
use std::process::Command;

use crate::BuildError;
use crate::cargo::TARGET;

/// Makes sure that Rust can compile for `wasm32-unknown-unknown`, adding the target with rustup if it is missing.
///
/// # Errors
/// With what to do, when it is missing and can't be added.
pub fn ensure_target() -> Result<(), BuildError> {
    if installed()? {
        return Ok(());
    }
    let output = Command::new("rustup").args(["target", "add", TARGET]).output().map_err(|error| {
        BuildError::Target(format!(
            "rules are compiled for `{TARGET}`, which this Rust lacks, and `rustup` can't be run ({error}): install \
             the target with your package manager, or Rust with rustup"
        ))
    })?;
    if output.status.success() && installed()? {
        return Ok(());
    }
    Err(BuildError::Target(format!(
        "rules are compiled for `{TARGET}`, which this Rust lacks, and `rustup target add {TARGET}` failed: {}",
        String::from_utf8_lossy(&output.stderr).trim()
    )))
}

fn installed() -> Result<bool, BuildError> {
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let output =
        Command::new(&rustc).args(["--print", "target-libdir", "--target", TARGET]).output().map_err(|error| {
            BuildError::Target(format!("`rustc` can't be run ({error}): rules are compiled with Rust, see rustup.rs"))
        })?;
    let folder = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    Ok(output.status.success() && Path::new(&folder).is_dir())
}
