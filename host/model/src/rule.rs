//! A rule's id, and the digests that make up its identity.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::Digest;

/// `publisher/name`: each part 1 to 64 characters of `a`–`z`, `0`–`9` and `-`, beginning with a letter.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RuleId {
    text: String,
    slash: usize,
}

/// Text that isn't a rule id.
#[derive(Debug, thiserror::Error)]
#[error(
    "expected `publisher/name`, each part 1 to 64 characters of a-z, 0-9 and `-` beginning with a letter, got `{0}`"
)]
pub struct RuleIdError(pub String);

impl RuleId {
    /// Who published it.
    #[must_use]
    pub fn publisher(&self) -> &str {
        self.text.get(..self.slash).unwrap_or_default()
    }

    /// Its name, unique within the publisher.
    #[must_use]
    pub fn name(&self) -> &str {
        self.text.get(self.slash + 1..).unwrap_or_default()
    }

    /// `publisher/name`.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The file a build writes: `publisher.name.wasm`.
    #[must_use]
    pub fn file_name(&self) -> String {
        format!("{}.{}.wasm", self.publisher(), self.name())
    }
}

/// Whether text may be one part of a rule id, or a publisher.
#[must_use]
pub fn is_id_part(part: &str) -> bool {
    part.len() <= 64
        && part.starts_with(|c: char| c.is_ascii_lowercase())
        && part.bytes().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == b'-')
}

impl FromStr for RuleId {
    type Err = RuleIdError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.split_once('/') {
            Some((publisher, name)) if is_id_part(publisher) && is_id_part(name) => {
                Ok(RuleId { text: text.to_owned(), slash: publisher.len() })
            }
            _ => Err(RuleIdError(text.to_owned())),
        }
    }
}

impl fmt::Display for RuleId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.text)
    }
}

impl Serialize for RuleId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text)
    }
}

impl<'de> Deserialize<'de> for RuleId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// Exactly which rule ran: two rules with the same identity answer the same call with the same bytes.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RuleIdentity {
    /// `publisher/name`.
    pub id: RuleId,
    /// Semantic version.
    pub version: String,
    /// SHA-256 of the component without Countersign's own sections.
    pub code: Digest,
    /// SHA-256 of the declaration section.
    pub declaration: Digest,
    /// SHA-256 of the data section, if there is one.
    pub data: Option<Digest>,
    /// SHA-256 of the parameters in force, as canonical JSON (RFC 8785).
    pub parameters: Digest,
}
