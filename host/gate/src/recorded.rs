//! The gate's inputs as they are on record: with the name of their blob.

use countersign_model::format::FormatError;
use countersign_model::{Digest, DigestKey};

use crate::inputs::GateInputs;

/// Inputs that were read from a blob, with the name that these bytes have. The two can't be put together otherwise, so
/// inputs never pass for those that an intent names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordedInputs {
    name: Digest,
    inputs: GateInputs,
}

impl RecordedInputs {
    /// Reads a blob of any format under the record's key.
    ///
    /// # Errors
    /// When the bytes aren't inputs as they are written.
    pub fn read(bytes: &[u8], key: &DigestKey) -> Result<RecordedInputs, FormatError> {
        Ok(RecordedInputs { name: key.digest(bytes), inputs: GateInputs::read(bytes)? })
    }

    /// The name of the blob.
    #[must_use]
    pub const fn name(&self) -> Digest {
        self.name
    }

    /// The inputs.
    #[must_use]
    pub const fn inputs(&self) -> &GateInputs {
        &self.inputs
    }
}
