//! What names a verdict: a digest of the rule's bytes, and one of everything that admission holds them against. Earlier
//! verdicts count only under the same two.

use std::fmt::Write as _;

use countersign_model::Digest;

use crate::features::{MAX_NESTED, feature_names};
use crate::world::{DETECTION, RESPONSE};

/// A digest of a rule's whole bytes, for what was found out about them: BLAKE3, since every start takes it of every rule.
/// What is on record and signed has SHA-256 of a rule's parts.
#[must_use]
pub fn fingerprint(rule: &[u8]) -> Digest {
    Digest(*blake3::hash(rule).as_bytes())
}

/// The crates that decide validity and the world. A test compares them with the lock file.
const TOOLS: [(&str, &str); 3] = [("wasmparser", "0.254.2"), ("wit-component", "0.254.2"), ("wit-parser", "0.254.2")];

/// What the verdict on a rule depends on, apart from its bytes and the operator's limits: the versions of this crate, the
/// validator and the decoder, the enabled features, and Countersign's worlds.
#[must_use]
pub fn code_rules() -> Digest {
    let mut text = format!("countersign admission of code 2\n{}\n{MAX_NESTED}\n", env!("CARGO_PKG_VERSION"));
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
            // Where there are several versions, the lock file names the version that a crate uses.
            let whose = if versions.len() == 1 { format!("\"{tool}\",") } else { format!("\"{tool} {version}\",") };
            assert!(ours.contains(&whose), "expected {whose} in {ours}");
            let pinned = format!("{named}version = \"{version}\"\n");
            assert!(versions.iter().any(|package| package.starts_with(&pinned)), "expected {pinned} in {versions:?}");
        }
    }
}
