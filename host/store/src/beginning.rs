//! Where what is kept of a log begins, and parts of a log.

use countersign_audit::{ChainWriter, Opening, standing_digest};
use countersign_model::Digest;
use serde_json::value::RawValue;

use crate::StoreError;

/// How a log, or a part of one, begins whose first records aren't in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Beginning {
    /// The number of its first record.
    pub first: u64,
    /// That record's link.
    pub link: Digest,
    /// The lines that stand there, newlines included.
    pub standing: Vec<Vec<u8>>,
    /// Signed checkpoints: that which ended the segment before, and of a whole segment its own.
    pub checkpoints: Vec<Vec<u8>>,
}

/// A part of a log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogPart {
    /// Where it begins.
    pub beginning: Beginning,
    /// Where it ends.
    pub end: ChainWriter,
}

impl Beginning {
    /// The digest of the lines that stand.
    #[must_use]
    pub fn standing_digest(&self) -> Digest {
        standing_digest(self.standing.iter().map(Vec::as_slice))
    }

    /// The opening's line and those that stand.
    ///
    /// # Errors
    /// When a checkpoint isn't JSON.
    pub fn to_lines(&self) -> Result<Vec<u8>, StoreError> {
        let raw = |bytes: &Vec<u8>| {
            let text = String::from_utf8(bytes.clone()).unwrap_or_default();
            RawValue::from_string(text).map_err(StoreError::Unwritable)
        };
        let opening = Opening {
            from: self.first,
            link: self.link,
            lines: self.standing.len() as u64,
            standing: self.standing_digest(),
            checkpoints: self.checkpoints.iter().map(raw).collect::<Result<_, _>>()?,
        };
        let mut lines = opening.to_line().map_err(StoreError::Unwritable)?;
        lines.extend(self.standing.concat());
        Ok(lines)
    }
}
