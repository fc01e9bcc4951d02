//! `countersign state`: what a rule keeps in a store, for its author. `kept` reads it, `dump` shows bytes.

mod dump;
mod kept;
mod list;
mod show;

use clap::Subcommand;

use crate::exit::Exit;
use crate::out::Out;

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Show what a rule keeps for a key: state, timers, kept references
    Show(show::Arguments),
    /// List the keys that a rule keeps something for
    List(list::Arguments),
}

impl Command {
    pub(crate) fn run(self, out: &mut Out) -> anyhow::Result<Exit> {
        match self {
            Command::Show(arguments) => arguments.run(out),
            Command::List(arguments) => arguments.run(out),
        }
    }
}
