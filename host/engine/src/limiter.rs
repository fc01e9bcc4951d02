//! The memory limit of a call: the declared bytes, for linear memory and tables together.

use wasmtime::ResourceLimiter;

/// Bytes that each table element counts for.
const TABLE_ELEMENT: usize = 8;

/// Refuses growth beyond the declared bytes. The refusal ends the call: a rule that continued without the memory would
/// answer by how much it got.
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
    /// With this many bytes available.
    pub(crate) fn new(memory: u64) -> Limiter {
        Limiter { left: usize::try_from(memory).unwrap_or(usize::MAX) }
    }

    /// Bytes still available.
    pub(crate) fn left(&self) -> u64 {
        self.left as u64
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_and_tables_share_the_declared_bytes() {
        let mut limiter = Limiter::new(3 * 65_536);
        assert!(limiter.memory_growing(0, 65_536, None).unwrap());
        assert!(limiter.table_growing(0, 8_192, None).unwrap());
        assert!(limiter.memory_growing(65_536, 2 * 65_536, None).unwrap());
        let error = limiter.memory_growing(2 * 65_536, 3 * 65_536, None).unwrap_err();
        assert!(error.downcast_ref::<MemoryExceeded>().is_some());
        assert_eq!(error.to_string(), "asked for 65536 more bytes of memory with 0 left of those declared");
    }

    #[test]
    fn an_amount_that_no_machine_has_is_refused() {
        let mut limiter = Limiter::new(u64::MAX);
        assert!(limiter.memory_growing(0, usize::MAX, None).unwrap());
        assert!(limiter.table_growing(0, usize::MAX, None).is_err());
    }
}
