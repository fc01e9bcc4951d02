//! What the host signs about its audit log: how far it had come at a time, and how it is cut into segments.

use countersign_model::{Digest, Timestamp};
use serde::{Deserialize, Serialize};

use crate::key::PublicKey;
use crate::statement::{Sha256, Signed, StatementError, Subject, TYPE, Written, check_types, other_json};

/// What the predicate is: a place of an audit log.
const PREDICATE_TYPE: &str = "urn:countersign:checkpoint:v1";

/// The most that a number comes to: canonical JSON has no larger one.
const MAX_NUMBER: u64 = 1 << 53;

/// What a checkpoint says: up to here the log had these records, and this host had written them.
///
/// A log is cut into segments, numbered from 1. A segment has one checkpoint that ends it; while it grows it has at most one
/// more, which the next replaces. Each names the one that ended the segment before by the digest of what is signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    /// The segment's number, from 1.
    pub segment: u64,
    /// The number of the segment's first record.
    pub first: u64,
    /// How many records the log had: it covers all before this number.
    pub records: u64,
    /// SHA-256 of the last of these records' line, which is the link of the next; zeros for none.
    pub link: Digest,
    /// Of one that ends its segment: SHA-256 of the lines that stand at its end, without which later records can't be read:
    /// the header, the generation, its rules' components, and which rules are stopped.
    pub standing: Option<Digest>,
    /// The first record that was kept then: earlier ones were dropped.
    pub kept: u64,
    /// The digest of the checkpoint that ended the segment before; none in the first segment.
    pub previous: Option<Digest>,
    /// When the segment began, by the host's clock.
    pub begun: Timestamp,
    /// When this was signed, by the host's clock.
    pub at: Timestamp,
    /// The key in whose place this one's signs from here on.
    pub replaces: Option<PublicKey>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Predicate {
    segment: u64,
    first: u64,
    records: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    standing: Option<Digest>,
    kept: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    previous: Option<Digest>,
    begun: Timestamp,
    at: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    replaces: Option<PublicKey>,
}

impl Checkpoint {
    /// The digest by which the next segment names it: SHA-256 of what is signed.
    #[must_use]
    pub fn digest(&self) -> Digest {
        Digest::of(&self.to_bytes())
    }

    /// Whether it ends its segment.
    #[must_use]
    pub fn ends(&self) -> bool {
        self.standing.is_some()
    }
}

impl Signed for Checkpoint {
    fn to_bytes(&self) -> Vec<u8> {
        let written = Written {
            statement_type: TYPE.to_owned(),
            predicate_type: PREDICATE_TYPE.to_owned(),
            predicate: Predicate {
                segment: self.segment,
                first: self.first,
                records: self.records,
                standing: self.standing,
                kept: self.kept,
                previous: self.previous,
                begun: self.begun,
                at: self.at,
                replaces: self.replaces,
            },
            subject: [Subject::new("log", self.link)],
        };
        // Numbers of records are far below what canonical JSON can't have, so this can't fail.
        serde_json_canonicalizer::to_vec(&written).unwrap_or_default()
    }

    fn read(bytes: &[u8]) -> Result<Checkpoint, StatementError> {
        let form = |why: String| StatementError::Form { about: "log", why };
        let written: Written<Predicate, [Subject; 1]> =
            serde_json::from_slice(bytes).map_err(|error| form(other_json(&error)))?;
        let Written { statement_type, predicate_type, predicate, subject: [Subject { digest: Sha256 { sha256 }, .. }] } =
            written;
        check_types("log", (&statement_type, &predicate_type), PREDICATE_TYPE)?;
        let Predicate { segment, first, records, standing, kept, previous, begun, at, replaces } = predicate;
        if [segment, first, records, kept].into_iter().any(|number| number > MAX_NUMBER) {
            return Err(form("expected numbers of records, got larger ones".to_owned()));
        }
        let checkpoint =
            Checkpoint { segment, first, records, link: sha256, standing, kept, previous, begun, at, replaces };
        if checkpoint.to_bytes() == bytes { Ok(checkpoint) } else { Err(StatementError::NotCanonical) }
    }
}

#[cfg(test)]
#[path = "../tests/unit/checkpoint.rs"]
mod tests;
