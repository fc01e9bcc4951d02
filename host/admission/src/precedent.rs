//! What admission holds code against, in one digest: under another one, that code was admitted before says nothing.

use std::fmt::Write as _;

use countersign_model::Digest;

use crate::features::{MAX_NESTED, feature_names};
use crate::world::{DETECTION, RESPONSE};

/// Whose word validity and the world are. A test holds it against the lock file.
const TOOLS: [(&str, &str); 3] = [("wasmparser", "0.254.2"), ("wit-component", "0.254.2"), ("wit-parser", "0.254.2")];

/// What the verdict on a component's code hangs on beside the code and the rule's kind: this crate's release, the
/// validator's and decoder's, the features that are on, and our worlds. Limits of the operator's aren't part of it: they
/// are asked every time.
#[must_use]
pub fn code_rules() -> Digest {
    let mut text = format!("countersign admission of code 1\n{}\n{MAX_NESTED}\n", env!("CARGO_PKG_VERSION"));
    for (tool, version) in TOOLS {
        // INVARIANT: writing to a string doesn't fail.
        let _ = writeln!(text, "{tool} {version}");
    }
    for part in feature_names().into_iter().chain([DETECTION, RESPONSE]) {
        let _ = writeln!(text, "{} {part}", part.len());
    }
    Digest::of(text.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tools_are_those_of_the_lock_file() {
        let lock = include_str!("../../../Cargo.lock");
        let packages: Vec<_> = lock.split("[[package]]\n").collect();
        let ours = packages.iter().find(|package| package.starts_with("name = \"countersign-admission\"\n")).unwrap();
        for (tool, version) in TOOLS {
            let named = format!("name = \"{tool}\"\n");
            let versions: Vec<_> = packages.iter().filter(|package| package.starts_with(&named)).collect();
            // Where there are several versions, the lock file says which is whose.
            let whose = if versions.len() == 1 { format!("\"{tool}\",") } else { format!("\"{tool} {version}\",") };
            assert!(ours.contains(&whose), "expected {whose} in {ours}");
            let pinned = format!("{named}version = \"{version}\"\n");
            assert!(versions.iter().any(|package| package.starts_with(&pinned)), "expected {pinned} in {versions:?}");
        }
    }
}
