//! The telemetry that an author runs a rule on.

use std::path::PathBuf;

use anyhow::Result;
use clap::Args;
use countersign_inputs::Received;

use crate::replay::inputs::{FILES_HELP, FormatName, Inputs, TelemetrySources, format_help, parse_format};

/// The files of a rule author's telemetry.
#[derive(Debug, Args)]
pub(super) struct Telemetry {
    #[arg(long, value_name = "FILE", num_args = 1.., help = FILES_HELP)]
    events: Vec<PathBuf>,
    #[arg(long, value_name = "NAME", default_value = "auto", value_parser = parse_format, help = format_help())]
    source: FormatName,
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
    pub(super) fn records(&self) -> Result<impl Iterator<Item = Received> + Send + use<>> {
        let inputs = Inputs::open(&self.events, &TelemetrySources::OneFormat(self.source.0))?;
        let progress = inputs.progress();
        inputs.records(&progress)
    }
}
