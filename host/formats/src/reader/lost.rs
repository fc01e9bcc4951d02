//! What can't be a record, and how it is written down where its bytes don't tell.

use countersign_model::Digest;

use super::MAX_RECORD_BYTES;
use crate::hint::Hint;
use crate::{DeadLetter, DeadReason, Fault};

/// The longest dead letter that is written down, bytes.
pub(super) const MAX_WRITTEN: u64 = 64 << 10;

/// What can't be a record.
pub(super) struct Lost {
    pub(super) offset: u64,
    pub(super) length: u64,
    pub(super) fault: Fault,
    pub(super) excerpt: String,
    pub(super) hint: Option<Hint>,
    /// Whether its bytes were held, and they and what follows tell why it is none.
    pub(super) is_held: bool,
}

impl Lost {
    /// The dead letter, written down so that [`Place::Written`] reads it.
    pub(super) fn written(&self) -> Vec<u8> {
        let letter = DeadLetter {
            input: 0,
            ordinal: 0,
            offset: 0,
            length: self.length,
            digest: Digest([0; 32]),
            reason_code: self.fault.reason,
            reason: self.fault.detail.clone(),
            excerpt: self.excerpt.clone(),
            hint: self.hint,
        };
        serde_json::to_vec(&letter).unwrap_or_default()
    }

    pub(super) fn read(written: &[u8], offset: u64) -> Option<Lost> {
        let DeadLetter { length, reason_code, reason, excerpt, hint, .. } = serde_json::from_slice(written).ok()?;
        Some(Lost { offset, length, fault: Fault::new(reason_code, reason), excerpt, hint, is_held: false })
    }
}

pub(super) fn too_large(length: u64) -> Fault {
    let detail = format!("expected a record of at most {MAX_RECORD_BYTES} bytes, got {length}");
    Fault::new(DeadReason::RecordTooLarge, detail)
}

/// The first bytes as text.
pub(crate) fn excerpt(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes.get(..DeadLetter::EXCERPT_BYTES).unwrap_or(bytes)).into_owned()
}
