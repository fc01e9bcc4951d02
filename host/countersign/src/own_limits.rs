//! The arguments of processes that other commands start: the limits that they set themselves.

use std::time::Duration;

use anyhow::Result;
use clap::Args;
use countersign_engine::{ChildLimits, confine};

use crate::exit::unusable;

/// Limits that a process sets itself before it reads a byte.
#[derive(Debug, Args)]
pub(crate) struct OwnLimits {
    /// Bytes of memory that may be written to
    #[arg(long, value_name = "BYTES")]
    memory: u64,
    /// Seconds of processor time
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..))]
    cpu: u64,
}

impl OwnLimits {
    /// Confines this process; what isn't given is as in `others`.
    ///
    /// # Errors
    /// When a limit can't be set: `Unusable`.
    pub(crate) fn confine(&self, others: ChildLimits) -> Result<()> {
        confine(&ChildLimits { memory: self.memory, cpu: Duration::from_secs(self.cpu), ..others })
            .map_err(unusable)?;
        Ok(())
    }
}
