//! Cuts an input into raw records: what the cutter finds, and out of envelopes what they hand on.

use std::io::{Cursor, Read};
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::vec::IntoIter;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::cutter::{Cut, Cutter};
use super::lost::{Lost, excerpt, too_large};
use super::position::{Place, Position};
use super::{MAX_RECORD_BYTES, MAX_UNPACKED_BYTES};
use crate::envelope::{self, Envelopes, Form, Item, MAX_ENVELOPES, MAX_ITEMS, Opening};
use crate::hint::Hint;
use crate::unpack::{Limited, unpacked};
use crate::{DeadReason, Fault};

/// A piece of an input: a raw record, or what can't be one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Piece<'a> {
    /// Its place among the input's pieces, from 0.
    pub ordinal: u64,
    /// Byte offset after decompression: of a record out of a text, the text's.
    pub offset: u64,
    /// Bytes from there: of a record out of a text, the text's, which may hold several.
    pub length: u64,
    /// What it is.
    pub content: Content<'a>,
    /// The envelopes out of whose text it was taken.
    pub out_of: Envelopes,
}

/// What a piece of an input is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Content<'a> {
    /// A raw record of at most [`MAX_RECORD_BYTES`].
    Record(&'a [u8]),
    /// What can't be one.
    Dead {
        /// Why.
        fault: Fault,
        /// The first bytes as text.
        excerpt: String,
        /// What it looks like.
        hint: Option<Hint>,
    },
}

/// Cuts an input into pieces. Holds at most one envelope with what is being read of it, and a chunk of what follows.
pub struct Splitter {
    pub(super) cutter: Cutter,
    opens: bool,
    ordinal: u64,
    /// The envelopes that are open, the outermost first.
    open: Vec<Frame>,
    /// Where the outermost of them begins.
    outermost: (u64, Place),
    /// How many pieces of it came before.
    within: u64,
    /// How many of these are skipped again.
    skipped: u64,
    /// What compressed parts of it may still come to.
    allowance: Arc<AtomicU64>,
    /// The piece out of an envelope that was handed out last.
    lent: Part,
    /// How many pieces more are handed out.
    left: u64,
}

/// Part of bytes that several share.
#[derive(Clone)]
struct Part {
    whole: Arc<[u8]>,
    range: Range<usize>,
}

impl Part {
    fn of(whole: &[u8]) -> Part {
        Part { whole: Arc::from(whole), range: 0..whole.len() }
    }

    fn bytes(&self) -> &[u8] {
        self.whole.get(self.range.clone()).unwrap_or_default()
    }

    /// A part of this part.
    fn part(&self, range: &Range<usize>) -> Part {
        let start = self.range.start;
        Part { whole: Arc::clone(&self.whole), range: start + range.start..start + range.end }
    }
}

/// Where shared bytes are in the input.
#[derive(Clone, Copy)]
enum At {
    /// They begin at this offset.
    Offset(u64),
    /// They are made of what is there: offset and length.
    Made(u64, u64),
}

impl At {
    fn span(self, range: &Range<usize>) -> (u64, u64) {
        match self {
            At::Offset(offset) => (offset + range.start as u64, range.len() as u64),
            At::Made(offset, length) => (offset, length),
        }
    }
}

/// What a piece stands in.
#[derive(Clone, Copy)]
struct Around {
    at: At,
    /// How many envelopes.
    depth: u32,
    out_of: Envelopes,
}

/// An envelope that is open.
enum Frame {
    /// With what it hands on that is left.
    Items { envelope: Part, items: IntoIter<Item>, around: Around },
    /// A text out of one.
    Text { cutter: Box<Cutter>, around: Around },
}

/// What is next.
enum Next {
    /// What the cutter has cut.
    Cut(usize),
    Lost(Lost),
    /// What an envelope hands on.
    Inner(Part, Around),
    InnerLost(Fault, String, Option<Hint>, Around),
}

impl Splitter {
    /// Reads an unpacked input from its beginning.
    #[must_use]
    pub fn new(bytes: Box<dyn Read + Send>) -> Splitter {
        Splitter::resume(bytes, Position::START)
    }

    /// The same without opening envelopes: they are pieces themselves.
    #[must_use]
    pub fn closed(bytes: Box<dyn Read + Send>) -> Splitter {
        Splitter { opens: false, ..Splitter::new(bytes) }
    }

