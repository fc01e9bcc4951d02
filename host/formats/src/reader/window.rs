//! A window over an input: the bytes read and not yet consumed, with their offset.

use std::io::{self, Read};

use crate::{DeadReason, Fault};

/// How much is asked of the input at a time, bytes.
const CHUNK: usize = 64 << 10;

/// Bytes of an input from the first one not yet consumed. Grows only when asked for more, so the caller bounds it.
pub(super) struct Window {
    reader: Box<dyn Read + Send>,
    buffer: Vec<u8>,
    /// Where the bytes that are kept although they were consumed begin in the buffer; none if none are.
    kept: Option<usize>,
    /// Where the bytes not yet consumed begin and end in the buffer.
    head: usize,
    end: usize,
    offset: u64,
    ended: bool,
    failure: Option<Fault>,
}

impl Window {
    /// A window whose first byte has this offset.
    pub(super) fn new(reader: Box<dyn Read + Send>, offset: u64) -> Window {
        Window { reader, buffer: Vec::new(), kept: None, head: 0, end: 0, offset, ended: false, failure: None }
    }

    /// The bytes read and not yet consumed.
    pub(super) fn bytes(&self) -> &[u8] {
        self.buffer.get(self.head..self.end).unwrap_or_default()
    }

    /// Offset of the first of [`Window::bytes`].
    pub(super) fn offset(&self) -> u64 {
        self.offset
    }

    /// Consumes bytes, at most those that are there.
    pub(super) fn consume(&mut self, count: usize) {
        let count = count.min(self.end - self.head);
        self.head += count;
        self.offset += count as u64;
    }

    /// Keeps what is consumed from an offset on, which is kept already or not yet consumed.
    pub(super) fn keep(&mut self, from: u64) {
        let consumed = usize::try_from(self.offset.saturating_sub(from)).unwrap_or(usize::MAX);
        self.kept = Some(self.head.saturating_sub(consumed));
    }

    /// Keeps nothing that is consumed any more.
    pub(super) fn keep_nothing(&mut self) {
        self.kept = None;
    }

    /// The bytes between two offsets, if they were read and are kept or not yet consumed.
    pub(super) fn between(&self, from: u64, to: u64) -> Option<&[u8]> {
        let first = self.kept.unwrap_or(self.head);
        let first_offset = self.offset - (self.head - first) as u64;
        let index = |offset: u64| first.checked_add(usize::try_from(offset.checked_sub(first_offset)?).ok()?);
        self.buffer.get(..self.end)?.get(index(from)?..index(to)?)
    }

    /// Forgets that the input ended: more of it may have come.
    pub(super) fn go_on(&mut self) {
        self.ended = false;
        self.failure = None;
    }

    /// Reads on. False at the end of the input, and where it can't be read on.
    pub(super) fn more(&mut self) -> bool {
        if self.ended {
            return false;
        }
        let unused = self.kept.unwrap_or(self.head);
        if unused > 0 {
            self.buffer.copy_within(unused..self.end, 0);
            self.kept = self.kept.map(|_| 0);
            self.head -= unused;
            self.end -= unused;
        }
        // Only ever grown, so that small reads don't pay for clearing it.
        self.buffer.resize(self.buffer.len().max(self.end + CHUNK), 0);
        let read = loop {
            match self.reader.read(self.buffer.get_mut(self.end..).unwrap_or_default()) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                read => break read,
            }
        };
        // No more than there is room for, whatever the reader returns.
        let count = read.as_ref().map_or(0, |count| *count).min(self.buffer.len() - self.end);
        self.end += count;
        self.ended = count == 0;
        self.failure = read.err().map(fault);
        count > 0
    }

    /// Why the input can't be read on, if that is why it ended.
    pub(super) fn failure(&self) -> Option<Fault> {
        self.failure.clone()
    }
}

fn fault(error: io::Error) -> Fault {
    error.downcast::<Fault>().unwrap_or_else(|error| {
        let detail = format!("expected to read on, got: {error}; what came before was delivered");
        Fault::new(DeadReason::Unreadable, detail)
    })
}
