//! Decodes UTF-16 that begins with a byte order mark to UTF-8, as PowerShell redirects and Windows exports.

use std::io::{self, BufReader, Read};
use std::sync::atomic::Ordering;

use super::{Bytes, Taken};

/// The order of the bytes of a unit.
#[derive(Clone, Copy)]
pub(super) enum Order {
    Little,
    Big,
}

/// Stands for what is no character: half a pair, or half a unit at the end. It is no UTF-8 either, so that the record with it
/// becomes a dead letter and no other text.
const NO_CHARACTER: &[u8] = b"\xff";

/// The text of UTF-16, without its byte order mark.
pub(super) struct Decoded {
    bytes: BufReader<Bytes>,
    order: Order,
    taken: Taken,
    /// Whether the mark has been skipped.
    has_begun: bool,
    /// A unit that is the first of a pair.
    first: Option<u16>,
    /// What was decoded and not yet given.
    text: Vec<u8>,
    given: usize,
    /// Why no more can be read, once what came before was given.
    failure: Option<io::Error>,
}

/// How much is decoded at a time, units.
const CHUNK: usize = 4 << 10;

impl Decoded {
    pub(super) fn new(bytes: Bytes, order: Order, taken: Taken) -> Decoded {
        let bytes = BufReader::new(bytes);
        Decoded { bytes, order, taken, has_begun: false, first: None, text: Vec::new(), given: 0, failure: None }
    }

    /// The next unit; half of one at the end is an error of its own.
    fn unit(&mut self) -> io::Result<Option<Result<u16, ()>>> {
        let mut unit = [0; 2];
        let mut count = 0;
        while count < unit.len() {
            match self.bytes.read(unit.get_mut(count..).unwrap_or_default()) {
                Ok(0) => break,
                Ok(more) => count += more,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        self.taken.fetch_add(count as u64, Ordering::Relaxed);
        Ok(match (count, self.order) {
            (0, _) => None,
            (1, _) => Some(Err(())),
            (_, Order::Little) => Some(Ok(u16::from_le_bytes(unit))),
            (_, Order::Big) => Some(Ok(u16::from_be_bytes(unit))),
        })
    }

    fn decode(&mut self) -> io::Result<()> {
        if let Some(failure) = self.failure.take() {
            return Err(failure);
        }
        self.given = 0;
        self.text.clear();
        for _ in 0..CHUNK {
            let unit = match self.unit() {
                Ok(unit) => unit,
                Err(error) if self.text.is_empty() => return Err(error),
                Err(error) => {
                    self.failure = Some(error);
                    break;
                }
            };
            if !std::mem::replace(&mut self.has_begun, true) {
                continue;
            }
            let first = self.first.take();
            match unit {
                Some(Ok(unit)) => match (first, unit) {
                    (None, 0xd800..0xdc00) => self.first = Some(unit),
                    (None, _) => self.push(&[unit]),
                    (Some(first), 0xdc00..0xe000) => self.push(&[first, unit]),
                    (Some(_), 0xd800..0xdc00) => {
                        self.text.extend_from_slice(NO_CHARACTER);
                        self.first = Some(unit);
                    }
                    (Some(_), _) => {
                        self.text.extend_from_slice(NO_CHARACTER);
                        self.push(&[unit]);
                    }
                },
                Some(Err(())) => self.text.extend_from_slice(NO_CHARACTER),
                None => {
                    if first.is_some() {
                        self.text.extend_from_slice(NO_CHARACTER);
                    }
                    break;
                }
            }
        }
        Ok(())
    }

    fn push(&mut self, units: &[u16]) {
        match char::decode_utf16(units.iter().copied()).next() {
            Some(Ok(character)) => self.text.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes()),
            _ => self.text.extend_from_slice(NO_CHARACTER),
        }
    }
}

impl Read for Decoded {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.given == self.text.len() {
            self.decode()?;
        }
        let count = self.text.get(self.given..).unwrap_or_default().read(buffer)?;
        self.given += count;
        Ok(count)
    }
}
