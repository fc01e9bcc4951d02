//! The telemetry that an author runs a rule on.

use std::path::PathBuf;

use anyhow::Result;
use clap::Args;
use countersign_formats::{Merge, merge};

use crate::replay::inputs::Inputs;
use crate::replay::{SourceName, parse_source};

/// The files of a rule author's telemetry.
#[derive(Debug, Args)]
pub(super) struct Telemetry {
    /// Telemetry, plain or gzip; - is standard input; several files are merged by event time
    #[arg(long, value_name = "FILE", num_args = 1..)]
    events: Vec<PathBuf>,
    /// What the files hold: a source's name, or auto to detect it record by record
    #[arg(long, value_name = "NAME", default_value = "auto", value_parser = parse_source)]
    source: SourceName,
}

impl Telemetry {
    /// Whether any was named.
    pub(super) fn is_given(&self) -> bool {
        !self.events.is_empty()
    }

    /// The files' records, in one order.
    ///
    /// # Errors
    /// When a file can't be read: `Unusable`.
    pub(super) fn records(&self) -> Result<Merge> {
        let inputs = Inputs::open(&self.events)?;
        let progress = inputs.progress();
        Ok(merge(inputs.records(self.source.0, &progress)?))
    }
}