    /// Goes on from a position in an input; `bytes` begin at [`Position::offset`].
    #[must_use]
    pub fn resume(bytes: Box<dyn Read + Send>, position: Position) -> Splitter {
        let Position { ordinal, offset, place, within } = position;
        Splitter {
            cutter: Cutter::new(bytes, offset, place),
            opens: true,
            ordinal,
            open: Vec::new(),
            outermost: (offset, place),
            within: 0,
            skipped: within,
            allowance: Arc::default(),
            lent: Part::of(&[]),
            left: u64::MAX,
        }
    }

    /// Ends after so many pieces: of what was cut out of an input, what follows isn't there.
    #[must_use]
    pub fn first(self, pieces: u64) -> Splitter {
        Splitter { left: pieces, ..self }
    }

    /// The next piece, and the position after it; none at the end.
    pub fn next_piece(&mut self) -> Option<(Piece<'_>, Position)> {
        self.left = self.left.checked_sub(1)?;
        let next = self.next()?;
        let ordinal = self.ordinal;
        self.ordinal += 1;
        let dead = |fault, excerpt, hint| Content::Dead { fault, excerpt, hint };
        let ((offset, length), content, out_of, is_inner) = match next {
            Next::Cut(length) => {
                let span = (self.cutter.offset(), length as u64);
                (span, Content::Record(self.cutter.whole()), Envelopes::NONE, false)
            }
            Next::Lost(Lost { offset, length, fault, excerpt, hint, .. }) => {
                ((offset, length), dead(fault, excerpt, hint), Envelopes::NONE, false)
            }
            Next::Inner(part, around) => {
                let span = around.at.span(&part.range);
                self.lent = part;
                (span, Content::Record(self.lent.bytes()), around.out_of, true)
            }
            Next::InnerLost(fault, excerpt, hint, around) => {
                (around.at.span(&(0..0)), dead(fault, excerpt, hint), around.out_of, true)
            }
        };
        let (offset_after, place) = if is_inner { self.outermost } else { self.cutter.after() };
        let within = if is_inner { self.within } else { 0 };
        let after = Position { ordinal: self.ordinal, offset: offset_after, place, within };
        Some((Piece { ordinal, offset, length, content, out_of }, after))
    }

    fn next(&mut self) -> Option<Next> {
        loop {
            while let Some(next) = self.inner() {
                self.within += 1;
                if self.within > self.skipped {
                    return Some(next);
                }
            }
            (self.within, self.skipped) = (0, if self.within > 0 { 0 } else { self.skipped });
            match self.cutter.cut()? {
                Cut::Framing => {}
                Cut::Pending => return None,
                cut => {
                    if let Some(next) = self.opened(cut) {
                        return Some(next);
                    }
                }
            }
        }
    }

    /// What was cut, if it is a piece; an envelope is opened.
    fn opened(&mut self, cut: Cut) -> Option<Next> {
        let (length, place) = match cut {
            Cut::Dead(lost) => return Some(Next::Lost(lost)),
            Cut::Whole { length, place } => (length, place),
            Cut::Framing | Cut::Pending => return None,
        };
        let opening = match self.opens {
            true => envelope::open(self.cutter.whole(), depth_of(place)),
            false => Opening::Record,
        };
        match opening {
            Opening::Record if length <= MAX_RECORD_BYTES => Some(Next::Cut(length)),
            Opening::Record => Some(Next::Lost(self.lost(too_large(length as u64)))),
            Opening::TooDeep => Some(Next::Lost(self.lost(too_deep()))),
            Opening::TooMany => Some(Next::Lost(self.lost(too_many()))),
            Opening::Envelope(items) => {
                self.outermost = (self.cutter.offset(), place);
                self.allowance = Arc::new(AtomicU64::new(MAX_UNPACKED_BYTES));
                let envelope = Part::of(self.cutter.whole());
                let at = At::Offset(self.cutter.offset());
                let around = Around { at, depth: depth_of(place) + 1, out_of: Envelopes::NONE };
                self.open.push(Frame::Items { envelope, items: items.into_iter(), around });
                None
            }
        }
    }

    /// How many pieces are in what was cut. None of them is handed out.
    pub(super) fn count(&mut self, cut: Cut) -> u64 {
        let mut pieces = u64::from(self.opened(cut).is_some());
        while self.inner().is_some() {
            pieces += 1;
        }
        pieces
    }

