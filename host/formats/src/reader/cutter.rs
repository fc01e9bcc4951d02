//! Finds where the documents and records of an input begin and end, without reading them.
//!
//! What it cuts out is a record or an envelope: the splitter opens those.

use std::io::Read;

use super::extent::{Extent, closes, separates};
use super::line::Line;
use super::lost::{Lost, MAX_WRITTEN, excerpt, too_large};
use super::position::Place;
use super::scanner::{Scanner, is_space};
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

/// So much of what is part of no document is gone past at a time, bytes.
const MAX_FRAMING: u64 = 1 << 20;

const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// Cuts an input. Holds at most one envelope and a chunk of what follows it.
pub(super) struct Cutter {
    window: Window,
    place: Place,
    /// Of what is looked for, the line that it begins on.
    line: Line,
    /// Whether nothing was cut when `cut` returned, so that it goes on in the line as it is.
    goes_on: bool,
    /// Whether more may come after the end of what can be read.
    is_live: bool,
    /// Whether what was consumed since the last cut is kept.
    keeps: bool,
    /// Bytes of what was cut last, consumed when the next is asked for.
    lent: usize,
    /// From where what is cut next is the same.
    anchor: (u64, Place),
    /// The offset up to which the input tells that what was cut last is that.
    seen: u64,
    /// What is too long, and hasn't ended yet.
    discarded: Option<Discarded>,
}

/// What was cut.
pub(super) enum Cut {
    /// A record or an envelope: how many bytes from where the cutter is, and where in the grammar that is.
    Whole { length: usize, place: Place },
    /// What can't be either.
    Dead(Lost),
    /// Nothing yet, but much that is part of no document was gone past.
    Framing,
    /// What begins there may go on after the end of what can be read.
    Pending,
}

/// What is too long to be held.
struct Discarded {
    extent: Extent,
    offset: u64,
    excerpt: String,
    /// What it looks like, if it is all of the input.
    hint: Option<Hint>,
}

/// What isn't skipped.
enum First {
    /// Its first byte.
    Byte(u8),
    /// Nothing: the input ends.
    None,
    /// Much was skipped, and it isn't known yet.
    Paused,
}

impl Cutter {
    /// Reads an input from an offset on, which is at this place; `bytes` begin there.
    pub(super) fn new(bytes: Box<dyn Read + Send>, offset: u64, place: Place) -> Cutter {
        Cutter {
            window: Window::new(bytes, offset),
            place,
            line: if place == Place::Beginning { Line::BEGINNING } else { Line::WITHIN },
            goes_on: true,
            is_live: false,
            keeps: false,
            lent: 0,
            anchor: (offset, place),
            seen: offset,
            discarded: None,
        }
    }

    /// Keeps what is read of each cut, for [`Cutter::between`].
    pub(super) fn keep(&mut self) {
        self.keeps = true;
        self.window.keep(self.window.offset());
    }

    /// Takes the end of what can be read for the end of the input, or not.
    pub(super) fn set_live(&mut self, is_live: bool) {
        self.is_live = is_live;
    }

    /// Reads on where the input had ended: more of it may have come.
    pub(super) fn go_on(&mut self) {
        self.window.go_on();
    }

