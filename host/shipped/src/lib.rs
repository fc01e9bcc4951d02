//! The shipped rules as bytes, and their digests: what proves that a rule is one of them. They pass admission like any
//! others.

/// Each shipped rule: its id, and the component with its sections. In the order of their folders.
pub const RULES: &[(&str, &[u8])] = include!(concat!(env!("OUT_DIR"), "/shipped.rs"));

/// The parts of a shipped rule by their SHA-256.
#[derive(Clone, Copy, Debug)]
pub struct RuleDigests {
    /// `publisher/name`.
    pub id: &'static str,
    /// Semantic version.
    pub version: &'static str,
    /// `fingerprint` of all of it: admission has admitted exactly these bytes when this crate was built, under the default limits.
    pub file: [u8; 32],
    /// Of the component without Countersign's own sections.
    pub code: [u8; 32],
    /// Of the declaration section.
    pub declaration: [u8; 32],
    /// Of the data section, if there is one.
    pub data: Option<[u8; 32]>,
}

/// The parts of each shipped rule, in the order of [`RULES`].
pub const DIGESTS: &[RuleDigests] = include!(concat!(env!("OUT_DIR"), "/shipped-digests.rs"));
