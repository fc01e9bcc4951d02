//! `countersign sources`: the sources of a host: what they are bound to, what came of them, and what is in the way.

use std::io::Write;

use anyhow::Result;
use clap::Args;
use countersign_api::{Client, ClientError};
use countersign_daemon::{recorder_of, sources_of_recorder, store_of};
use countersign_session::Standing;
use serde_json::Value;

use crate::configuration::ConfigurationArguments;
use crate::exit::{Exit, unusable};
use crate::generations::refused;
use crate::out::Out;
use crate::stderr;
use crate::storage::open_store;
use crate::table::Table;
use crate::text;

const EXAMPLES: &str = "\
Examples:
  countersign sources --config conf/countersign.toml
  countersign sources --state /var/lib/countersign --json | jq 'select(.waiting > 0)'
      sources with records that aren't judged yet

Where no host serves, it is what the recorder has.
";

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {
    #[command(flatten)]
    configuration: ConfigurationArguments,
    /// Print NDJSON (see docs/reference/api.md)
    #[arg(long)]
    json: bool,
}

impl Arguments {
    pub(crate) fn run(self, out: &mut Out) -> Result<Exit> {
        let configuration = self.configuration.read()?;
        let sources: Vec<Value> = match Client::new(&configuration.api.socket.value).get("/v1/sources") {
            Ok(sources) => sources,
            Err(ClientError::NoHost(_)) => {
                let state = &configuration.state.value;
                let recorder = recorder_of(state);
                let place = Standing::read(&open_store(&store_of(state))?)?.and_then(|standing| standing.place);
                let judged = place.unwrap_or_default().batch.saturating_sub(1);
                let sources = sources_of_recorder(&recorder, judged).map_err(|faults| unusable(faults.join("\n  ")))?;
                stderr::note(format_args!("no host serves: this is what `{}` has", text::path(&recorder)));
                sources.iter().map(serde_json::to_value).collect::<Result<_, _>>()?
            }
            Err(error) => return refused(error),
        };
        if self.json {
            sources.iter().try_for_each(|source| out.json(source))?;
            return Ok(Exit::Done);
        }
        let titles = ["source", "kind", "format", "records", "last arrived", "to be judged", "behind", "what to know"];
        let mut table = Table::new(out, titles).right(3).right(5).right(6);
        for source in &sources {
            let shown = |pointer: &str| source.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
            let number = |pointer: &str| source.pointer(pointer).and_then(Value::as_u64).unwrap_or_default();
            let behind = source.pointer("/input/lag_bytes").and_then(Value::as_u64);
            table.row([
                shown("/source").into(),
                shown("/declared/kind").into(),
                shown("/declared/format").into(),
                text::number(number("/records")).into(),
                shown("/arrived").into(),
                text::number(number("/waiting")).into(),
                behind.map(text::size).unwrap_or_default().into(),
                notes(source).into(),
            ]);
        }
        write!(out, "{}", table.text(""))?;
        Ok(Exit::Done)
    }
}

/// What a person has to know of a source.
fn notes(source: &Value) -> String {
    let problems = source.pointer("/input/problems").and_then(Value::as_array).into_iter().flatten();
    let mut notes: Vec<&str> = problems.filter_map(Value::as_str).collect();
    if source.get("declared").is_none_or(Value::is_null) {
        notes.push("not in `sources.toml` any more");
    }
    if source.pointer("/input/ended").and_then(Value::as_bool) == Some(true) {
        notes.push("ended");
    }
    notes.join("; ")
}
