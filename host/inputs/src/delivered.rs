//! What a live input delivers.

use crate::batch::Batch;

/// A batch of a live input. It counts as taken: if it can't be recorded, the input is opened anew from the bookmarks that
/// are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivered {
    /// The input's id, stable within its source.
    pub input: String,
    /// Where the input goes on after the batch. Opaque, and means something to the same kind of input only.
    pub bookmark: String,
    /// The batch.
    pub batch: Batch,
}