    /// Why the input can't be read on, if that is why it ended.
    pub(super) fn failure(&self) -> Option<Fault> {
        self.window.failure()
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

    /// The offset of what hasn't ended yet, or comes next.
    pub(super) fn next_offset(&self) -> u64 {
        self.discarded.as_ref().map_or(self.after().0, |discarded| discarded.offset)
    }

    /// From where what was cut last is cut again: after what was cut before, or later.
    pub(super) fn anchor(&self) -> (u64, Place) {
        self.anchor
    }

    /// The offset up to which the input tells that what was cut last is that: whatever follows, it is cut in the same way.
    pub(super) fn seen(&self) -> u64 {
        self.seen
    }

    /// The bytes between two offsets, of those from the anchor of what was cut last on.
    pub(super) fn between(&self, from: u64, to: u64) -> Option<&[u8]> {
        self.window.between(from, to)
    }

    /// Cuts on; none at the end.
    pub(super) fn cut(&mut self) -> Option<Cut> {
        self.window.consume(std::mem::take(&mut self.lent));
        if !std::mem::take(&mut self.goes_on) {
            self.within();
        }
        if self.keeps && self.discarded.is_none() {
            self.window.keep(self.anchor.0);
        }
        let cut = self.next();
        if matches!(cut, None | Some(Cut::Framing | Cut::Pending)) {
            self.goes_on = true;
        }
        cut
    }

    fn next(&mut self) -> Option<Cut> {
        if let Some(discarded) = self.discarded.take() {
            let end = self.discard(discarded);
            return Some(self.record(end));
        }
        if self.place == Place::Beginning {
            while hint::may_be_file(self.window.bytes()) && self.window.more() {}
            match hint::file(self.window.bytes()) {
                Some(hint) => return Some(self.whole_file(hint)),
                None if self.is_live && hint::may_be_file(self.window.bytes()) => return Some(Cut::Pending),
                None => self.place = Place::BetweenDocuments,
            }
        }
        let begin = self.window.offset();
        loop {
            if self.window.offset() - begin > MAX_FRAMING {
                return Some(Cut::Framing);
            }
            match self.place {
                Place::Ended => return None,
                Place::Written => return Some(self.written()),
                Place::Beginning | Place::BetweenDocuments => {
                    let first = match self.first(separates) {
                        First::Paused => return Some(Cut::Framing),
                        First::Byte(first) => first,
                        First::None if self.is_live => return None,
                        First::None => {
                            self.place = Place::Ended;
                            let fault = self.window.failure()?;
                            return Some(self.dead(0, fault));
                        }
                    };
                    if self.window.bytes().starts_with(BYTE_ORDER_MARK) {
                        self.window.consume(BYTE_ORDER_MARK.len());
                        continue;
                    }
                    let wrapped = if first == b'{' { self.begins_wrapped() } else { Begins::Not };
                    let begins = match wrapped {
                        Begins::Not if first == b'[' => self.begins(BARE),
                        wrapped => wrapped,
                    };
                    match begins {
                        Begins::Unknown => return Some(Cut::Pending),
                        Begins::With(length) if first == b'{' => {
                            self.window.consume(length);
                            self.place = Place::InObject;
                            self.within();
                        }
                        Begins::With(_) => {
                            self.window.consume(1);
                            self.place = Place::InList;
                            self.within();
                        }
                        Begins::Not if first == b'{' => {
                            return Some(self.line_of_object().unwrap_or_else(|| self.value()));
                        }
                        Begins::Not if closes(&first) => {
                            let end = self.extent(Extent::Closing { searched: 0 }, MAX_RECORD_BYTES);
                            return Some(self.record(end));
                        }
                        // Half of a byte order mark.
                        Begins::Not if self.is_live && self.is_partial_mark() => return Some(Cut::Pending),
                        Begins::Not => return Some(self.line()),
                    }
                }
                Place::InObject | Place::InList => match self.first(separates) {
                    First::Paused => return Some(Cut::Framing),
                    First::None => return Some(self.ends_early(0)),
                    First::Byte(b']') => {
                        self.window.consume(1);
                        self.place = match self.place {
                            Place::InObject => Place::AfterRecords,
                            _ => Place::BetweenDocuments,
                        };
                        self.within();
                    }
                    First::Byte(b'{' | b'[' | b'"') => return Some(self.value()),
                    First::Byte(_) => return Some(self.word()),
                },
                Place::AfterRecords => match self.first(is_space) {
                    First::Paused => return Some(Cut::Framing),
                    First::None => return Some(self.ends_early(0)),
                    First::Byte(b'}') => {
                        self.window.consume(1);
                        self.place = Place::BetweenDocuments;
                        self.within();
                    }
                    // Another document, whatever became of this one's end.
                    First::Byte(b'{' | b'[') => {
                        self.place = Place::BetweenDocuments;
                        let fault = "expected `}` after the records, got another document";
                        return Some(self.dead(0, Fault::new(DeadReason::Truncated, fault)));
                    }
                    First::Byte(_) => {
                        if let Some(cut) = self.rest_of_document() {
                            return Some(cut);
                        }
                    }
                },
            }
        }
    }

    /// What comes next begins within a line, and is the same from here on.
    fn within(&mut self) {
        self.line = Line::WITHIN;
        self.anchor = (self.window.offset(), self.place);
    }

    /// One dead letter for an input that is no JSON in UTF-8 at all: its records would be meaningless.
    fn whole_file(&mut self, hint: Hint) -> Cut {
        // Read so far, so that the size of the reads doesn't show.
        while self.window.bytes().len() < DeadLetter::EXCERPT_BYTES {
            if !self.window.more() {
                if self.is_live {
                    return Cut::Pending;
                }
                break;
            }
        }
        let (offset, excerpt) = (self.window.offset(), excerpt(self.window.bytes()));
        let end = self.discard(Discarded { extent: Extent::Input { searched: 0 }, offset, excerpt, hint: Some(hint) });
        self.record(end)
    }

    /// A dead letter that was written down.
    fn written(&mut self) -> Cut {
        while self.window.bytes().len() as u64 <= MAX_WRITTEN && self.window.more() {}
        self.place = Place::Ended;
        let offset = self.window.offset();
        let lost = Lost::read(self.window.bytes(), offset).unwrap_or_else(|| {
            let fault =
                Fault::new(DeadReason::Unreadable, "expected a dead letter that was written down, got other bytes");
            let excerpt = excerpt(self.window.bytes());
            Lost { offset, length: 0, fault, excerpt, hint: None, is_held: false }
        });
        self.window.consume(usize::MAX);
        Cut::Dead(lost)
    }

    /// The first byte that isn't skipped; it stays in the window. A byte order mark is read whole, to distinguish it from
    /// the beginning of a line.
    fn first(&mut self, skipped: fn(u8) -> bool) -> First {
        let begin = self.window.offset();
        loop {
            let offset = self.window.offset();
            let bytes = self.window.bytes();
            let count = bytes.iter().take_while(|byte| skipped(**byte)).count();
            if let Some(anchor) = self.line.skip(head(bytes, count)) {
                self.anchor = (offset + anchor as u64, self.place);
            }
            self.window.consume(count);
            let first = self.window.bytes().first().copied();
            if self.is_partial_mark() && self.window.more() {
                continue;
            }
            match first {
                Some(first) => {
                    self.seen = self.window.offset() + 1;
                    return First::Byte(first);
                }
                None if self.window.offset() - begin > MAX_FRAMING => return First::Paused,
                None if self.window.more() => {}
                None => return First::None,
            }
        }
    }

    /// Whether all that was read is the beginning of a byte order mark.
    fn is_partial_mark(&self) -> bool {
        let bytes = self.window.bytes();
        !bytes.is_empty() && bytes.len() < BYTE_ORDER_MARK.len() && BYTE_ORDER_MARK.starts_with(bytes)
    }

    /// Whether a document begins whose records stand in an object.
    fn begins_wrapped(&mut self) -> Begins {
        for name in WRAPPERS {
            match self.begins(&[b"{", name, b":", b"["]) {
                Begins::Not => {}
                begins => return begins,
            }
        }
        Begins::Not
    }

    /// Whether the window begins with these pieces; white space between them is theirs too.
    fn begins(&mut self, pieces: &[&[u8]]) -> Begins {
        loop {
            let bytes = head(self.window.bytes(), LOOK_AHEAD);
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
            let is_short = bytes.len() < LOOK_AHEAD;
            match missing {
                None => return Begins::With(bytes.len() - rest.len()),
                Some(true) if is_short && self.window.more() => {}
                Some(true) if is_short && self.is_live => return Begins::Unknown,
                Some(_) => return Begins::Not,
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
        if !self.line.begins() {
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
                return None;
            }
        };
        let text = head(self.window.bytes(), end).trim_ascii_end();
        if end > MAX_RECORD_BYTES || !text.ends_with(b"}") || !is_one(text) {
            return None;
        }
        let length = text.len();
        if self.window.bytes().len() == end + 1 {
            self.window.more();
        }
        let seen = self.window.offset() + end as u64 + 1;
        match self.window.bytes().get(end + 1) {
            Some(b'{' | b'[') => {}
            None if !self.is_live => {}
            None => return self.line_so_far(length, seen),
            Some(_) => {
                self.seen = seen + 1;
                return None;
            }
        }
        self.seen = seen;
        self.lent = length;
        Some(Cut::Whole { length, place: self.place })
    }

    /// The same for a line after which nothing came yet: it is one whatever follows if it is one object.
    fn line_so_far(&mut self, length: usize, seen: u64) -> Option<Cut> {
        let mut scanner = Scanner::new(self.line.indentation(), true);
        let end = scanner.feed(head(self.window.bytes(), length));
        if end != Some(length as u64) {
            return Some(Cut::Pending);
        }
        self.seen = seen;
        self.lent = length;
        Some(Cut::Whole { length, place: self.place })
    }

    /// An object, a list or a text, over any number of lines; or what is no JSON though it begins so.
    fn value(&mut self) -> Cut {
        let scanner = Scanner::new(self.line.indentation(), self.place == Place::BetweenDocuments);
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
            End::Pending => Cut::Pending,
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
                    self.within();
                    return None;
                }
                let fault = Fault::new(DeadReason::UnexpectedText, "expected `}` after the records, got other text");
                Some(self.dead(length, fault))
            }
            End::Lost(lost) => Some(Cut::Dead(lost)),
            End::Pending => {
                if self.discarded.is_none() {
                    self.place = Place::AfterRecords;
                }
                Some(Cut::Pending)
            }
            End::Unfinished(length) => Some(self.ends_early(length)),
        }
    }

    /// The input ends inside a document, or can't be read on: all that is left is one dead letter.
    fn ends_early(&mut self, length: usize) -> Cut {
        if self.is_live {
            return Cut::Pending;
        }
        self.ends();
        let fault = self.window.failure().unwrap_or_else(|| {
            Fault::new(DeadReason::Truncated, "expected the rest of the records, got the end of the input")
        });
        self.dead(length, fault)
    }

    /// What follows the end of an input that is inside a document is something else; what can't be read never follows.
    fn ends(&mut self) {
        self.place = if self.window.failure().is_some() { Place::Ended } else { Place::BetweenDocuments };
    }

    fn dead(&mut self, length: usize, fault: Fault) -> Cut {
        Cut::Dead(self.lost(length, fault))
    }

    fn lost(&mut self, length: usize, fault: Fault) -> Lost {
        let offset = self.window.offset();
        let excerpt = excerpt(head(self.window.bytes(), length));
        self.window.consume(length);
        self.seen = self.seen.max(self.window.offset());
        let is_held = self.window.failure().is_none();
        Lost { offset, length: length as u64, fault, excerpt, hint: None, is_held }
    }

    /// Finds the end of what begins at the window's first byte, holding at most the cap and a chunk.
    fn extent(&mut self, mut extent: Extent, cap: usize) -> End {
        let mut searched = 0;
        loop {
            let fresh = self.window.bytes().get(searched..).unwrap_or_default();
            if let Some(end) = extent.feed(fresh) {
                let length = usize::try_from(end).unwrap_or(usize::MAX);
                self.seen = self.seen.max(self.window.offset() + extent.seen());
                // Decided on the length alone, so that it doesn't show how much was read at a time.
                return if length > cap { End::Lost(self.lost(length, too_large(end))) } else { End::Whole(length) };
            }
            searched += fresh.len();
            if searched > cap && extent.settled() > cap as u64 {
                let discarded = Discarded {
                    extent,
                    offset: self.window.offset(),
                    excerpt: excerpt(self.window.bytes()),
                    hint: None,
                };
                return self.discard(discarded);
            }
            if !self.window.more() {
                self.seen = self.seen.max(self.window.offset() + searched as u64);
                return if self.is_live { End::Pending } else { End::Unfinished(searched) };
            }
        }
    }

    /// Goes past what is longer than the cap without holding it. All of the window has been searched.
    fn discard(&mut self, mut discarded: Discarded) -> End {
        self.window.keep_nothing();
        let offset = discarded.offset;
        let gone = |window: &Window| window.offset() - offset;
        let length = loop {
            // What may not be its own any more stays.
            let settled = discarded.extent.settled().saturating_sub(gone(&self.window));
            self.window.consume(usize::try_from(settled).unwrap_or(usize::MAX));
            let searched = self.window.bytes().len();
            if !self.window.more() {
                if self.is_live {
                    self.discarded = Some(discarded);
                    return End::Pending;
                }
                self.window.consume(usize::MAX);
                self.ends();
                if discarded.hint.is_some() {
                    self.place = Place::Ended;
                }
                break gone(&self.window);
            }
            if let Some(end) = discarded.extent.feed(self.window.bytes().get(searched..).unwrap_or_default()) {
                let rest = end.saturating_sub(gone(&self.window));
                self.window.consume(usize::try_from(rest).unwrap_or(usize::MAX));
                break end;
            }
        };
        let Discarded { excerpt, hint, .. } = discarded;
        let fault = match hint {
            Some(hint) => {
                let got = format!("got what looks like {}: {}", hint.name(), hint::advice(hint));
                Fault::new(DeadReason::NotUtf8, format!("expected JSON in UTF-8, {got}"))
            }
            None => too_large(length),
        };
        let fault = self.window.failure().filter(|_| self.place == Place::Ended).unwrap_or(fault);
        End::Lost(Lost { offset, length, fault, excerpt, hint, is_held: false })
    }
}

/// Whether the window begins with something.
enum Begins {
    /// With so many bytes of it.
    With(usize),
    Not,
    /// More would tell.
    Unknown,
}

enum End {
    /// So many bytes.
    Whole(usize),
    /// The input ended after so many bytes.
    Unfinished(usize),
    /// Too long, and skipped.
    Lost(Lost),
    /// What can be read ended.
    Pending,
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
    // The member isn't a number, which the rest could go on with.
    let object = std::str::from_utf8(rest).map(|rest| format!(r#"{{"":[]{rest}"#));
    object.is_ok_and(|object| serde_json::from_str::<serde::de::IgnoredAny>(&object).is_ok())
}

fn head(bytes: &[u8], length: usize) -> &[u8] {
    bytes.get(..length).unwrap_or(bytes)
}

fn after_space(bytes: &[u8]) -> &[u8] {
    let spaces = bytes.iter().take_while(|byte| is_space(**byte)).count();
    bytes.get(spaces..).unwrap_or_default()
}
