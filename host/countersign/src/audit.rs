//! `countersign audit`: what can be done with audit files.

mod replay;
mod verify;

use clap::Subcommand;

use crate::exit::Exit;
use crate::out::Out;

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Find any change, removal, reorder or truncation of an audit file
    Verify(verify::Arguments),
    /// Recompute the findings and decisions of an audit file from their evidence, and compare
    Replay(replay::Arguments),
}

impl Command {
    pub(crate) fn run(self, out: &mut Out) -> anyhow::Result<Exit> {
        match self {
            Command::Verify(arguments) => arguments.run(out),
            Command::Replay(arguments) => arguments.run(out),
        }
    }
}
