//! What commands share that list what a host which runs knows.

use std::io::Write;

use anyhow::Result;
use clap::Args;
use countersign_api::{Client, ClientError};
use countersign_configuration::Configuration;
use countersign_daemon::has_host;
use serde_json::Value;

use crate::configuration::ConfigurationArguments;
use crate::exit::Exit;
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
        let configuration = self.configuration.find()?;
        let listed = Client::new(&configuration.api.socket.value).get::<Vec<Value>>(endpoint);
        let listed = match (listed, left_behind) {
            (Ok(listed), _) => listed,
            (Err(ClientError::NoHost(_)), Some(read)) if has_host(&configuration.state.value) => read(&configuration)?,
            (Err(error), _) => return Err(self.configuration.refused(&error)),
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
