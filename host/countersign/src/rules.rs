//! `countersign rules`: the rules that ship in the binary, and those of a host.

mod export;
mod status;

use clap::Subcommand;

use crate::exit::Exit;
use crate::out::Out;

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Write the shipped rules into a directory, one component each
    Export(export::Arguments),
    /// Show the rules of a host: what serves, what they keep, what is held back from them
    Status(status::Arguments),
}

impl Command {
    pub(crate) fn run(self, out: &mut Out) -> anyhow::Result<Exit> {
        match self {
            Command::Export(arguments) => arguments.run(out),
            Command::Status(arguments) => arguments.run(out),
        }
    }
}