    /// What was cut last, which can't be a record after all.
    fn lost(&self, fault: Fault) -> Lost {
        let whole = self.cutter.whole();
        let (offset, length) = (self.cutter.offset(), whole.len() as u64);
        Lost { offset, length, fault, excerpt: excerpt(whole), hint: None, is_held: true }
    }

    /// The next piece out of the envelopes that are open; none when they are empty.
    fn inner(&mut self) -> Option<Next> {
        loop {
            match self.open.last_mut()? {
                Frame::Items { envelope, items, around } => match items.next() {
                    None => {
                        self.open.pop();
                    }
                    Some(item) => {
                        let (envelope, around) = (envelope.clone(), *around);
                        if let Some(next) = self.item(&envelope, item, around) {
                            return Some(next);
                        }
                    }
                },
                Frame::Text { cutter, around } => match cutter.cut() {
                    Some(Cut::Framing) => {}
                    None | Some(Cut::Pending) => {
                        self.open.pop();
                    }
                    Some(Cut::Dead(lost)) => {
                        return Some(Next::InnerLost(lost.fault, lost.excerpt, lost.hint, *around));
                    }
                    Some(Cut::Whole { place, .. }) => {
                        let (part, around) = (Part::of(cutter.whole()), *around);
                        if let Some(next) = self.part(part, Around { depth: around.depth + depth_of(place), ..around })
                        {
                            return Some(next);
                        }
                    }
                },
            }
        }
    }

    /// A piece, if what an envelope hands on is one; else it is opened.
    fn item(&mut self, envelope: &Part, item: Item, around: Around) -> Option<Next> {
        let part = envelope.part(&item.place);
        let around = Around { out_of: around.out_of.and(item.out_of), ..around };
        let (offset, length) = around.at.span(&part.range);
        let made = Around { at: At::Made(offset, length), ..around };
        let lost = |fault| Some(Next::InnerLost(fault, excerpt(part.bytes()), None, made));
        let text = || std::str::from_utf8(part.bytes()).ok().and_then(envelope::string);
        let malformed = |expected: &str| {
            Fault::new(DeadReason::MalformedJson, format!("expected {expected} in an envelope, got something else"))
        };
        let bytes: Box<dyn Read + Send> = match item.form {
            Form::Object => return self.part(part, around),
            Form::Rewritten(text) => return self.part(Part::of(text.as_bytes()), made),
            Form::Text => match text() {
                Some(text) => Box::new(Cursor::new(text)),
                None => return lost(malformed("a text")),
            },
            Form::Encoded => match text().and_then(|text| STANDARD.decode(text).ok()) {
                Some(bytes) => {
                    Box::new(Limited::new(unpacked(Box::new(Cursor::new(bytes))), Arc::clone(&self.allowance)))
                }
                None => return lost(malformed("base64")),
            },
        };
        let cutter = Box::new(Cutter::new(bytes, 0, Place::Beginning));
        self.open.push(Frame::Text { cutter, around: made });
        None
    }

    /// A piece, if it is one; else an envelope, which is opened.
    fn part(&mut self, part: Part, around: Around) -> Option<Next> {
        let (offset, length) = around.at.span(&part.range);
        let made = Around { at: At::Made(offset, length), ..around };
        let lost = |fault| Some(Next::InnerLost(fault, excerpt(part.bytes()), None, made));
        match envelope::open(part.bytes(), around.depth) {
            Opening::Record if part.range.len() > MAX_RECORD_BYTES => lost(too_large(part.range.len() as u64)),
            Opening::Record => Some(Next::Inner(part, around)),
            Opening::TooDeep => lost(too_deep()),
            Opening::TooMany => lost(too_many()),
            Opening::Envelope(items) => {
                let around = Around { depth: around.depth + 1, ..around };
                self.open.push(Frame::Items { envelope: part, items: items.into_iter(), around });
                None
            }
        }
    }
}

/// How many envelopes what is cut at a place stands in.
fn depth_of(place: Place) -> u32 {
    u32::from(matches!(place, Place::InObject | Place::InList))
}

fn too_deep() -> Fault {
    let detail = format!("expected a record in at most {MAX_ENVELOPES} envelopes, got an envelope in as many");
    Fault::new(DeadReason::NestedTooDeep, detail)
}

fn too_many() -> Fault {
    let detail = format!("expected at most {MAX_ITEMS} records in an envelope, got more");
    Fault::new(DeadReason::RecordTooLarge, detail)
}
