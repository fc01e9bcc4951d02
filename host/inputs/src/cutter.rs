//! Cuts what an input gives into batches.

use countersign_formats::Fault;
use countersign_formats::reader::{Document, Documents, Position, Stretch};

use crate::Bytes;
use crate::batch::{Batch, MAX_BATCH_BYTES, MAX_BATCH_RECORDS};

/// Cuts an unpacked input into batches, whose pieces are together those of the input. Holds at most a batch, one envelope
/// and a chunk of what follows it.
///
/// A *live* input may go on after the end of what can be read. What touches this end and isn't closed by a bracket or the end
/// of its line waits there: it comes when more of it does, or when the input is said to have ended
/// ([`Cutter::end`]). What can't be read is the affair of the caller then, and no dead letter.
pub struct Cutter {
    documents: Documents,
    is_live: bool,
    /// Whether what can be read has ended.
    has_ended: bool,
    begun: Option<Begun>,
    most_records: u32,
    most_bytes: usize,
}

/// A batch that may grow.
struct Begun {
    batch: Batch,
    /// Where the input goes on after it.
    after: Position,
    /// The offset up to which it has the input's bytes; none if it has others.
    end: Option<u64>,
}

impl Cutter {
    /// Cuts an unpacked input from a position on; `bytes` begin at its offset. Within an envelope, from its beginning.
    #[must_use]
    pub fn new(bytes: Bytes, start: Position) -> Cutter {
        let documents = Documents::resume(bytes, start);
        let (most_records, most_bytes) = (MAX_BATCH_RECORDS, MAX_BATCH_BYTES);
        Cutter { documents, is_live: false, has_ended: false, begun: None, most_records, most_bytes }
    }

    /// The same for an input that may go on after the end of what can be read.
    #[must_use]
    pub fn live(bytes: Bytes, start: Position) -> Cutter {
        let mut cutter = Cutter { is_live: true, ..Cutter::new(bytes, start) };
        cutter.documents.set_live(true);
        cutter
    }

    /// The same with other limits.
    #[cfg(test)]
    pub(crate) fn with_limits(self, most_records: u32, most_bytes: usize) -> Cutter {
        Cutter { most_records, most_bytes, ..self }
    }

    /// Says that nothing follows any more after the end of what can be read: what waited there comes as what it is.
    pub fn end(&mut self) {
        self.is_live = false;
        self.has_ended = false;
        self.documents.set_live(false);
    }

    /// Why a live input can't be read on, if that is why it ended. It isn't read on then.
    #[must_use]
    pub fn failure(&self) -> Option<Fault> {
        self.documents.failure()
    }

    /// Whether something waits at the end of what could be read.
    #[must_use]
    pub fn waits(&self) -> bool {
        self.documents.is_pending()
    }

    /// The offset of the first byte that is part of no batch so far, white space and the like aside.
    #[must_use]
    pub fn offset(&self) -> u64 {
        self.documents.offset()
    }

    /// The next batch, and where the input goes on after it. None at the end of what can be read; a live input is read on
    /// when it is asked again.
    pub fn next_batch(&mut self) -> Option<(Batch, Position)> {
        if self.is_live && self.failure().is_none() && std::mem::take(&mut self.has_ended) {
            self.documents.go_on();
        }
        while !self.has_ended {
            let full = match self.documents.pass() {
                None => {
                    self.has_ended = true;
                    self.begun.take()
                }
                // What is part of no document isn't held.
                Some(Stretch::Framing) => self.begun.take(),
                Some(Stretch::Document(document)) => self.add(document),
            };
            if let Some(Begun { batch, after, .. }) = full {
                return Some((batch, after));
            }
        }
        None
    }

    /// Adds a document to the batch that has begun, or begins one with it. Returns the one before, if it is full.
    fn add(&mut self, document: Document) -> Option<Begun> {
        let Document { start, after, pieces, seen, written } = document;
        let records = u32::try_from(pieces).unwrap_or(u32::MAX);
        if let Some(bytes) = written {
            return self.begun.replace(Begun { batch: Batch { start, bytes, records }, after, end: None });
        }
        if let Some(Begun { batch, after: ends, end: Some(end) }) = &mut self.begun {
            let sum = batch.records.saturating_add(records);
            let length = usize::try_from(seen.saturating_sub(batch.start.offset())).unwrap_or(usize::MAX);
            if sum <= self.most_records && length <= self.most_bytes {
                batch.bytes.extend_from_slice(self.documents.between(*end, seen).unwrap_or_default());
                batch.records = sum;
                *ends = after;
                *end = seen.max(*end);
                return None;
            }
        }
        if records == 0 {
            return self.begun.take();
        }
        let bytes = self.documents.between(start.offset(), seen).unwrap_or_default().to_vec();
        self.begun.replace(Begun { batch: Batch { start, bytes, records }, after, end: Some(seen) })
    }
}

#[cfg(test)]
#[path = "../tests/unit/cutter.rs"]
mod tests;
