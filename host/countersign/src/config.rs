//! `countersign config`: whether a configuration can be used, and what it says.

pub(crate) mod check;
mod show;

use clap::Subcommand;

use crate::exit::Exit;
use crate::out::Out;

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Read a configuration and every file that it names, and report all faults
    Check(check::Arguments),
    /// Show every value of a configuration, and where it comes from
    Show(show::Arguments),
}

impl Command {
    pub(crate) fn run(self, out: &mut Out) -> anyhow::Result<Exit> {
        match self {
            Command::Check(arguments) => arguments.run(out),
            Command::Show(arguments) => arguments.run(out),
        }
    }
}
