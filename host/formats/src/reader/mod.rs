//! Cuts an input into raw records with bounded memory, and runs a normaliser over them.
//!
//! An input is plain or gzip, told apart by its first bytes; a gzip file may have several members. Within it stand any
//! number of documents, one after another: a `{"Records": […]}` object or a list of objects (`[{…}, …]`), whose elements
//! are the records, or a line, which is a record itself (NDJSON). White space, blank lines, carriage returns and byte order marks between them don't
//! matter.

mod splitter;
mod window;

use std::io::{self, BufRead, BufReader, Cursor, Read};

use countersign_model::{Digest, RawAddress};
use flate2::bufread::MultiGzDecoder;

use crate::record::{DeadLetter, DeadReason, Record};
use splitter::{Piece, Splitter};

/// The longest raw record that becomes an event, bytes. CloudTrail's own limit is 256 KiB.
pub const MAX_RECORD_BYTES: usize = 1 << 20;

const GZIP_MAGIC: &[u8] = &[0x1f, 0x8b];

/// Why a raw record, or a piece of an input, can't become an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fault {
    pub(crate) reason: DeadReason,
    pub(crate) detail: String,
}

impl Fault {
    pub(crate) fn new(reason: DeadReason, detail: impl Into<String>) -> Fault {
        Fault { reason, detail: detail.into() }
    }
}

/// What turns a source's raw records into events.
pub(crate) trait Normalise {
    /// Turns one raw record, which is UTF-8, into an event.
    fn normalise(&mut self, raw: &str, address: RawAddress) -> Result<Record, Fault>;
}

/// Gives a decoder one byte at a time. A decoder that comes upon damage keeps back what it had decoded in the same call:
/// given more, it would deliver less of what came before, and how much less would depend on the sizes of the reads.
struct Singly<R>(BufReader<R>);

impl<R: Read> Read for Singly<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.read(buffer)
    }
}

impl<R: Read> BufRead for Singly<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        let bytes = self.0.fill_buf()?;
        Ok(bytes.get(..1).unwrap_or(bytes))
    }

    fn consume(&mut self, count: usize) {
        self.0.consume(count);
    }
}

/// The records of one input.
pub(crate) struct Reader<N> {
    splitter: Splitter,
    normaliser: N,
    input: u32,
    ordinal: u64,
}

impl<N: Normalise> Reader<N> {
    /// Reads the first bytes to tell whether the input is compressed; fails only if they can't be read.
    pub(crate) fn new(mut bytes: Box<dyn Read + Send>, input: u32, normaliser: N) -> io::Result<Reader<N>> {
        let mut first = Vec::with_capacity(GZIP_MAGIC.len());
        // The cap is the length of what tells gzip apart.
        #[expect(clippy::disallowed_methods, reason = "two bytes at most")]
        bytes.by_ref().take(GZIP_MAGIC.len() as u64).read_to_end(&mut first)?;
        let gzip = first == GZIP_MAGIC;
        let whole = Cursor::new(first).chain(bytes);
        let plain: Box<dyn Read + Send> =
            if gzip { Box::new(MultiGzDecoder::new(Singly(BufReader::new(whole)))) } else { Box::new(whole) };
        Ok(Reader { splitter: Splitter::new(plain, gzip, MAX_RECORD_BYTES), normaliser, input, ordinal: 0 })
    }
}

impl<N: Normalise> Iterator for Reader<N> {
    type Item = Record;

    fn next(&mut self) -> Option<Record> {
        let piece = self.splitter.next_piece()?;
        let (input, ordinal) = (self.input, self.ordinal);
        self.ordinal += 1;
        let dead = |offset, length, fault: Fault, excerpt| {
            Record::DeadLetter(DeadLetter {
                input,
                ordinal,
                offset,
                length,
                reason_code: fault.reason,
                reason: fault.detail,
                excerpt,
            })
        };
        Some(match piece {
            Piece::Dead { offset, length, fault, excerpt } => dead(offset, length, fault, excerpt),
            Piece::Record { offset, bytes } => {
                let length = bytes.len() as u64;
                let record = match std::str::from_utf8(bytes) {
                    Err(error) => Err(Fault::new(
                        DeadReason::NotUtf8,
                        format!(
                            "expected UTF-8, got something else from byte {} of the record on",
                            error.valid_up_to()
                        ),
                    )),
                    Ok(text) => {
                        let address = RawAddress { input, ordinal, offset, length, digest: Digest::of(bytes) };
                        self.normaliser.normalise(text, address)
                    }
                };
                record.unwrap_or_else(|fault| dead(offset, length, fault, splitter::excerpt(bytes)))
            }
        })
    }
}
