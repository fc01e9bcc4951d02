//! Finds where records begin and end, without parsing them.
//!
//! Inside an array it counts brackets outside of strings and nothing else: valid JSON is always cut rightly, however
//! deep, and damaged brackets never make a record of what was only part of one.

use std::io::Read;

use super::Fault;
use super::window::Window;
use crate::{DeadLetter, DeadReason};

/// How a document begins whose records stand in an object.
const WRAPPED: &[&[u8]] = &[b"{", b"\"Records\"", b":", b"["];

/// How one begins that is a list of records. A list of anything else is a line, and so are words in brackets.
const BARE: &[&[u8]] = &[b"[", b"{"];

/// How far a document's beginning may be looked at to tell it from a line, bytes.
const LOOK_AHEAD: usize = 4 << 10;

const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// A piece of an input that has to become a record.
pub(super) enum Piece<'a> {
    /// A raw record of at most the cap.
    Record { offset: u64, bytes: &'a [u8] },
    /// What can't be one.
    Dead { offset: u64, length: u64, fault: Fault, excerpt: String },
}

/// Cuts an input into pieces.
pub(super) struct Splitter {
    window: Window,
    place: Place,
    cap: usize,
    /// Bytes of the piece handed out last, consumed when the next is asked for.
    lent: usize,
}

/// Where in the grammar of an input the window's first byte is.
#[derive(Clone, Copy)]
enum Place {
    BetweenDocuments,
    InRecords {
        /// Whether the records stand in an object, or the document is nothing but them.
        wrapped: bool,
    },
    AfterRecords,
    Ended,
}

enum Cut {
    Record(usize),
    Dead { offset: u64, length: u64, fault: Fault, excerpt: String },
}

impl Splitter {
    pub(super) fn new(reader: Box<dyn Read + Send>, gzip: bool, cap: usize) -> Splitter {
        Splitter { window: Window::new(reader, gzip), place: Place::BetweenDocuments, cap, lent: 0 }
    }

    /// The next piece; none at the end.
    pub(super) fn next_piece(&mut self) -> Option<Piece<'_>> {
        self.window.consume(std::mem::take(&mut self.lent));
        Some(match self.cut()? {
            Cut::Record(length) => {
                self.lent = length;
                Piece::Record { offset: self.window.offset(), bytes: head(self.window.bytes(), length) }
            }
            Cut::Dead { offset, length, fault, excerpt } => Piece::Dead { offset, length, fault, excerpt },
        })
    }

    fn cut(&mut self) -> Option<Cut> {
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
                        self.place = Place::InRecords { wrapped: true };
                    } else if self.begins(BARE).is_some() {
                        self.window.consume(1);
                        self.place = Place::InRecords { wrapped: false };
                    } else {
                        return Some(self.line());
                    }
                }
                Place::InRecords { wrapped } => match self.first(|byte| is_space(byte) || byte == b',') {
                    None => return Some(self.ends_early(0)),
                    Some(b']') => {
                        self.window.consume(1);
                        self.place = if wrapped { Place::AfterRecords } else { Place::BetweenDocuments };
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

    /// The first byte that isn't skipped; it stays in the window. None at the end of the input. A byte order mark is
    /// read whole, so that it can be told from the beginning of a line.
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
            Found::Whole(length) => self.record(length),
            Found::Cut(cut) => cut,
            Found::EndOfInput(length) => match self.window.failure() {
                None => self.record(length),
                Some(_) => self.ends_early(length),
            },
        }
    }

    fn element(&mut self, first: u8) -> Cut {
        match self.extent(Extent::element(first)) {
            Found::Whole(length) => self.record(length),
            Found::Cut(cut) => cut,
            Found::EndOfInput(length) => self.ends_early(length),
        }
    }

    /// A document's text after its records, up to the bracket that closes it.
    fn rest_of_document(&mut self) -> Cut {
        self.place = Place::BetweenDocuments;
        match self.extent(Extent::Value { depth: 1, in_string: false, escaped: false }) {
            Found::Whole(length) => self
                .dead(length, Fault::new(DeadReason::UnexpectedText, "expected `}` after the records, got other text")),
            Found::Cut(cut) => cut,
            Found::EndOfInput(length) => self.ends_early(length),
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
        Cut::Dead { offset, length: length as u64, fault, excerpt }
    }

    /// Finds the end of what begins at the window's first byte, holding at most the cap and a chunk.
    fn extent(&mut self, mut extent: Extent) -> Found {
        let mut searched = 0;
        loop {
            let fresh = self.window.bytes().get(searched..).unwrap_or_default();
            if let Some(end) = extent.end(fresh) {
                let length = searched + end;
                // Decided on the length alone, so that it doesn't show how much was read at a time.
                return if length > self.cap {
                    Found::Cut(self.dead(length, too_large(length as u64, self.cap)))
                } else {
                    Found::Whole(length)
                };
            }
            searched += fresh.len();
            if searched > self.cap {
                return Found::Cut(self.discard(extent));
            }
            if !self.window.more() {
                return Found::EndOfInput(searched);
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
                let fault = failure.unwrap_or_else(|| too_large(length, self.cap));
                return Cut::Dead { offset, length, fault, excerpt };
            }
            if let Some(end) = extent.end(self.window.bytes()) {
                self.window.consume(end);
                let length = self.window.offset() - offset;
                return Cut::Dead { offset, length, fault: too_large(length, self.cap), excerpt };
            }
        }
    }
}

enum Found {
    /// So many bytes.
    Whole(usize),
    /// The input ended after so many bytes.
    EndOfInput(usize),
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

fn too_large(length: u64, cap: usize) -> Fault {
    Fault::new(DeadReason::RecordTooLarge, format!("expected a record of at most {cap} bytes, got {length}"))
}

/// The first bytes as text.
pub(super) fn excerpt(bytes: &[u8]) -> String {
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
