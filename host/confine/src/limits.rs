//! The limits of a child process.

use std::fmt;
use std::time::Duration;

/// What a child process may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChildLimits {
    /// Bytes of memory that it may write to.
    pub memory: u64,
    /// Processor time; counted in whole seconds, at least 1.
    pub cpu: Duration,
    /// Elapsed time for each reply.
    pub elapsed: Duration,
}

impl ChildLimits {
    /// Processor time in the kernel's unit: whole seconds.
    #[must_use]
    pub fn cpu_seconds(&self) -> u64 {
        self.cpu.as_secs() + u64::from(self.cpu.subsec_nanos() > 0 || self.cpu.is_zero())
    }

    /// A limit's value, in words.
    #[must_use]
    pub fn value(&self, limit: ChildLimit) -> String {
        match limit {
            ChildLimit::Memory => format!("{} bytes", self.memory),
            ChildLimit::Cpu => format!("{} s", self.cpu_seconds()),
            ChildLimit::Elapsed => format!("{} s", self.elapsed.as_secs_f64()),
            ChildLimit::Stack => format!("{STACK} bytes"),
        }
    }
}

/// The child's stack, bytes.
pub(crate) const STACK: u64 = 8 << 20;

/// A limit that was hit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ChildLimit {
    /// [`ChildLimits::memory`].
    Memory,
    /// [`ChildLimits::cpu`].
    Cpu,
    /// [`ChildLimits::elapsed`].
    Elapsed,
    /// The stack, which can't be set.
    Stack,
}

impl ChildLimit {
    /// Its name.
    #[must_use]
    pub fn id(self) -> &'static str {
        match self {
            ChildLimit::Memory => "memory",
            ChildLimit::Cpu => "cpu",
            ChildLimit::Elapsed => "elapsed",
            ChildLimit::Stack => "stack",
        }
    }
}

impl fmt::Display for ChildLimit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.id())
    }
}

#[cfg(test)]
#[path = "../tests/unit/limits.rs"]
mod tests;
