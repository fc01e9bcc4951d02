//! What is read of one file, whatever its name and whichever file it is in by now.

use std::fs::File;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use countersign_formats::Fault;
use countersign_formats::reader::MAX_ENVELOPE_BYTES;

use super::bookmark::Bookmark;
use super::content::{Content, Held, MAX_PART, Part, first, head, text};
use super::file::{FileId, Found, Reading, Stamp};
use crate::cutter::Cutter;
use crate::delivered::Delivered;

/// A document that isn't closed at the end of a file is waited for until nothing was appended for so long.
pub(super) const PATIENCE: Duration = Duration::from_secs(10);

/// A file is written to if it grew since so long ago.
const ACTIVE: Duration = Duration::from_secs(60);

/// A document that waits is read again at once while it is shorter than this, bytes.
const SMALL: u64 = 64 << 10;

/// A longer document than this can't be a record: it is read again when much more of it came, or nothing does any more.
const HUGE: u64 = 2 * MAX_ENVELOPE_BYTES as u64;

/// So much of two files is compared at most to see whether one is a copy of the other, bytes.
const ALIKE: u64 = 1 << 20;

/// What is read of one file.
pub(super) struct Stream {
    pub(super) id: String,
    /// Where it was seen last.
    pub(super) path: PathBuf,
    pub(super) file: FileId,
    pub(super) content: Content,
    pub(super) is_packed: bool,
    /// Whether the file was found that holds it.
    pub(super) is_attached: bool,
    /// The file, while it is open.
    pub(super) handle: Option<Arc<File>>,
    /// Of the file when it was read to its end last.
    stamp: Option<Stamp>,
    /// How long the file is known to be, bytes as stored.
    pub(super) length: u64,
    /// When it was seen to have grown last.
    pub(super) grown: Instant,
    /// Up to where its text was read, white space and the like included.
    settled: u64,
    /// Whether a document waits at the end for more of it.
    waits: bool,
    /// Whether it was read to its end, as far as is known.
    is_read: bool,
    /// Where reading was interrupted.
    reader: Option<Cutter>,
    /// When it couldn't be read.
    pub(super) failed: Option<Instant>,
}

/// How reading went.
pub(super) enum Outcome {
    /// Up to the end, or until enough was read.
    Read {
        /// Why it can't be read on, if it can't.
        fault: Option<Fault>,
        /// Whether there is more.
        more: bool,
    },
    /// The file holds something else now.
    Replaced,
}

impl Stream {
    /// A stream whose file isn't found yet.
    pub(super) fn new(id: String, bookmark: Bookmark, now: Instant) -> Stream {
        let Bookmark { id: file, content, path } = bookmark;
        Stream {
            id,
            path,
            file,
            content,
            is_packed: false,
            is_attached: false,
            handle: None,
            stamp: None,
            length: 0,
            grown: now,
            settled: content.position.offset(),
            waits: false,
            is_read: false,
            reader: None,
            failed: None,
        }
    }

    /// Whether nothing was read of it.
    pub(super) fn is_untouched(&self) -> bool {
        self.content.position.ordinal() == 0
    }

    /// Goes on in this file, which holds it.
    pub(super) fn attach(&mut self, found: &Found, handle: Arc<File>, is_packed: bool, now: Instant) {
        self.file = found.id;
        self.path.clone_from(&found.path);
        self.is_packed = is_packed;
        self.is_attached = true;
        self.handle = Some(handle);
        (self.stamp, self.reader, self.waits, self.is_read) = (None, None, false, false);
        (self.length, self.grown) = (found.stamp.length, now);
        if is_packed {
            // It is recognised by its beginning: what comes later has to be unpacked to be seen.
            self.content.before = Part::of(&[]);
        }
    }

    /// Gives up the file.
    pub(super) fn detach(&mut self) {
        self.is_attached = false;
        (self.handle, self.reader) = (None, None);
    }

    /// Notes what is known of the file. Returns whether it has to be read.
    pub(super) fn look(&mut self, found: &Found, now: Instant) -> bool {
        let before = std::mem::replace(&mut self.length, found.stamp.length);
        self.path.clone_from(&found.path);
        let is_growing = before != self.length;
        if is_growing {
            self.grown = now;
        }
        if self.failed.is_some_and(|failed| now.duration_since(failed) < Duration::from_secs(1)) {
            return false;
        }
        if self.reader.is_some() {
            return true;
        }
        let is_renamed = |stamp: Stamp| stamp.length == found.stamp.length && stamp.modified == found.stamp.modified;
        if self.is_packed && self.is_read && self.stamp.is_some_and(is_renamed) {
            self.stamp = Some(found.stamp);
        }
        if self.stamp == Some(found.stamp) {
            return self.has_ended(now);
        }
        // A long document is not read again for every line that is appended.
        let read = self.stamp.map_or(0, |stamp| stamp.length);
        let waiting = read.saturating_sub(self.settled);
        let is_long = self.waits && !self.is_packed && waiting > SMALL;
        let has_grown_little = self.length >= read && self.length - read < waiting / 8;
        let is_coming = is_growing || (waiting > HUGE && !self.has_ended(now));
        !(is_long && has_grown_little && is_coming)
    }

