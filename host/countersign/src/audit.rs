//! `countersign audit`: verifies what is on record, recomputes it, lists and explains decisions, and exports
//! stores. `evidence` and `standing` are how records are read, `words` is what they say.

mod checkpoint;
mod evidence;
mod export;
mod list;
mod recompute;
mod rekey;
mod show;
mod standing;
pub(crate) mod verify;
mod words;

use clap::Subcommand;

use crate::exit::Exit;
use crate::out::Out;

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Find any change, removal, reorder or truncation of an audit file or a store
    Verify(verify::Arguments),
    /// Recompute the findings and decisions of an audit file or a store from their evidence, and compare
    Recompute(recompute::Arguments),
    /// List the decisions of an audit file or a store
    List(list::Arguments),
    /// Explain a decision, or any other record
    Show(show::Arguments),
    /// Write a store as an audit file
    Export(export::Arguments),
    /// Print the last checkpoint that a host signed, to be kept elsewhere
    Checkpoint(checkpoint::Arguments),
    /// Have another key sign a host's log from here on
    Rekey(rekey::Arguments),
}

impl Command {
    pub(crate) fn run(self, out: &mut Out) -> anyhow::Result<Exit> {
        match self {
            Command::Verify(arguments) => arguments.run(out),
            Command::Recompute(arguments) => arguments.run(out),
            Command::List(arguments) => arguments.run(out),
            Command::Show(arguments) => arguments.run(out),
            Command::Export(arguments) => arguments.run(out),
            Command::Checkpoint(arguments) => arguments.run(out),
            Command::Rekey(arguments) => arguments.run(out),
        }
    }
}
