//! What is stored beside the audit file: evidence bundles, rule bytes, gate inputs, each named by its keyed digest.

use countersign_model::{Digest, DigestKey};

/// Bytes with the name that records use for them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Blob {
    name: Digest,
    bytes: Vec<u8>,
}

impl Blob {
    /// Maximum bytes of a blob: 64 MiB. The largest are rule components, which admission limits to less.
    pub const MAX_BYTES: usize = 64 << 20;

    /// Names some bytes under the audit file's key.
    #[must_use]
    pub fn new(key: &DigestKey, bytes: Vec<u8>) -> Blob {
        Blob { name: key.digest(&bytes), bytes }
    }

    /// HMAC-SHA-256 of the bytes under the audit file's key.
    #[must_use]
    pub const fn name(&self) -> Digest {
        self.name
    }

    /// The bytes.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }
}
