//! Finds where the documents and records of an input begin and end, without reading them.
//!
//! What it cuts out is a record or an envelope: the splitter opens those.

use std::io::Read;

use super::position::Place;
use super::scanner::{MAX_INDENTATION, Scanner, is_space};
use super::window::Window;
use super::{MAX_ENVELOPE_BYTES, MAX_RECORD_BYTES};
use crate::hint::{self, Hint};
use crate::{DeadLetter, DeadReason, Fault};

/// The members that come first in documents whose records stand in an object, and may be many. How a document is made that
/// has them elsewhere is the affair of the table of envelopes.
const WRAPPERS: &[&[u8]] = &[b"\"Records\"", b"\"records\"", b"\"Events\"", b"\"events\"", b"\"Messages\""];

/// How a list of records begins. A list of anything else is a line, and so are words in brackets.
const BARE: &[&[u8]] = &[b"[", b"{"];

/// How far a document's beginning is searched to distinguish it from a line, bytes.
const LOOK_AHEAD: usize = 4 << 10;

/// The longest text after the records of a document that is no record itself, bytes.
const MAX_REST: usize = 4 << 10;

const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// Cuts an input. Holds at most one envelope and a chunk of what follows it.
pub(super) struct Cutter {
    window: Window,
    place: Place,
    /// Whether nothing of the input has been cut yet.
    is_fresh: bool,
    /// Bytes of what was cut last, consumed when the next is asked for.
    lent: usize,
    /// The offset up to which there is no line that is known to be one object.
    not_one_before: u64,
}

/// What was cut.
pub(super) enum Cut {
    /// A record or an envelope: how many bytes from where the cutter is, and where in the grammar that is.
    Whole { length: usize, place: Place },
    /// What can't be either.
    Dead(Lost),
}

/// What can't be a record.
pub(super) struct Lost {
    pub(super) offset: u64,
    pub(super) length: u64,
    pub(super) fault: Fault,
    pub(super) excerpt: String,
    pub(super) hint: Option<Hint>,
}

impl Cutter {
    /// Reads an input from an offset on, which is at this place; `bytes` begin there.
    pub(super) fn new(bytes: Box<dyn Read + Send>, offset: u64, place: Place, is_fresh: bool) -> Cutter {
        Cutter { window: Window::new(bytes, offset), place, is_fresh, lent: 0, not_one_before: 0 }
    }

    /// The offset of what was cut last, if it is whole.
    pub(super) fn offset(&self) -> u64 {
        self.window.offset()
    }

    /// What was cut last, if it is whole.
    pub(super) fn whole(&self) -> &[u8] {
        head(self.window.bytes(), self.lent)
    }

    /// Where the input goes on after what was cut last.
    pub(super) fn after(&self) -> (u64, Place) {
        (self.window.offset() + self.lent as u64, self.place)
    }

