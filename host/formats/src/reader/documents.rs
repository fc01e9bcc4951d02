//! Goes through an input document by document, to cut it where it can be cut: how many pieces each has, and which bytes tell.

use std::io::Read;

use super::cutter::Cut;
use super::position::Place;
use super::{Position, Splitter};
use crate::Fault;

/// Goes through an unpacked input by whole documents, without handing out what they hold. A record of a list or of an object such
/// as `{"Records": […]}` is a document of its own here; any other envelope is one with all its pieces.
pub struct Documents {
    splitter: Splitter,
    ordinal: u64,
    is_pending: bool,
}

/// What [`Documents::pass`] went past.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stretch {
    /// A document.
    Document(Document),
    /// More than a mebibyte that is part of none, and no document yet.
    Framing,
}

/// A document, as it stands in its input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Document {
    /// From where on its pieces are read.
    pub start: Position,
    /// Where the input goes on after it.
    pub after: Position,
    /// How many pieces it has; none if it is an empty envelope.
    pub pieces: u64,
    /// The offset up to which the input's bytes make these pieces, whatever follows: its end, and what had to be seen to know
    /// that it is.
    pub seen: u64,
    /// The one dead letter that it is, written down, if bytes of the input don't make it: it is larger than is held, or the
    /// input can't be read on. From `start` on, these bytes are it.
    pub written: Option<Vec<u8>>,
}

impl Documents {
    /// Reads an unpacked input from a position on; `bytes` begin at [`Position::offset`]. Within an envelope, from its
    /// beginning.
    #[must_use]
    pub fn resume(bytes: Box<dyn Read + Send>, position: Position) -> Documents {
        let position = position.of_document();
        let mut splitter = Splitter::resume(bytes, position);
        splitter.cutter.keep();
        Documents { splitter, ordinal: position.ordinal, is_pending: false }
    }

    /// Whether more may come after the end of what can be read: then a document that touches it and isn't closed by a bracket
    /// or the end of its line isn't passed yet, and neither is what can't be read on.
    pub fn set_live(&mut self, is_live: bool) {
        self.splitter.cutter.set_live(is_live);
    }

    /// Reads on where the input had ended.
    pub fn go_on(&mut self) {
        self.splitter.cutter.go_on();
    }

    /// Why the input couldn't be read on, if that is why it ended.
    #[must_use]
    pub fn failure(&self) -> Option<Fault> {
        self.splitter.cutter.failure()
    }

    /// Whether a document waits at the end of what could be read.
    #[must_use]
    pub fn is_pending(&self) -> bool {
        self.is_pending
    }

    /// The offset of what waits, or comes next; white space and the like are gone past.
    #[must_use]
    pub fn offset(&self) -> u64 {
        self.splitter.cutter.next_offset()
    }

    /// Goes past the next document; none at the end.
    pub fn pass(&mut self) -> Option<Stretch> {
        let splitter = &mut self.splitter;
        self.is_pending = false;
        let cut = match splitter.cutter.cut()? {
            Cut::Pending => {
                self.is_pending = true;
                return None;
            }
            Cut::Framing => return Some(Stretch::Framing),
            cut => cut,
        };
        let (mut offset, mut place) = splitter.cutter.anchor();
        let mut written = None;
        if let Cut::Dead(lost) = &cut
            && !lost.is_held
        {
            written = Some(lost.written());
            (offset, place) = (lost.offset, Place::Written);
        }
        let start = Position { ordinal: self.ordinal, offset, place, within: 0 };
        let pieces = splitter.count(cut);
        self.ordinal += pieces;
        let (offset, place) = splitter.cutter.after();
        let after = Position { ordinal: self.ordinal, offset, place, within: 0 };
        let seen = splitter.cutter.seen();
        Some(Stretch::Document(Document { start, after, pieces, seen, written }))
    }

    /// The bytes between two offsets: from the `start` of the document passed last up to its `seen`.
    #[must_use]
    pub fn between(&self, from: u64, to: u64) -> Option<&[u8]> {
        self.splitter.cutter.between(from, to)
    }
}
