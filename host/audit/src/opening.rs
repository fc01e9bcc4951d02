//! How a log begins whose first records aren't in it: one whose segments were dropped, or a segment of one.
//!
//! Its first line is an [`Opening`] instead of a header. Lines that stand at that place follow, exactly as they were written
//! and out of the chain, and then the records from [`Opening::from`] on. The checkpoint that ended the segment before
//! vouches for the opening's link and for the lines that stand.

use countersign_model::Digest;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::lines::BEGINNING;

/// The most lines that stand at a place: a header, a generation, its rules' components, and stopped rules.
pub const MAX_STANDING: u64 = 1 << 16;

/// What an opening line begins with.
const OPENS: &[u8] = br#"{"opening":{"#;

/// The first line of a log whose first records aren't in it.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Opening {
    /// The number of the first record of the chain.
    pub from: u64,
    /// That record's link.
    pub link: Digest,
    /// How many lines that stand follow.
    pub lines: u64,
    /// Their digest, see [`standing_digest`].
    pub standing: Digest,
    /// Signed checkpoints: the one that ended the segment before, unless this begins with the first record, and of a whole
    /// segment its own.
    pub checkpoints: Vec<Box<RawValue>>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    opening: Opening,
}

impl Opening {
    /// Its line, newline included.
    ///
    /// # Errors
    /// When it has no JSON form.
    pub fn to_line(&self) -> Result<Vec<u8>, serde_json::Error> {
        let mut line = serde_json::to_vec(&Written { opening: self.clone() })?;
        line.push(b'\n');
        Ok(line)
    }

    /// Reads its line. The inner error says why an opening can't be used; none if the line is another.
    pub(crate) fn of(line: &[u8]) -> Option<Result<Opening, String>> {
        if !line.starts_with(OPENS) {
            return None;
        }
        let written = serde_json::from_slice(line).map_err(|error| error.to_string());
        Some(written.and_then(|Written { opening }| match opening.to_line() {
            Ok(own) if own == line && opening.lines <= MAX_STANDING => Ok(opening),
            _ => Err("an opening in other bytes".to_owned()),
        }))
    }
}

/// The digest of lines that stand at a place: SHA-256 of the SHA-256 of each, newline included.
pub fn standing_digest<'l>(lines: impl IntoIterator<Item = &'l [u8]>) -> Digest {
    let digests: Vec<u8> = lines.into_iter().flat_map(|line| Digest::of(line).0).collect();
    standing_digest_of(&digests)
}

/// The same of the lines' digests, one after another.
pub(crate) fn standing_digest_of(digests: &[u8]) -> Digest {
    Digest::of(digests)
}

/// Whether bytes are how a log begins, whole or not, as far as they go.
#[must_use]
pub fn begins(bytes: &[u8]) -> bool {
    [BEGINNING.as_bytes(), OPENS].into_iter().any(|start| bytes.iter().zip(start).all(|(a, b)| a == b))
}
