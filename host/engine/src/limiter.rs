//! The memory of a call: at most the declared bytes, for linear memory and tables together, and paid for in fuel. Fuel
//! counts instructions, and one that writes to a new page makes the kernel clear 4 KiB: without a price, a row that
//! touches all of its memory would take a hundred times as long as another with the same fuel.

use wasmtime::ResourceLimiter;

/// Bytes that each table element counts for.
const TABLE_ELEMENT: usize = 8;

/// Bytes that a call has without paying: what `rule build` gives a rule to begin with.
pub(crate) const FREE_BYTES: u64 = 2 << 20;

/// Bytes of a page of linear memory.
const PAGE: u64 = 64 << 10;

/// Fuel that a page costs beyond the free ones, whether it is there to begin with or grown, touched or not.
pub(crate) const PAGE_FUEL: u64 = 2_048;

/// Refuses growth beyond the declared bytes, and beyond what the call's fuel pays for. The refusal ends the call: a rule
/// that continued without the memory would answer by how much it got.
pub(crate) struct Limiter {
    declared: u64,
    left: usize,
    fuel: u64,
}

/// More memory than declared was asked for.
#[derive(Debug, thiserror::Error)]
#[error("asked for {asked} more bytes of memory with {left} left of those declared")]
pub(crate) struct MemoryExceeded {
    asked: usize,
    left: usize,
}

/// More memory was asked for than the call's fuel pays for.
#[derive(Debug, thiserror::Error)]
#[error("the declared fuel was used up: {memory} bytes of memory cost {cost} of {fuel}")]
pub(crate) struct MemoryUnpaid {
    memory: u64,
    cost: u64,
    fuel: u64,
}

impl Limiter {
    /// With this many bytes available, in a call of this much fuel.
    pub(crate) fn new(memory: u64, fuel: u64) -> Limiter {
        Limiter { declared: memory, left: usize::try_from(memory).unwrap_or(usize::MAX), fuel }
    }

    /// Bytes of memory and tables so far.
    pub(crate) fn taken(&self) -> u64 {
        self.declared.saturating_sub(self.left as u64)
    }

    /// Fuel that they cost.
    pub(crate) fn cost(&self) -> u64 {
        self.taken().saturating_sub(FREE_BYTES).div_ceil(PAGE).saturating_mul(PAGE_FUEL)
    }

    fn take(&mut self, asked: usize) -> wasmtime::Result<bool> {
        let left = self.left;
        self.left = left.checked_sub(asked).ok_or_else(|| wasmtime::Error::new(MemoryExceeded { asked, left }))?;
        let (cost, fuel) = (self.cost(), self.fuel);
        match cost > fuel {
            true => Err(wasmtime::Error::new(MemoryUnpaid { memory: self.taken(), cost, fuel })),
            false => Ok(true),
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
        let mut limiter = Limiter::new(3 * 65_536, 0);
        assert!(limiter.memory_growing(0, 65_536, None).unwrap());
        assert!(limiter.table_growing(0, 8_192, None).unwrap());
        assert!(limiter.memory_growing(65_536, 2 * 65_536, None).unwrap());
        let error = limiter.memory_growing(2 * 65_536, 3 * 65_536, None).unwrap_err();
        assert!(error.downcast_ref::<MemoryExceeded>().is_some());
        assert_eq!(error.to_string(), "asked for 65536 more bytes of memory with 0 left of those declared");
    }

    #[test]
    fn an_amount_that_no_machine_has_is_refused() {
        let mut limiter = Limiter::new(u64::MAX, u64::MAX);
        assert!(limiter.memory_growing(0, usize::MAX, None).unwrap());
        assert!(limiter.table_growing(0, usize::MAX, None).is_err());
    }

    #[test]
    fn memory_beyond_the_free_bytes_is_paid_for() {
        let free = usize::try_from(FREE_BYTES).unwrap();
        let mut limiter = Limiter::new(64 << 20, 2 * PAGE_FUEL);
        assert!(limiter.memory_growing(0, free, None).unwrap());
        assert_eq!(limiter.cost(), 0);
        assert!(limiter.memory_growing(free, free + 1, None).unwrap());
        assert_eq!(limiter.cost(), PAGE_FUEL);
        assert!(limiter.memory_growing(free + 1, free + 2 * 65_536, None).unwrap());
        assert_eq!((limiter.cost(), limiter.taken()), (2 * PAGE_FUEL, FREE_BYTES + 2 * PAGE));
        let error = limiter.memory_growing(free + 2 * 65_536, free + 3 * 65_536, None).unwrap_err();
        assert!(error.downcast_ref::<MemoryUnpaid>().is_some());
        assert_eq!(error.to_string(), "the declared fuel was used up: 2293760 bytes of memory cost 6144 of 4096");
    }
}
