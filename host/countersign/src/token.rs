//! `countersign token`: tokens by which the API is asked over the network. Where a host serves it is asked; else the tokens of
//! the state folder are changed as a host would.

mod create;
mod list;
mod revoke;

use std::os::unix::fs::MetadataExt as _;

use clap::Subcommand;
use countersign_api::Tokens;
use countersign_configuration::Configuration;

use crate::exit::{Exit, unusable};
use crate::out::Out;
use crate::run::now;

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Make a token, and print it once
    Create(create::Arguments),
    /// List tokens, without what is secret
    List(list::Arguments),
    /// Revoke a token: from then on it is valid no more
    Revoke(revoke::Arguments),
}

impl Command {
    pub(crate) fn run(self, out: &mut Out) -> anyhow::Result<Exit> {
        match self {
            Command::Create(arguments) => arguments.run(out),
            Command::List(arguments) => arguments.run(out),
            Command::Revoke(arguments) => arguments.run(out),
        }
    }
}

/// Who changes tokens where no host serves: the user of this process.
fn whoever() -> String {
    let user =
        std::fs::metadata("/proc/self").map_or_else(|_| "somebody".to_owned(), |own| format!("uid {}", own.uid()));
    format!("{user}, while no host served")
}

/// The tokens of a state folder where no host serves.
fn left_behind(configuration: &Configuration) -> anyhow::Result<Tokens> {
    Tokens::open(&configuration.state.value, now).map_err(unusable)
}
