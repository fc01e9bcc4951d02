//! Finds where records begin and end, without parsing them.
//!
//! Inside an array it counts brackets outside of strings and nothing else: valid JSON is always cut rightly, however
//! deep, and damaged brackets never make a record of what was only part of one.

use std::io::Read;

use super::MAX_RECORD_BYTES;
use super::position::{Place, Position};
use super::window::Window;
use crate::hint::{self, Hint};
use crate::{DeadLetter, DeadReason, Fault};

/// How a document begins whose records stand in an object.
const WRAPPED: &[&[u8]] = &[b"{", b"\"Records\"", b":", b"["];

/// How one begins that is a list of records. A list of anything else is a line, and so are words in brackets.
const BARE: &[&[u8]] = &[b"[", b"{"];

/// How far a document's beginning is searched to distinguish it from a line, bytes.
const LOOK_AHEAD: usize = 4 << 10;

const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// A piece of an input: a raw record, or what can't be one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Piece<'a> {
    /// Its place among the input's pieces, from 0.
    pub ordinal: u64,
    /// Byte offset after decompression.
    pub offset: u64,
    /// What it is.
    pub content: Content<'a>,
}

/// What a piece of an input is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Content<'a> {
    /// A raw record of at most [`MAX_RECORD_BYTES`].
    Record(&'a [u8]),
    /// What can't be one.
    Dead {
        /// Bytes.
        length: u64,
        /// Why.
        fault: Fault,
        /// The first bytes as text.
        excerpt: String,
        /// What it looks like.
        hint: Option<Hint>,
    },
}

/// Cuts an input into pieces. Holds at most one record and a chunk of what follows it.
pub struct Splitter {
    window: Window,
    ordinal: u64,
    place: Place,
    /// Bytes of the piece handed out last, consumed when the next is asked for.
    lent: usize,
}

enum Cut {
    Record(usize),
    Dead { offset: u64, length: u64, fault: Fault, excerpt: String, hint: Option<Hint> },
}

impl Splitter {
    /// Reads an uncompressed input from its beginning.
    #[must_use]
    pub fn new(bytes: Box<dyn Read + Send>) -> Splitter {
        Splitter::resume(bytes, Position::START)
    }

    /// Goes on from a position in an input; `bytes` begin at [`Position::offset`].
    #[must_use]
    pub fn resume(bytes: Box<dyn Read + Send>, position: Position) -> Splitter {
        let Position { ordinal, offset, place } = position;
        Splitter { window: Window::new(bytes, offset), ordinal, place, lent: 0 }
    }

    /// The next piece, and the position after it; none at the end.
    pub fn next_piece(&mut self) -> Option<(Piece<'_>, Position)> {
        self.window.consume(std::mem::take(&mut self.lent));
        let cut = self.cut()?;
        let ordinal = self.ordinal;
        self.ordinal += 1;
        let (offset, content) = match cut {
            Cut::Record(length) => {
                self.lent = length;
                (self.window.offset(), Content::Record(head(self.window.bytes(), length)))
            }
            Cut::Dead { offset, length, fault, excerpt, hint } => {
                (offset, Content::Dead { length, fault, excerpt, hint })
            }
        };
        let after =
            Position { ordinal: self.ordinal, offset: self.window.offset() + self.lent as u64, place: self.place };
        Some((Piece { ordinal, offset, content }, after))
    }

    fn cut(&mut self) -> Option<Cut> {
        if (self.ordinal, self.window.offset()) == (0, 0)
            && let Some(hint) = self.file()
        {
            return Some(self.whole_file(hint));
        }
        loop {
            match self.place {
                Place::Ended => return None,
                Place::BetweenDocuments => {
                    if self.first(is_space).is_none() {
                        self.place = Place::Ended;
                        let fault = self.window.failure()?;
                        return Some(self.dead(0, fault));
                    }
                    if self.window.bytes().starts_with(BYTE_ORDER_MARK) {
                        self.window.consume(BYTE_ORDER_MARK.len());
                    } else if let Some(length) = self.begins(WRAPPED) {
                        self.window.consume(length);
                        self.place = Place::InObject;
                    } else if self.begins(BARE).is_some() {
                        self.window.consume(1);
                        self.place = Place::InList;
                    } else {
                        return Some(self.line());
                    }
                }
                Place::InObject | Place::InList => match self.first(|byte| is_space(byte) || byte == b',') {
                    None => return Some(self.ends_early(0)),
                    Some(b']') => {
                        self.window.consume(1);
                        self.place = match self.place {
                            Place::InObject => Place::AfterRecords,
                            _ => Place::BetweenDocuments,
                        };
                    }
                    Some(first) => return Some(self.element(first)),
                },
                Place::AfterRecords => match self.first(is_space) {
                    None => return Some(self.ends_early(0)),
                    Some(b'}') => {
                        self.window.consume(1);
                        self.place = Place::BetweenDocuments;
                    }
                    Some(_) => return Some(self.rest_of_document()),
                },
            }
        }
    }

