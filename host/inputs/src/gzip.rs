//! Decompresses gzip, and reports damage in it as what it is.

use std::io::{self, BufRead, BufReader, ErrorKind, Read};

use countersign_formats::{DeadReason, Fault};
use flate2::bufread::MultiGzDecoder;

use crate::Bytes;

/// How gzip data begins.
const MAGIC: [u8; 2] = [0x1f, 0x8b];

/// The first bytes of an input, as many as tell whether it is compressed.
pub(crate) struct Beginning(Vec<u8>);

impl Beginning {
    /// Reads them.
    pub(crate) fn read(bytes: &mut impl Read) -> io::Result<Beginning> {
        let mut first = Vec::with_capacity(MAGIC.len());
        #[expect(clippy::disallowed_methods, reason = "two bytes at most")]
        bytes.take(MAGIC.len() as u64).read_to_end(&mut first)?;
        Ok(Beginning(first))
    }

    /// Whether the input is compressed.
    pub(crate) fn is_gzip(&self) -> bool {
        self.0 == MAGIC
    }

    /// The whole input again: these bytes and the rest.
    pub(crate) fn followed_by(self, rest: Bytes) -> Bytes {
        Box::new(io::Cursor::new(self.0).chain(rest))
    }
}

/// The content of gzip data, which may have several members.
pub(crate) fn decompress(bytes: Bytes) -> Bytes {
    Box::new(Gunzip(MultiGzDecoder::new(BytewiseReader(BufReader::new(bytes)))))
}

struct Gunzip<R>(MultiGzDecoder<R>);

impl<R: BufRead> Read for Gunzip<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.read(buffer).map_err(|error| {
            let (reason, expected) = match error.kind() {
                ErrorKind::UnexpectedEof => (DeadReason::Truncated, "the rest of the gzip data"),
                ErrorKind::InvalidInput | ErrorKind::InvalidData => {
                    (DeadReason::DamagedCompression, "gzip data (RFC 1952)")
                }
                _ => return error,
            };
            let detail = format!("expected {expected}, got: {error}; what came before was delivered");
            io::Error::new(error.kind(), Fault::new(reason, detail))
        })
    }
}

/// Gives a decoder one byte at a time. A decoder that finds damage keeps back what it decoded in the same call: given
/// more, it would deliver less of what came before, and how much less would depend on the sizes of the reads.
struct BytewiseReader<R>(BufReader<R>);

impl<R: Read> Read for BytewiseReader<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.read(buffer)
    }
}

impl<R: Read> BufRead for BytewiseReader<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        let bytes = self.0.fill_buf()?;
        Ok(bytes.get(..1).unwrap_or(bytes))
    }

    fn consume(&mut self, count: usize) {
        self.0.consume(count);
    }
}
