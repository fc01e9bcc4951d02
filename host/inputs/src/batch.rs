//! A batch: what is cut out of an input and recorded at once.

use std::io::Cursor;

use countersign_formats::reader::{Position, Splitter};

/// The most records of a batch, unless a single document has more.
pub const MAX_BATCH_RECORDS: u32 = 4_096;

/// The most bytes of a batch, unless a single document is longer.
pub const MAX_BATCH_BYTES: usize = 1 << 20;

/// Records cut from an input, as they are recorded: whole documents, so that no envelope is cut in two.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Batch {
    /// Where in its input the bytes begin. It is never within an envelope.
    pub start: Position,
    /// The bytes after decompression from `start` to the end of the last record, with what had to be seen to know that it
    /// ends there, such as its line feed. A dead letter that is larger than is held, or tells that the input can't be read on,
    /// is a batch by itself, and the bytes are what is written down of it.
    pub bytes: Vec<u8>,
    /// How many raw records and dead letters they hold, from 1.
    pub records: u32,
}

impl Batch {
    /// The pieces that the input has from `start` on, with the same ordinals and offsets, and no others. Elsewhere in another
    /// stream after [`Position::moved_to`].
    #[must_use]
    pub fn pieces(&self) -> Splitter {
        Splitter::resume(Box::new(Cursor::new(self.bytes.clone())), self.start).first(self.records.into())
    }
}
