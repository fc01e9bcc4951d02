//! Cuts an uncompressed input into raw records with bounded memory.
//!
//! An input holds any number of documents, one after another: a `{"Records": […]}` object or a list of objects
//! (`[{…}, …]`), whose elements are the records, or a line, which is a record itself (NDJSON). White space, blank lines,
//! carriage returns and byte order marks between them don't matter.

mod position;
mod splitter;
mod window;

pub use position::{Position, PositionError};
pub use splitter::{Content, Piece, Splitter};

pub(crate) use splitter::excerpt;

/// The longest raw record that becomes an event, bytes. CloudTrail's own limit is 256 KiB.
pub const MAX_RECORD_BYTES: usize = 1 << 20;
