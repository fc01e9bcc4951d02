//! `countersign config show`: every value of a configuration, and where it comes from.

use std::io::Write;

use anyhow::Result;
use clap::Args;
use countersign_configuration::{Origin, Shown};
use serde::Serialize;
use serde_json::Value;

use crate::configuration::ConfigurationArguments;
use crate::exit::Exit;
use crate::out::Out;
use crate::table::{Cell, Table, Tone, toned};

const EXAMPLES: &str = "\
Examples:
  countersign config show --config conf/countersign.toml
  countersign config show
      the defaults
  countersign config show --config conf/countersign.toml --json | jq -r 'select(.origin != \"default\").key'
      which keys are set

An option wins over a variable of the environment (COUNTERSIGN_LOG, COUNTERSIGN_AUDIT_KEY,
COUNTERSIGN_TLS_KEY), that over the file, and that over the default. Secrets aren't shown, only where
they are. The exit code is 2 if the configuration has a fault; the files that it names aren't read.
";

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {
    #[command(flatten)]
    configuration: ConfigurationArguments,
    /// Print NDJSON (see docs/reference/json.md)
    #[arg(long)]
    json: bool,
}

/// A value's line in `--json`.
#[derive(Serialize)]
#[serde(tag = "type", rename = "setting")]
struct Line<'a> {
    key: String,
    value: &'a Value,
    origin: &'a str,
    place: Option<String>,
}

impl Arguments {
    pub(super) fn run(self, out: &mut Out) -> Result<Exit> {
        let configuration = self.configuration.read()?;
        if self.json {
            for Shown { key, value, origin } in &configuration.shown() {
                let place = (*origin != Origin::Default).then(|| origin.to_string());
                out.json(&Line { key: key.place(), value, origin: origin.kind(), place })?;
            }
            return Ok(Exit::Done);
        }
        let mut table = Table::new(out, ["key", "value", "origin"]);
        for shown in configuration.shown() {
            let origin = match &shown.origin {
                Origin::Default => toned(Tone::Faint, "default"),
                origin => origin.into(),
            };
            table.row([shown.key.place().into(), cell(&shown), origin]);
        }
        write!(out, "{}", table.text(""))?;
        Ok(Exit::Done)
    }
}

/// A value for people; what holds without one in its place.
fn cell(shown: &Shown) -> Cell {
    match &shown.value {
        Value::Null => toned(Tone::Faint, shown.key.unset),
        Value::String(text) => text.into(),
        Value::Array(items) if items.is_empty() => toned(Tone::Faint, "none"),
        Value::Array(items) => items.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(", ").into(),
        value => value.into(),
    }
}
