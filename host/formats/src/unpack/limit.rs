//! Limits of what compressed bytes may come to.

use std::io::{self, ErrorKind, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::{Bytes, Taken};
use crate::{DeadReason, Fault};

/// What an input may come to, whatever it is made of, bytes.
const FREE: u64 = 64 << 20;

/// What each stored byte may come to beyond that, bytes. Gzip reaches 1,032, of equal bytes; telemetry about 50.
const MOST: u64 = 2_048;

/// An input that may come to so much of what it is made of.
pub(super) struct Expansion {
    bytes: Bytes,
    taken: Taken,
    given: u64,
}

impl Expansion {
    pub(super) fn new(bytes: Bytes, taken: Taken) -> Expansion {
        Expansion { bytes, taken, given: 0 }
    }
}

impl Read for Expansion {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.bytes.read(buffer)?;
        self.given += count as u64;
        let taken = self.taken.load(Ordering::Relaxed);
        if self.given > FREE.saturating_add(taken.saturating_mul(MOST)) {
            let detail = format!("expected at most {MOST} bytes of each compressed one, got {} of {taken}", self.given);
            return Err(too_much(detail));
        }
        Ok(count)
    }
}

/// Bytes of which only so many may come, in common with others.
pub(crate) struct Limited {
    bytes: Bytes,
    left: Arc<AtomicU64>,
}

impl Limited {
    /// Limits bytes to what is left.
    pub(crate) fn new(bytes: Bytes, left: Arc<AtomicU64>) -> Limited {
        Limited { bytes, left }
    }
}

impl Read for Limited {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = self.left.load(Ordering::Relaxed);
        let most = usize::try_from(left).unwrap_or(usize::MAX).min(buffer.len());
        if most == 0 {
            return match self.bytes.read(&mut [0])? {
                0 => Ok(0),
                _ => Err(too_much("expected less in the compressed parts of an envelope, got more".to_owned())),
            };
        }
        let count = self.bytes.read(buffer.get_mut(..most).unwrap_or_default())?;
        self.left.store(left.saturating_sub(count as u64), Ordering::Relaxed);
        Ok(count)
    }
}

fn too_much(detail: String) -> io::Error {
    io::Error::new(ErrorKind::InvalidData, Fault::new(DeadReason::ExpandsTooFar, detail))
}
