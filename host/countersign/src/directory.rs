//! `countersign directory`: a small identity provider of its own, to try Countersign on.

mod account;
mod principal;
mod serve;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Result;
use clap::Subcommand;
use countersign_directory::{Directory, Lifetimes};

use crate::exit::{Exit, unusable};
use crate::out::Out;
use crate::run::now;

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Serve a directory on this machine, until it is asked to stop
    Serve(serve::Arguments),
    /// Make accounts of a directory
    #[command(subcommand)]
    Account(account::Command),
    /// Make and revoke administrative credentials of a directory
    #[command(subcommand)]
    Principal(principal::Command),
}

impl Command {
    pub(crate) fn run(self, out: &mut Out) -> Result<Exit> {
        match self {
            Command::Serve(arguments) => arguments.run(out),
            Command::Account(command) => command.run(out),
            Command::Principal(command) => command.run(out),
        }
    }
}

/// The file of a directory, which may be served meanwhile.
#[derive(Debug, clap::Args)]
struct FileArguments {
    /// The directory's file; it may be served meanwhile
    #[arg(long, value_name = "FILE")]
    db: PathBuf,
}

impl FileArguments {
    /// Opens a directory that exists.
    fn open(&self) -> Result<Directory> {
        if !self.db.exists() {
            let path = crate::text::path(&self.db);
            return Err(unusable(format_args!(
                "expected the file of a directory at `{path}`, got none: `countersign directory serve` makes one"
            )));
        }
        open(&self.db, None, Lifetimes::default())
    }
}

fn open(path: &Path, tenant: Option<&str>, lifetimes: Lifetimes) -> Result<Directory> {
    Directory::open(path, tenant, lifetimes, Arc::new(now)).map_err(unusable)
}
