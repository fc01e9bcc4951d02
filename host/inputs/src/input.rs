//! What an input is.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use countersign_formats::reader::{Piece, Position, PositionError};

/// Delivers the raw records of one place, in order: a file read once, a tail, what is pushed or polled.
pub trait Input: Send {
    /// Its name, which stays the same when the host starts again.
    fn id(&self) -> &InputId;

    /// The next raw record; none at the end. What can't be read on is a record too: a dead one.
    fn next(&mut self) -> Option<InputRecord<'_>>;

    /// Reports that all records up to this bookmark are durable, so that the input may forget them. Acknowledging
    /// anew what was acknowledged changes nothing.
    ///
    /// # Errors
    /// When the record with this bookmark wasn't delivered yet.
    fn acknowledge(&mut self, bookmark: &Bookmark) -> Result<(), NotDelivered>;

    /// Frees what can be had again, such as an open file: the next record may not be wanted soon.
    fn suspend(&mut self) {}

    /// Goes back to after the delivered record with this bookmark, and returns whether it could: what is read once can't.
    fn rewind(&mut self, _bookmark: &Bookmark) -> bool {
        false
    }

    /// Whether the records come from the last to the first.
    fn is_turned(&self) -> bool {
        false
    }
}

/// The name of an input, stable across starts; a clone shares the text.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct InputId(Arc<str>);

impl InputId {
    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<&str> for InputId {
    fn from(name: &str) -> InputId {
        InputId(Arc::from(name))
    }
}

impl fmt::Display for InputId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A raw record of an input, with the bookmark after it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InputRecord<'a> {
    /// The record.
    pub piece: Piece<'a>,
    /// Where the input goes on after it.
    pub bookmark: Bookmark,
}

/// Where an input goes on after a record. Its text is opaque and means something to the input of the same id only; it is
/// made when it is printed, so a bookmark costs nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bookmark(pub(crate) Position);

impl Bookmark {
    /// Before the first record.
    pub const START: Bookmark = Bookmark(Position::START);
}

impl From<Position> for Bookmark {
    fn from(position: Position) -> Bookmark {
        Bookmark(position)
    }
}

impl fmt::Display for Bookmark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for Bookmark {
    type Err = PositionError;

    fn from_str(text: &str) -> Result<Bookmark, PositionError> {
        text.parse().map(Bookmark)
    }
}

/// A bookmark was acknowledged before its record was delivered.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{input}`: expected the bookmark of a delivered record, got `{bookmark}`; the last is `{delivered}`")]
pub struct NotDelivered {
    /// The input.
    pub input: InputId,
    /// The bookmark that was acknowledged.
    pub bookmark: Bookmark,
    /// The bookmark of the last record delivered.
    pub delivered: Bookmark,
}