    /// Cuts on; none at the end.
    pub(super) fn cut(&mut self) -> Option<Cut> {
        self.window.consume(std::mem::take(&mut self.lent));
        if std::mem::take(&mut self.is_fresh)
            && let Some(hint) = self.file()
        {
            return Some(self.whole_file(hint));
        }
        let mut line = Line::begin(self.window.offset());
        loop {
            match self.place {
                Place::Ended => return None,
                Place::BetweenDocuments => {
                    let Some(first) = self.first(separates, &mut line) else {
                        self.place = Place::Ended;
                        let fault = self.window.failure()?;
                        return Some(self.dead(0, fault));
                    };
                    if self.window.bytes().starts_with(BYTE_ORDER_MARK) {
                        self.window.consume(BYTE_ORDER_MARK.len());
                    } else if let Some(length) = self.begins_wrapped(first) {
                        self.window.consume(length);
                        self.place = Place::InObject;
                        line = Line::within();
                    } else if self.begins(BARE).is_some() {
                        self.window.consume(1);
                        self.place = Place::InList;
                        line = Line::within();
                    } else if first == b'{' {
                        return Some(self.line_of_object().unwrap_or_else(|| self.value(&line)));
                    } else if closes(&first) {
                        let end = self.extent(Extent::Closing { searched: 0 }, MAX_RECORD_BYTES);
                        return Some(self.record(end));
                    } else {
                        return Some(self.line());
                    }
                }
                Place::InObject | Place::InList => match self.first(separates, &mut line) {
                    None => return Some(self.ends_early(0)),
                    Some(b']') => {
                        self.window.consume(1);
                        self.place = match self.place {
                            Place::InObject => Place::AfterRecords,
                            _ => Place::BetweenDocuments,
                        };
                        line = Line::within();
                    }
                    Some(b'{' | b'[' | b'"') => return Some(self.value(&line)),
                    Some(_) => return Some(self.word()),
                },
                Place::AfterRecords => match self.first(is_space, &mut line) {
                    None => return Some(self.ends_early(0)),
                    Some(b'}') => {
                        self.window.consume(1);
                        self.place = Place::BetweenDocuments;
                        line = Line::within();
                    }
                    // Another document, whatever became of this one's end.
                    Some(b'{' | b'[') => {
                        self.place = Place::BetweenDocuments;
                        let fault = "expected `}` after the records, got another document";
                        return Some(self.dead(0, Fault::new(DeadReason::Truncated, fault)));
                    }
                    Some(_) => {
                        if let Some(cut) = self.rest_of_document() {
                            return Some(cut);
                        }
                    }
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
            let detail = format!("expected JSON in UTF-8, got what looks like {}: {}", hint.name(), hint::advice(hint));
            Fault::new(DeadReason::NotUtf8, detail)
        });
        Cut::Dead(Lost { offset: 0, length: self.window.offset(), fault, excerpt, hint: Some(hint) })
    }

    /// The first byte that isn't skipped; it stays in the window. None at the end of the input. A byte order mark is
    /// read whole, to distinguish it from the beginning of a line.
    fn first(&mut self, skipped: fn(u8) -> bool, line: &mut Line) -> Option<u8> {
        loop {
            let bytes = self.window.bytes();
            let count = bytes.iter().take_while(|byte| skipped(**byte)).count();
            line.skip(head(bytes, count));
            self.window.consume(count);
            let bytes = self.window.bytes();
            let partial_mark = bytes.len() < BYTE_ORDER_MARK.len() && BYTE_ORDER_MARK.starts_with(bytes);
            let first = bytes.first().copied();
            if (first.is_some() && !partial_mark) || !self.window.more() {
                return first;
            }
        }
    }

    /// How many bytes the beginning of a document takes whose records stand in an object.
    fn begins_wrapped(&mut self, first: u8) -> Option<usize> {
        if first != b'{' {
            return None;
        }
        WRAPPERS.iter().find_map(|name| self.begins(&[b"{", name, b":", b"["]))
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
        let end = self.extent(Extent::Line { searched: 0 }, MAX_RECORD_BYTES);
        self.record(end)
    }

    /// A line that can be nothing but one object or damage, as nearly all are: its end is found without looking into it. It
    /// ends with a brace, the next one begins something else, and no two objects are next to each other in it.
    fn line_of_object(&mut self) -> Option<Cut> {
        if self.window.offset() < self.not_one_before {
            return None;
        }
        let mut searched = 0;
        let end = loop {
            let fresh = self.window.bytes().get(searched..).unwrap_or_default();
            match memchr::memchr(b'\n', fresh) {
                Some(end) => break searched + end,
                None => searched += fresh.len(),
            }
            if searched > MAX_RECORD_BYTES || !self.window.more() {
                self.not_one_before = self.window.offset() + searched as u64;
                return None;
            }
        };
        if self.window.bytes().len() == end + 1 {
            self.window.more();
        }
        let begins_anew = match self.window.bytes().get(end + 1) {
            Some(next) => matches!(next, b'{' | b'['),
            None => self.window.failure().is_none(),
        };
        let text = head(self.window.bytes(), end).trim_ascii_end();
        if begins_anew && text.len() <= MAX_RECORD_BYTES && text.ends_with(b"}") && is_one(text) {
            self.lent = text.len();
            return Some(Cut::Whole { length: self.lent, place: self.place });
        }
        self.not_one_before = self.window.offset() + end as u64;
        None
    }

    /// An object, a list or a text, over any number of lines; or what is no JSON though it begins so.
    fn value(&mut self, line: &Line) -> Cut {
        let scanner = Scanner::new(line.indentation(), self.place == Place::BetweenDocuments);
        let end = self.extent(Extent::Value(scanner), MAX_ENVELOPE_BYTES);
        self.record(end)
    }

    /// A number, `true`, `null`, or what isn't JSON at all, among the records of a document.
    fn word(&mut self) -> Cut {
        let end = self.extent(Extent::Word { searched: 0 }, MAX_RECORD_BYTES);
        self.record(end)
    }

    fn record(&mut self, end: End) -> Cut {
        let between = self.place == Place::BetweenDocuments;
        match end {
            End::Lost(lost) => Cut::Dead(lost),
            End::Unfinished(length) if !between || self.window.failure().is_some() => self.ends_early(length),
            End::Whole(length) | End::Unfinished(length) => {
                let spaces = head(self.window.bytes(), length).iter().rev().take_while(|byte| is_space(**byte)).count();
                self.lent = length - spaces;
                Cut::Whole { length: self.lent, place: self.place }
            }
        }
    }

    /// A document's text after its records, up to the brace that closes it. None if no record can be in it.
    fn rest_of_document(&mut self) -> Option<Cut> {
        self.place = Place::BetweenDocuments;
        match self.extent(Extent::Value(Scanner::rest_of_object()), MAX_RECORD_BYTES) {
            End::Whole(length) => {
                let rest = head(self.window.bytes(), length);
                if length <= MAX_REST && !rest.contains(&b'{') && ends_object(rest) {
                    self.window.consume(length);
                    return None;
                }
                let fault = Fault::new(DeadReason::UnexpectedText, "expected `}` after the records, got other text");
                Some(self.dead(length, fault))
            }
            End::Lost(lost) => Some(Cut::Dead(lost)),
            End::Unfinished(length) => Some(self.ends_early(length)),
        }
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
        Cut::Dead(self.lost(length, fault))
    }

    fn lost(&mut self, length: usize, fault: Fault) -> Lost {
        let offset = self.window.offset();
        let excerpt = excerpt(head(self.window.bytes(), length));
        self.window.consume(length);
        Lost { offset, length: length as u64, fault, excerpt, hint: None }
    }

    /// Finds the end of what begins at the window's first byte, holding at most the cap and a chunk.
    fn extent(&mut self, mut extent: Extent, cap: usize) -> End {
        let mut searched = 0;
        loop {
            let fresh = self.window.bytes().get(searched..).unwrap_or_default();
            if let Some(end) = extent.feed(fresh) {
                let length = usize::try_from(end).unwrap_or(usize::MAX);
                // Decided on the length alone, so that it doesn't show how much was read at a time.
                return if length > cap { End::Lost(self.lost(length, too_large(end))) } else { End::Whole(length) };
            }
            searched += fresh.len();
            if searched > cap && extent.settled() > cap as u64 {
                return End::Lost(self.discard(extent));
            }
            if !self.window.more() {
                return End::Unfinished(searched);
            }
        }
    }

    /// Goes past what is longer than the cap without holding it. All of the window has been searched.
    fn discard(&mut self, mut extent: Extent) -> Lost {
        let offset = self.window.offset();
        let excerpt = excerpt(self.window.bytes());
        let gone = |window: &Window| window.offset() - offset;
        loop {
            // What may not be its own any more stays.
            let settled = extent.settled().saturating_sub(gone(&self.window));
            self.window.consume(usize::try_from(settled).unwrap_or(usize::MAX));
            let searched = self.window.bytes().len();
            if !self.window.more() {
                self.window.consume(usize::MAX);
                self.place = Place::Ended;
                let length = gone(&self.window);
                let fault = self.window.failure().unwrap_or_else(|| too_large(length));
                return Lost { offset, length, fault, excerpt, hint: None };
            }
            if let Some(end) = extent.feed(self.window.bytes().get(searched..).unwrap_or_default()) {
                let rest = end.saturating_sub(gone(&self.window));
                self.window.consume(usize::try_from(rest).unwrap_or(usize::MAX));
                return Lost { offset, length: end, fault: too_large(end), excerpt, hint: None };
            }
        }
    }
}

enum End {
    /// So many bytes.
    Whole(usize),
    /// The input ended after so many bytes.
    Unfinished(usize),
    /// Too long, and skipped.
    Lost(Lost),
}

/// What is looked for. Resumable, since it may come in several reads.
enum Extent {
    /// The end of a line.
    Line { searched: u64 },
    /// The end of a number, `true`, `null`, or what isn't JSON at all; takes at least one byte.
    Word { searched: u64 },
    /// The end of brackets that close nothing: damage that a document may follow.
    Closing { searched: u64 },
    /// The end of an object, a list or a text.
    Value(Scanner),
}

impl Extent {
    /// Where it ends, counted from its beginning. `bytes` follow those seen before.
    fn feed(&mut self, bytes: &[u8]) -> Option<u64> {
        let (found, searched) = match self {
            Extent::Value(scanner) => return scanner.feed(bytes),
            Extent::Line { searched } => (memchr::memchr(b'\n', bytes), searched),
            Extent::Word { searched } => {
                let skip = usize::from(*searched == 0);
                let ends = |byte: &u8| is_space(*byte) || matches!(byte, b',' | b']' | b'}');
                (bytes.iter().skip(skip).position(ends).map(|at| at + skip), searched)
            }
            Extent::Closing { searched } => {
                (bytes.iter().position(|byte| *byte == b'\n' || !(separates(*byte) || closes(byte))), searched)
            }
        };
        let before = *searched;
        *searched += bytes.len() as u64;
        found.map(|at| before + at as u64)
    }

