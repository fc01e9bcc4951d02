//! The limits of a compiler process.

use std::fmt;
use std::time::Duration;

/// What compiling one rule may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CompileLimits {
    /// Bytes of memory that it may write to.
    pub memory: u64,
    /// Processor time; counted in whole seconds, at least 1.
    pub cpu: Duration,
    /// Elapsed time.
    pub elapsed: Duration,
}

impl Default for CompileLimits {
    /// 1 GiB, 60 s of processor time, 120 s elapsed: several times what a rule in JavaScript needs, and a hundred times
    /// what a Rust rule needs.
    fn default() -> Self {
        CompileLimits { memory: 1 << 30, cpu: Duration::from_secs(60), elapsed: Duration::from_secs(120) }
    }
}

impl CompileLimits {
    /// Processor time in the kernel's unit: whole seconds.
    pub(crate) fn cpu_seconds(&self) -> u64 {
        self.cpu.as_secs() + u64::from(self.cpu.subsec_nanos() > 0 || self.cpu.is_zero())
    }

    /// A limit's value, in words.
    pub(crate) fn value(&self, limit: CompileLimit) -> String {
        match limit {
            CompileLimit::Memory => format!("{} bytes", self.memory),
            CompileLimit::Cpu => format!("{} s", self.cpu_seconds()),
            CompileLimit::Elapsed => format!("{} s", self.elapsed.as_secs_f64()),
            CompileLimit::Stack => format!("{STACK} bytes"),
        }
    }
}

/// The compiler's stack, bytes.
pub(crate) const STACK: u64 = 8 << 20;

/// A limit that was hit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CompileLimit {
    /// [`CompileLimits::memory`].
    Memory,
    /// [`CompileLimits::cpu`].
    Cpu,
    /// [`CompileLimits::elapsed`].
    Elapsed,
    /// The compiler's stack, which can't be set.
    Stack,
}

impl CompileLimit {
    /// Its name.
    #[must_use]
    pub fn id(self) -> &'static str {
        match self {
            CompileLimit::Memory => "memory",
            CompileLimit::Cpu => "cpu",
            CompileLimit::Elapsed => "elapsed",
            CompileLimit::Stack => "stack",
        }
    }

    /// What to do about it.
    pub(crate) fn remedy(self) -> &'static str {
        match self {
            CompileLimit::Memory | CompileLimit::Cpu => {
                "if you trust its author, raise the limit; otherwise give it smaller functions, or fewer"
            }
            CompileLimit::Elapsed => {
                "on a busy machine try again, or raise the limit; otherwise give it smaller functions"
            }
            CompileLimit::Stack => "give it functions that are nested less deeply",
        }
    }
}

impl fmt::Display for CompileLimit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.id())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn processor_time_is_never_shorter_than_asked_for() {
        for (millis, seconds) in [(0, 1), (1, 1), (1_000, 1), (1_001, 2), (60_000, 60)] {
            let limits = CompileLimits { cpu: Duration::from_millis(millis), ..CompileLimits::default() };
            assert_eq!(limits.cpu_seconds(), seconds, "{millis}");
        }
    }
}
