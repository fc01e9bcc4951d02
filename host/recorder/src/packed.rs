//! A host input as it is written: what it names is compressed before it waits for a transaction, so that none takes as long as
//! that does.

use countersign_model::Digest;

use crate::LEVEL;
use crate::append::{HostInputKind, NewContent, NewHostInput};
use crate::error::AppendError;

/// An input of the host's own, ready to be written.
pub(crate) struct PackedInput {
    pub(crate) kind: HostInputKind,
    pub(crate) payload: Vec<u8>,
    pub(crate) about: Option<String>,
    pub(crate) contents: Vec<PackedContent>,
    pub(crate) before: Option<u64>,
}

/// A content, compressed.
pub(crate) struct PackedContent {
    pub(crate) digest: Digest,
    pub(crate) length: u64,
    pub(crate) bytes: Vec<u8>,
    pub(crate) lasts: bool,
}

impl PackedInput {
    /// Packs an input.
    ///
    /// # Errors
    /// When it can't be compressed.
    pub(crate) fn new(input: NewHostInput) -> Result<PackedInput, AppendError> {
        let NewHostInput { kind, payload, about, contents, before } = input;
        let contents = contents.into_iter().map(PackedContent::new).collect::<Result<_, _>>()?;
        Ok(PackedInput { kind, payload, about, contents, before })
    }
}

impl PackedContent {
    fn new(content: NewContent) -> Result<PackedContent, AppendError> {
        let NewContent { bytes, lasts } = content;
        let (digest, length) = (Digest::of(&bytes), bytes.len() as u64);
        let packed = zstd::bulk::compress(&bytes, LEVEL);
        let bytes = packed.map_err(|error| AppendError::Compression(error.to_string()))?;
        Ok(PackedContent { digest, length, bytes, lasts })
    }
}