    /// How many bytes from its beginning are its own, wherever it ends.
    fn settled(&self) -> u64 {
        match self {
            Extent::Value(scanner) => scanner.settled(),
            Extent::Line { searched } | Extent::Word { searched } | Extent::Closing { searched } => *searched,
        }
    }
}

/// The line that something begins on.
struct Line {
    /// The white space at its beginning so far, columns; none within a line.
    indentation: Option<usize>,
}

impl Line {
    /// Where the next thing is looked for, at an offset in the input.
    fn begin(offset: u64) -> Line {
        Line { indentation: (offset == 0).then_some(0) }
    }

    fn within() -> Line {
        Line { indentation: None }
    }

    fn skip(&mut self, spaces: &[u8]) {
        let after = memchr::memrchr(b'\n', spaces).map(|at| at + 1);
        if after.is_some() {
            self.indentation = Some(0);
        }
        if let Some(columns) = &mut self.indentation {
            let spaces = spaces.get(after.unwrap_or(0)..).unwrap_or_default();
            *columns = columns.saturating_add(spaces.len()).min(MAX_INDENTATION);
        }
    }

    /// Columns; 0 within a line.
    fn indentation(&self) -> usize {
        self.indentation.unwrap_or(0)
    }
}

/// Whether a line has as many opening as closing braces, and no object right after another.
fn is_one(line: &[u8]) -> bool {
    let (mut open, mut after_closing) = (0_usize, None);
    for at in memchr::memchr2_iter(b'{', b'}', line) {
        if line.get(at) == Some(&b'}') {
            open = open.wrapping_sub(1);
            after_closing = Some(at + 1);
        } else {
            let between = after_closing.take().and_then(|end| line.get(end..at));
            if between.is_some_and(|between| between.iter().all(|byte| separates(*byte))) {
                return false;
            }
            open = open.wrapping_add(1);
        }
    }
    open == 0
}

/// Whether this is the rest of an object after one of its members.
fn ends_object(rest: &[u8]) -> bool {
    let object = std::str::from_utf8(rest).map(|rest| format!(r#"{{"":0{rest}"#));
    object.is_ok_and(|object| serde_json::from_str::<serde::de::IgnoredAny>(&object).is_ok())
}

pub(super) fn too_large(length: u64) -> Fault {
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

fn closes(byte: &u8) -> bool {
    matches!(byte, b'}' | b']')
}

/// What may stand between records and means nothing: also the separator of JSON text sequences (RFC 7464).
fn separates(byte: u8) -> bool {
    is_space(byte) || matches!(byte, b',' | 0x1e)
}
