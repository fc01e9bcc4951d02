//! `countersign generations`: what served since when, and who applied it.

use std::io::Write;

use anyhow::Result;
use clap::Args;
use countersign_api::{Client, ClientError};
use serde_json::Value;

use crate::configuration::ConfigurationArguments;
use crate::exit::{Exit, unusable};
use crate::out::Out;
use crate::table::Table;
use crate::text;

#[derive(Debug, Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    configuration: ConfigurationArguments,
    /// Print NDJSON
    #[arg(long)]
    json: bool,
}

impl Arguments {
    pub(crate) fn run(self, out: &mut Out) -> Result<Exit> {
        let configuration = self.configuration.read()?;
        let generations: Vec<Value> = match Client::new(&configuration.api.socket.value).get("/v1/generations") {
            Ok(generations) => generations,
            Err(error) => return refused(error),
        };
        if self.json {
            generations.iter().try_for_each(|generation| out.json(generation))?;
            return Ok(Exit::Done);
        }
        let mut table = Table::new(out, ["generation", "applied", "by", "serves from", "files", "why"]);
        for generation in &generations {
            let shown = |key: &str| match generation.get(key) {
                None | Some(Value::Null) => String::new(),
                Some(Value::String(text)) => text::line(text).to_string(),
                Some(other) => other.to_string(),
            };
            let before = match generation.get("before").and_then(Value::as_u64) {
                Some(before) => format!("batch {before}"),
                None => "its turn".to_owned(),
            };
            let files = generation.pointer("/manifest/files").and_then(Value::as_array).map_or(0, Vec::len);
            table.row([
                shown("seq").into(),
                shown("arrived").into(),
                shown("by").into(),
                before.into(),
                files.to_string().into(),
                shown("reason").into(),
            ]);
        }
        write!(out, "{}", table.text(""))?;
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
