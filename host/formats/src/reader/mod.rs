//! Cuts an unpacked input into raw records with bounded memory.
//!
//! An input holds any number of documents, one after another, with or without line ends between them: an object over any
//! number of lines, which is a record or an envelope (see [`crate::envelope`]); a list of objects (`[{…}, …]`) or an object
//! such as `{"Records": […]}`, whose elements are the same; or a line of something else, which can't be a record. White
//! space, commas and byte order marks between them don't matter.

mod cutter;
mod documents;
mod extent;
mod line;
mod lost;
mod position;
mod scanner;
mod splitter;
mod window;

pub use documents::{Document, Documents, Stretch};
pub use position::{Position, PositionError};
pub use splitter::{Content, Piece, Splitter};

pub(crate) use lost::excerpt;

/// The longest raw record that becomes an event, bytes. CloudTrail's own limit is 256 KiB.
pub const MAX_RECORD_BYTES: usize = 1 << 20;

/// The longest envelope that is opened whole, bytes. Longer ones that are lists in an object are read element by element.
pub const MAX_ENVELOPE_BYTES: usize = 8 << 20;

/// The most that the compressed parts of one envelope may come to, bytes.
pub const MAX_UNPACKED_BYTES: u64 = 64 << 20;
