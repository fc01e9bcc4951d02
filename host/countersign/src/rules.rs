//! `countersign rules`: the rules that ship in the binary.

mod export;

use clap::Subcommand;

use crate::exit::Exit;
use crate::out::Out;

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Write the shipped rules into a directory, one component each
    Export(export::Arguments),
}

impl Command {
    pub(crate) fn run(self, out: &mut Out) -> anyhow::Result<Exit> {
        match self {
            Command::Export(arguments) => arguments.run(out),
        }
    }
}
