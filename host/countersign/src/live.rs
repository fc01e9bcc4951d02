//! What commands share that ask a host which runs: lists of what it knows, and how they end where it refuses.

use std::io::Write;

use anyhow::Result;
use clap::Args;
use countersign_api::{Client, ClientError};
use countersign_configuration::Configuration;
use serde_json::Value;

use crate::configuration::ConfigurationArguments;
use crate::exit::{Exit, unusable};
use crate::out::Out;
use crate::table::Table;

/// The options of a command that lists what a host knows.
#[derive(Debug, Args)]
pub(crate) struct ListArguments {
    #[command(flatten)]
    configuration: ConfigurationArguments,
    /// Print NDJSON (see docs/reference/api.md)
    #[arg(long)]
    json: bool,
}

/// Reads what a host left behind.
type LeftBehind = fn(&Configuration) -> Result<Vec<Value>>;

impl ListArguments {
    /// Lists what a host has at an endpoint, or where none serves what one left behind, if that can be read.
    ///
    /// # Errors
    /// When the host refuses, or there is none and nothing else to read.
    pub(crate) fn list(
        &self,
        out: &mut Out,
        endpoint: &str,
        left_behind: Option<LeftBehind>,
        table: fn(&Out, &[Value]) -> Table,
    ) -> Result<Exit> {
        let configuration = self.configuration.read()?;
        let listed = Client::new(&configuration.api.socket.value).get::<Vec<Value>>(endpoint);
        let listed = match (listed, left_behind) {
            (Ok(listed), _) => listed,
            (Err(ClientError::NoHost(_)), Some(read)) => read(&configuration)?,
            (Err(error), _) => return refused(error),
        };
        if self.json {
            listed.iter().try_for_each(|one| out.json(one))?;
        } else {
            let table = table(out, &listed).text("");
            write!(out, "{table}")?;
        }
        Ok(Exit::Done)
    }
}

/// The end of a command that a host refused, or that found none: `Unusable`.
///
/// # Errors
/// When the host refuses for a reason of the request's own: that is exit code 1.
pub(crate) fn refused(error: ClientError) -> Result<Exit> {
    match error {
        ClientError::Refused { status: 400..500, .. } => Err(error.into()),
        error => Err(unusable(error)),
    }
}
