//! `countersign audit`: verifies audit files, and recomputes what they record.

mod recompute;
mod verify;

use clap::Subcommand;

use crate::exit::Exit;
use crate::out::Out;

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Find any change, removal, reorder or truncation of an audit file
    Verify(verify::Arguments),
    /// Recompute the findings and decisions of an audit file from their evidence, and compare
    #[command(alias = "replay")]
    Recompute(recompute::Arguments),
}

impl Command {
    pub(crate) fn run(self, out: &mut Out) -> anyhow::Result<Exit> {
        match self {
            Command::Verify(arguments) => arguments.run(out),
            Command::Recompute(arguments) => arguments.run(out),
        }
    }
}
