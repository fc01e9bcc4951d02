//! Sizes: nothing leaves casework that a record can't hold.

use std::io;

use countersign_audit::{Blob, MAX_LINE};
use countersign_model::call::{CallFailure, FailureKind};
use countersign_model::{DigestKey, RuleId};
use serde::Serialize;

/// What a line has beside its record's members: sequence number, link and type.
const MAX_FRAME_BYTES: usize = 256;

/// The sizes that a record can hold, bytes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    /// Of a blob.
    pub(crate) blob: usize,
    /// Of a record, without what its line has besides.
    pub(crate) record: usize,
}

impl Bounds {
    pub(crate) const RECORD: Bounds = Bounds { blob: Blob::MAX_BYTES, record: MAX_LINE - MAX_FRAME_BYTES };
}

/// Why a finding can't be put on record. Its row is set aside for its rule; nothing else is affected.
#[derive(Debug, thiserror::Error)]
pub enum CaseError {
    /// Something about it is too large.
    #[error("{what} would be {bytes} bytes on record, at most {max} can be stored")]
    TooLarge {
        /// What, such as `the finding's bundle`.
        what: &'static str,
        /// Its bytes.
        bytes: usize,
        /// How many can be stored.
        max: usize,
    },
    /// Something about it has no JSON form.
    #[error("{what} can't be written as JSON: {source}")]
    Unwritable {
        /// What.
        what: &'static str,
        /// Why not.
        source: serde_json::Error,
    },
    /// There is no finding to decide on.
    #[error("expected an incident of at least one finding, got one without any")]
    NoFinding,
    /// The generation doesn't have its rule.
    #[error("expected a rule of the generation, got `{0}`")]
    UnknownRule(RuleId),
}

impl CaseError {
    /// As the failure with which the row is set aside.
    #[must_use]
    pub fn failure(&self) -> CallFailure {
        let kind = match self {
            CaseError::TooLarge { .. } => FailureKind::TooLarge,
            _ => FailureKind::InvalidAnswer,
        };
        CallFailure { kind, message: self.to_string() }
    }
}

impl Bounds {
    /// A form's blob.
    pub(crate) fn blob(self, what: &'static str, form: &impl Serialize, key: &DigestKey) -> Result<Blob, CaseError> {
        Ok(Blob::new(key, write(what, form, self.blob)?))
    }

    /// Whether a record fits into a line.
    pub(crate) fn record(self, what: &'static str, record: &impl Serialize) -> Result<(), CaseError> {
        write(what, record, self.record).map(drop)
    }
}

/// Writes a form of at most `max` bytes.
fn write(what: &'static str, form: &impl Serialize, max: usize) -> Result<Vec<u8>, CaseError> {
    let mut written = Written { bytes: Vec::new(), length: 0, max };
    serde_json::to_writer(&mut written, form).map_err(|source| CaseError::Unwritable { what, source })?;
    if written.length > max {
        return Err(CaseError::TooLarge { what, bytes: written.length, max });
    }
    Ok(written.bytes)
}

/// Keeps no more than may be kept, and counts the rest.
struct Written {
    bytes: Vec<u8>,
    length: usize,
    max: usize,
}

impl io::Write for Written {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.length = self.length.saturating_add(bytes.len());
        if self.length <= self.max {
            self.bytes.extend_from_slice(bytes);
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