    /// What the input looks like, if it is no JSON in UTF-8 at all by how it begins.
    fn file(&mut self) -> Option<Hint> {
        while hint::may_be_file(self.window.bytes()) && self.window.more() {}
        hint::file(self.window.bytes())
    }

    /// One dead letter for an input that is no JSON in UTF-8 at all: its records would be meaningless.
    fn whole_file(&mut self, hint: Hint) -> Cut {
        // Read whole, so that the size of the reads doesn't show.
        while self.window.bytes().len() < DeadLetter::EXCERPT_BYTES && self.window.more() {}
        let excerpt = excerpt(self.window.bytes());
        while !self.window.bytes().is_empty() || self.window.more() {
            self.window.consume(usize::MAX);
        }
        self.place = Place::Ended;
        let fault = self.window.failure().unwrap_or_else(|| {
            let detail = format!("expected JSON in UTF-8, got what looks like {}: convert it first", hint.name());
            Fault::new(DeadReason::NotUtf8, detail)
        });
        Cut::Dead { offset: 0, length: self.window.offset(), fault, excerpt, hint: Some(hint) }
    }

    /// The first byte that isn't skipped; it stays in the window. None at the end of the input. A byte order mark is
    /// read whole, to distinguish it from the beginning of a line.
    fn first(&mut self, skipped: fn(u8) -> bool) -> Option<u8> {
        loop {
            let bytes = self.window.bytes();
            let count = bytes.iter().take_while(|byte| skipped(**byte)).count();
            self.window.consume(count);
            let bytes = self.window.bytes();
            let partial_mark = bytes.len() < BYTE_ORDER_MARK.len() && BYTE_ORDER_MARK.starts_with(bytes);
            let first = bytes.first().copied();
            if (first.is_some() && !partial_mark) || !self.window.more() {
                return first;
            }
        }
    }

    /// How many bytes these pieces take, if the window begins with them; white space between them is theirs too.
    fn begins(&mut self, pieces: &[&[u8]]) -> Option<usize> {
        loop {
            let bytes = self.window.bytes();
            let mut rest = bytes;
            let missing = pieces.iter().find_map(|piece| {
                rest = after_space(rest);
                match rest.strip_prefix(*piece) {
                    Some(after) => {
                        rest = after;
                        None
                    }
                    // It can still come if all that is here agrees with it.
                    None => Some(piece.starts_with(rest)),
                }
            });
            match missing {
                None => return Some(bytes.len() - rest.len()),
                Some(true) if bytes.len() < LOOK_AHEAD && self.window.more() => {}
                Some(_) => return None,
            }
        }
    }

    fn line(&mut self) -> Cut {
        match self.extent(Extent::Line) {
            End::Whole(length) => self.record(length),
            End::Cut(cut) => cut,
            End::Unfinished(length) => match self.window.failure() {
                None => self.record(length),
                Some(_) => self.ends_early(length),
            },
        }
    }

    fn element(&mut self, first: u8) -> Cut {
        match self.extent(Extent::element(first)) {
            End::Whole(length) => self.record(length),
            End::Cut(cut) => cut,
            End::Unfinished(length) => self.ends_early(length),
        }
    }

    /// A document's text after its records, up to the bracket that closes it.
    fn rest_of_document(&mut self) -> Cut {
        self.place = Place::BetweenDocuments;
        match self.extent(Extent::Value { depth: 1, in_string: false, escaped: false }) {
            End::Whole(length) => self
                .dead(length, Fault::new(DeadReason::UnexpectedText, "expected `}` after the records, got other text")),
            End::Cut(cut) => cut,
            End::Unfinished(length) => self.ends_early(length),
        }
    }

    fn record(&self, length: usize) -> Cut {
        let spaces = head(self.window.bytes(), length).iter().rev().take_while(|byte| is_space(**byte)).count();
        Cut::Record(length - spaces)
    }

    /// The input ends inside a document, or can't be read on: all that is left is one dead letter.
    fn ends_early(&mut self, length: usize) -> Cut {
        self.place = Place::Ended;
        let fault = self.window.failure().unwrap_or_else(|| {
            Fault::new(DeadReason::Truncated, "expected the rest of the records, got the end of the input")
        });
        self.dead(length, fault)
    }

    fn dead(&mut self, length: usize, fault: Fault) -> Cut {
        let offset = self.window.offset();
        let excerpt = excerpt(head(self.window.bytes(), length));
        self.window.consume(length);
        Cut::Dead { offset, length: length as u64, fault, excerpt, hint: None }
    }

