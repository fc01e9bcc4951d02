//! What a call may use of memory: the declared bytes, linear memory and tables together.

use wasmtime::ResourceLimiter;

/// Bytes that a table element counts as.
const TABLE_ELEMENT: usize = 8;

/// Refuses growth beyond the declared bytes; the refusal ends the call, since a rule that goes on without the memory
/// it asked for would answer by how much it was given.
pub(crate) struct Limiter {
    left: usize,
}

/// More memory than declared was asked for.
#[derive(Debug, thiserror::Error)]
#[error("asked for {asked} more bytes of memory with {left} left of those declared")]
pub(crate) struct MemoryExceeded {
    asked: usize,
    left: usize,
}

impl Limiter {
    /// With so many bytes to give.
    pub(crate) fn new(memory: u64) -> Limiter {
        Limiter { left: usize::try_from(memory).unwrap_or(usize::MAX) }
    }

    fn take(&mut self, asked: usize) -> wasmtime::Result<bool> {
        match self.left.checked_sub(asked) {
            Some(left) => {
                self.left = left;
                Ok(true)
            }
            None => Err(wasmtime::Error::new(MemoryExceeded { asked, left: self.left })),
        }
    }
}

impl ResourceLimiter for Limiter {
    fn memory_growing(&mut self, current: usize, desired: usize, _maximum: Option<usize>) -> wasmtime::Result<bool> {
        self.take(desired.saturating_sub(current))
    }

    fn table_growing(&mut self, current: usize, desired: usize, _maximum: Option<usize>) -> wasmtime::Result<bool> {
        self.take(desired.saturating_sub(current).saturating_mul(TABLE_ELEMENT))
    }
}