    /// Whether what waits at its end isn't waited for any more.
    fn has_ended(&self, now: Instant) -> bool {
        self.waits && now.duration_since(self.grown) >= PATIENCE
    }

    /// Whether it is written to, or not all of it was read.
    pub(super) fn is_active(&self, now: Instant) -> bool {
        now.duration_since(self.grown) < ACTIVE || self.unread() > 0
    }

    /// Whether nothing more is expected of it for now.
    pub(super) fn is_idle(&self, now: Instant) -> bool {
        !self.waits && self.is_read && now.duration_since(self.grown) >= PATIENCE
    }

    /// Whether a plain file that holds what was read goes on like the stream's own, as far as both do, up to [`ALIKE`].
    pub(super) fn is_alike(&self, other: &Arc<File>) -> io::Result<bool> {
        if self.is_packed {
            return Ok(true);
        }
        let Some(file) = self.own_file()? else { return Ok(true) };
        let offset = self.content.position.offset();
        let length = file.metadata()?.len().min(other.metadata()?.len()).saturating_sub(offset).min(ALIKE);
        let bytes = |file: &Arc<File>| {
            let most = usize::try_from(length).unwrap_or(0);
            first(&mut Reading { file: Arc::clone(file), offset }, most)
        };
        // If the stream's own file was truncated, it tells nothing.
        Ok(bytes(&file)? == bytes(other)? || self.content.is_held(&file, false)? != Held::Yes)
    }

    /// Whether all that a plain file holds is in the stream's own too, so that it is read there.
    pub(super) fn covers(&self, other: &Arc<File>) -> io::Result<bool> {
        let Some(file) = self.own_file()? else { return Ok(false) };
        Ok(!self.is_packed && other.metadata()?.len() <= file.metadata()?.len() && self.is_alike(other)?)
    }

    /// The stream's file, if it is open or where it was.
    fn own_file(&self) -> io::Result<Option<Arc<File>>> {
        match (&self.handle, Found::at(&self.path)) {
            (Some(file), _) => Ok(Some(Arc::clone(file))),
            (None, Some(found)) if found.id == self.file => found.open().map(Some),
            (None, _) => Ok(None),
        }
    }

    /// Bytes as stored that are known and weren't read.
    pub(super) fn unread(&self) -> u64 {
        match (self.is_attached, self.is_packed) {
            _ if self.content.position.is_end() => 0,
            (false, _) => 0,
            (true, true) if self.is_read => 0,
            (true, true) => self.length,
            (true, false) => self.length.saturating_sub(self.settled.max(self.content.position.offset())),
        }
    }

    /// Reads on, at most about so many bytes.
    ///
    /// # Errors
    /// When the file can't be opened or looked at.
    pub(super) fn read(
        &mut self,
        found: &Found,
        now: Instant,
        budget: &mut usize,
        delivered: &mut Vec<Delivered>,
    ) -> io::Result<Outcome> {
        let file = match &self.handle {
            Some(file) => Arc::clone(file),
            None => found.open()?,
        };
        self.handle = Some(Arc::clone(&file));
        if self.content.is_held(&file, self.is_packed)? != Held::Yes {
            return Ok(Outcome::Replaced);
        }
        let before = self.content;
        if self.content.head.length < MAX_PART {
            self.content.head = Part::of(&head(&file, self.is_packed)?);
        }
        let is_over = self.has_ended(now);
        let mut cutter = match self.reader.take() {
            Some(cutter) => cutter,
            None => {
                let position = self.content.position;
                let Some(text) = text(&file, self.is_packed, position.offset())? else { return Ok(Outcome::Replaced) };
                if is_over { Cutter::new(text, position) } else { Cutter::live(text, position) }
            }
        };
        let mut batches = Vec::new();
        let mut more = false;
        while !more && let Some((batch, after)) = cutter.next_batch() {
            *budget = budget.saturating_sub(batch.bytes.len());
            batches.push((batch, after));
            more = *budget == 0;
        }
        // Truncated while it was read, it may have given something else.
        if before.is_held(&file, self.is_packed)? != Held::Yes {
            self.content = before;
            return Ok(Outcome::Replaced);
        }
        for (batch, after) in batches {
            self.content.advance(&file, self.is_packed, after)?;
            let bookmark = Bookmark { id: self.file, content: self.content, path: self.path.clone() };
            delivered.push(Delivered { input: self.id.clone(), bookmark: bookmark.to_string(), batch });
        }
        self.settled = cutter.offset();
        if more {
            self.reader = Some(cutter);
            return Ok(Outcome::Read { fault: None, more });
        }
        self.stamp = Some(found.stamp);
        let fault = cutter.failure().filter(|_| !is_over);
        self.waits = cutter.waits() || fault.is_some();
        self.is_read = !self.waits;
        if fault.is_some() && !self.is_packed {
            // What is damaged stays so; a file that can't be read is tried again.
            (self.stamp, self.waits) = (None, false);
        }
        Ok(Outcome::Read { fault: fault.filter(|_| !self.is_packed), more: false })
    }
}