    /// Finds the end of what begins at the window's first byte, holding at most the cap and a chunk.
    fn extent(&mut self, mut extent: Extent) -> End {
        let mut searched = 0;
        loop {
            let fresh = self.window.bytes().get(searched..).unwrap_or_default();
            if let Some(end) = extent.end(fresh) {
                let length = searched + end;
                // Decided on the length alone, so that it doesn't show how much was read at a time.
                return if length > MAX_RECORD_BYTES {
                    End::Cut(self.dead(length, too_large(length as u64)))
                } else {
                    End::Whole(length)
                };
            }
            searched += fresh.len();
            if searched > MAX_RECORD_BYTES {
                return End::Cut(self.discard(extent));
            }
            if !self.window.more() {
                return End::Unfinished(searched);
            }
        }
    }

    /// Goes past what is longer than the cap without holding it. All of the window has been searched.
    fn discard(&mut self, mut extent: Extent) -> Cut {
        let offset = self.window.offset();
        let excerpt = excerpt(self.window.bytes());
        loop {
            self.window.consume(usize::MAX);
            if !self.window.more() {
                let failure = self.window.failure();
                self.place = Place::Ended;
                let length = self.window.offset() - offset;
                let fault = failure.unwrap_or_else(|| too_large(length));
                return Cut::Dead { offset, length, fault, excerpt, hint: None };
            }
            if let Some(end) = extent.end(self.window.bytes()) {
                self.window.consume(end);
                let length = self.window.offset() - offset;
                return Cut::Dead { offset, length, fault: too_large(length), excerpt, hint: None };
            }
        }
    }
}

enum End {
    /// So many bytes.
    Whole(usize),
    /// The input ended after so many bytes.
    Unfinished(usize),
    /// Too long, and gone past.
    Cut(Cut),
}

/// What is looked for: the end of a line or of a JSON value. Resumable, since it may come in several reads.
enum Extent {
    Line,
    Value {
        depth: u64,
        in_string: bool,
        escaped: bool,
    },
    /// A number, `true`, `null`, or what isn't JSON at all; takes at least one byte.
    Scalar {
        begun: bool,
    },
}

impl Extent {
    fn element(first: u8) -> Extent {
        match first {
            b'{' | b'[' | b'"' => Extent::Value { depth: 0, in_string: false, escaped: false },
            _ => Extent::Scalar { begun: false },
        }
    }

    /// Where it ends in `bytes`, which follow those seen before.
    fn end(&mut self, bytes: &[u8]) -> Option<usize> {
        match self {
            Extent::Line => memchr::memchr(b'\n', bytes),
            Extent::Scalar { begun } => {
                let skip = usize::from(!std::mem::replace(begun, true));
                let ends = |byte: &u8| is_space(*byte) || matches!(byte, b',' | b']' | b'}');
                bytes.iter().skip(skip).position(ends).map(|at| at + skip)
            }
            Extent::Value { depth, in_string, escaped } => end_of_value(bytes, depth, in_string, escaped),
        }
    }
}

fn end_of_value(bytes: &[u8], depth: &mut u64, in_string: &mut bool, escaped: &mut bool) -> Option<usize> {
    let mut at = 0;
    while let Some(rest) = bytes.get(at..).filter(|rest| !rest.is_empty()) {
        if *escaped {
            *escaped = false;
            at += 1;
        } else if *in_string {
            let found = memchr::memchr2(b'"', b'\\', rest)?;
            at += found + 1;
            if rest.get(found) == Some(&b'\\') {
                *escaped = true;
            } else {
                *in_string = false;
                if *depth == 0 {
                    return Some(at);
                }
            }
        } else {
            let found = rest.iter().position(|byte| matches!(byte, b'"' | b'{' | b'}' | b'[' | b']'))?;
            at += found + 1;
            match rest.get(found) {
                Some(b'"') => *in_string = true,
                Some(b'{' | b'[') => *depth += 1,
                _ => {
                    *depth = depth.saturating_sub(1);
                    if *depth == 0 {
                        return Some(at);
                    }
                }
            }
        }
    }
    None
}

fn too_large(length: u64) -> Fault {
    let detail = format!("expected a record of at most {MAX_RECORD_BYTES} bytes, got {length}");
    Fault::new(DeadReason::RecordTooLarge, detail)
}

/// The first bytes as text.
pub(crate) fn excerpt(bytes: &[u8]) -> String {
    String::from_utf8_lossy(head(bytes, DeadLetter::EXCERPT_BYTES)).into_owned()
}

fn head(bytes: &[u8], length: usize) -> &[u8] {
    bytes.get(..length).unwrap_or(bytes)
}

fn after_space(bytes: &[u8]) -> &[u8] {
    let spaces = bytes.iter().take_while(|byte| is_space(**byte)).count();
    bytes.get(spaces..).unwrap_or_default()
}

/// JSON's own white space and no other: a form feed is a record, if a bad one.
fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r' | b'\n')
}
