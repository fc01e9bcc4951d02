//! Decompresses gzip, and reports damage in it as what it is.

use std::io::{self, BufRead, BufReader, ErrorKind, Read};
use std::sync::atomic::Ordering;

use flate2::bufread::MultiGzDecoder;

use super::{Bytes, Taken};
use crate::{DeadReason, Fault};

/// The content of gzip data, which may have several members. The decoder is always asked for a whole buffer: how much of what
/// comes before damage it delivers depends on how much it is asked for, and would depend on the sizes of the reads.
pub(super) struct Gunzip(BufReader<Decoding>);

impl Gunzip {
    pub(super) fn new(bytes: Bytes, taken: Taken) -> Gunzip {
        Gunzip(BufReader::new(Decoding(MultiGzDecoder::new(BytewiseReader(BufReader::new(bytes), taken)))))
    }
}

impl Read for Gunzip {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        // `BufReader` itself passes large reads on.
        let mut available = self.0.fill_buf()?;
        let count = available.read(buffer)?;
        self.0.consume(count);
        Ok(count)
    }
}

/// The decoder, whose errors say what is wrong.
struct Decoding(MultiGzDecoder<BytewiseReader>);

impl Read for Decoding {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.read(buffer).map_err(|error| {
            if error.get_ref().is_some_and(|inner| inner.is::<Fault>()) {
                return error;
            }
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
struct BytewiseReader(BufReader<Bytes>, Taken);

impl Read for BytewiseReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.0.read(buffer)?;
        self.1.fetch_add(count as u64, Ordering::Relaxed);
        Ok(count)
    }
}

impl BufRead for BytewiseReader {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        let bytes = self.0.fill_buf()?;
        Ok(bytes.get(..1).unwrap_or(bytes))
    }

    fn consume(&mut self, count: usize) {
        self.1.fetch_add(count as u64, Ordering::Relaxed);
        self.0.consume(count);
    }
}
