//! `countersign generations`: what served since when, and who applied it.

use anyhow::Result;
use clap::Args;
use countersign_configuration::Configuration;
use countersign_daemon::{generations_of_recorder, recorder_of};
use serde_json::Value;

use crate::exit::{Exit, unusable};
use crate::live::ListArguments;
use crate::out::Out;
use crate::stderr;
use crate::table::Table;
use crate::text;

#[derive(Debug, Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    list: ListArguments,
}

impl Arguments {
    pub(crate) fn run(self, out: &mut Out) -> Result<Exit> {
        self.list.list(out, "/v1/generations", Some(left_behind), table)
    }
}

/// What is known of them where no host serves.
fn left_behind(configuration: &Configuration) -> Result<Vec<Value>> {
    let recorder = recorder_of(&configuration.state.value);
    let generations = generations_of_recorder(&recorder).map_err(unusable)?;
    stderr::note(format_args!("no host serves: this is what `{}` has", text::path(&recorder)));
    Ok(generations.iter().map(serde_json::to_value).collect::<Result<_, _>>()?)
}

fn table(out: &Out, generations: &[Value]) -> Table {
    let mut table = Table::new(out, ["generation", "applied", "by", "serves from", "files", "why"]);
    for generation in generations {
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
            shown("number").into(),
            shown("arrived").into(),
            shown("by").into(),
            before.into(),
            files.to_string().into(),
            shown("reason").into(),
        ]);
    }
    table
}
