//! Undoes what stands between the stored bytes of an input and its text: gzip, zstd, and UTF-16 with a byte order mark, recognised
//! by how they begin, also one within the other. Holds no more than the decoders' windows, and refuses what comes to
//! far more than it is made of.

mod gzip;
mod limit;
mod utf16;
mod zstd;

use std::io::{self, Cursor, Read};
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use limit::Expansion;

pub(crate) use limit::Limited;

type Bytes = Box<dyn Read + Send>;

/// How many packings one within the other are undone. CloudWatch Logs through Firehose gives gzip in gzip.
const MAX_PACKINGS: u32 = 3;

/// In what bytes are packed, and how that begins.
#[derive(Clone, Copy)]
enum Packing {
    Gzip,
    Zstd,
    Utf16(utf16::Order),
}

/// How packed bytes begin, and UTF-32, whose mark begins like UTF-16's but is none.
const BEGINNINGS: &[(&[u8], Option<Packing>)] = &[
    (b"\x1f\x8b", Some(Packing::Gzip)),
    (b"\x28\xb5\x2f\xfd", Some(Packing::Zstd)),
    (b"\xff\xfe\x00\x00", None),
    (b"\xff\xfe", Some(Packing::Utf16(utf16::Order::Little))),
    (b"\xfe\xff", Some(Packing::Utf16(utf16::Order::Big))),
];

/// The first bytes of an input, as many as tell whether it is packed.
pub struct Beginning(Vec<u8>);

impl Beginning {
    const LENGTH: u64 = 4;

    /// Reads them.
    ///
    /// # Errors
    /// When they can't be read.
    pub fn read(bytes: &mut impl Read) -> io::Result<Beginning> {
        let mut first = Vec::new();
        #[expect(clippy::disallowed_methods, reason = "four bytes at most")]
        bytes.take(Beginning::LENGTH).read_to_end(&mut first)?;
        Ok(Beginning(first))
    }

    /// Whether the input is packed: its text is no part of its bytes.
    #[must_use]
    pub fn is_packed(&self) -> bool {
        self.packing().is_some()
    }

    fn packing(&self) -> Option<Packing> {
        BEGINNINGS.iter().find(|(begin, _)| self.0.starts_with(begin)).and_then(|(_, packing)| *packing)
    }

    /// The whole input again: these bytes and the rest.
    #[must_use]
    pub fn followed_by(self, rest: Bytes) -> Bytes {
        Box::new(Cursor::new(self.0).chain(rest))
    }
}

/// The text of an input: what it is packed in is undone as it is read. What isn't packed is as it was.
#[must_use]
pub fn unpacked(bytes: Bytes) -> Bytes {
    Box::new(Packed { bytes, is_open: false, depth: 0 })
}

/// Stored bytes that were taken to make what was read.
type Taken = Arc<AtomicU64>;

/// Bytes of which isn't known yet whether they are packed.
struct Packed {
    bytes: Bytes,
    /// Whether it is known, and `bytes` are what was found.
    is_open: bool,
    /// How many packings it is in.
    depth: u32,
}

impl Read for Packed {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if !self.is_open {
            let beginning = Beginning::read(&mut self.bytes)?;
            let packing = beginning.packing().filter(|_| self.depth < MAX_PACKINGS);
            let whole = beginning.followed_by(std::mem::replace(&mut self.bytes, Box::new(io::empty())));
            let taken = Taken::default();
            let counted = Arc::clone(&taken);
            let inner: Bytes = match packing {
                None => whole,
                Some(Packing::Gzip) => Box::new(gzip::Gunzip::new(whole, counted)),
                Some(Packing::Zstd) => Box::new(zstd::Unzstd::new(whole, counted)),
                Some(Packing::Utf16(order)) => Box::new(utf16::Decoded::new(whole, order, counted)),
            };
            let depth = self.depth + 1;
            let packed = |bytes: Bytes| -> Bytes { Box::new(Packed { bytes, is_open: false, depth }) };
            self.bytes = match packing {
                None => inner,
                // What is stored counts: what is packed in it comes to no more than it does.
                Some(_) if self.depth == 0 => Box::new(Expansion::new(packed(inner), taken)),
                Some(_) => packed(inner),
            };
            self.is_open = true;
        }
        self.bytes.read(buffer)
    }
}

#[cfg(test)]
#[path = "../../tests/unit/unpack.rs"]
mod tests;
