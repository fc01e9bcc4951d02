//! `countersign directory principal`: administrative credentials, one for each program that administers.

use std::io::Write;

use anyhow::Result;
use clap::builder::PossibleValuesParser;
use clap::{Args, Subcommand};
use countersign_directory::{NewPrincipal, Scope};

use super::FileArguments;
use crate::exit::{Exit, unusable};
use crate::out::Out;
use crate::stderr;
use crate::text;

const EXAMPLES: &str = "\
Examples:
  countersign directory principal add source --db directory.db --scope events.read > directory.token
      a credential for the source that reads the event log
  countersign directory principal add connector --db directory.db --scope read --scope accounts.write \\
      --scope sessions.write --scope tokens.write --scope groups.write --scope credentials.write > connector.token
  countersign directory principal revoke prn-0123456789abcdef01234567 --db directory.db

Standard output has the credential and nothing else. It is shown once: a digest of it is kept.
";

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Make a credential, and print it once
    Add(Add),
    /// Revoke a credential
    Revoke(Revoke),
}

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Add {
    /// Whose it is: the name of a program
    #[arg(value_name = "NAME")]
    name: String,
    #[command(flatten)]
    file: FileArguments,
    /// What it may do; may be given more than once
    #[arg(long = "scope", value_name = "SCOPE", required = true, value_parser = PossibleValuesParser::new(Scope::IDS))]
    scopes: Vec<String>,
}

#[derive(Debug, Args)]
pub(crate) struct Revoke {
    /// Its id
    #[arg(value_name = "ID")]
    id: String,
    #[command(flatten)]
    file: FileArguments,
}

impl Command {
    pub(super) fn run(self, out: &mut Out) -> Result<Exit> {
        match self {
            Command::Add(Add { name, file, scopes }) => {
                let scopes = scopes.iter().filter_map(|scope| Scope::from_id(scope)).collect();
                let (id, secret) = file.open()?.new_principal(&NewPrincipal { name, scopes }).map_err(unusable)?;
                writeln!(out, "{}", text::line(secret.text()))?;
                stderr::note(format_args!("its id is {id}"));
            }
            Command::Revoke(Revoke { id, file }) => file.open()?.revoke_principal(&id).map_err(unusable)?,
        }
        Ok(Exit::Done)
    }
}
