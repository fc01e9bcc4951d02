//! `countersign sources`: the sources of a host: what they are bound to, what came of them, and what is in the way.

use anyhow::Result;
use clap::Args;
use countersign_configuration::Configuration;
use countersign_daemon::{recorder_of, sources_of_recorder, store_of};
use countersign_model::time::format_duration;
use countersign_session::Standing;
use serde_json::Value;

use crate::exit::{Exit, unusable};
use crate::live::ListArguments;
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

/// Microseconds of a second.
const SECOND: i64 = 1_000_000;

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {
    #[command(flatten)]
    list: ListArguments,
}

impl Arguments {
    pub(crate) fn run(self, out: &mut Out) -> Result<Exit> {
        self.list.list(out, "/v1/sources", Some(left_behind), table)
    }
}

/// What is known of them where no host serves.
fn left_behind(configuration: &Configuration) -> Result<Vec<Value>> {
    let state = &configuration.state.value;
    let recorder = recorder_of(state);
    let place = Standing::read(&open_store(&store_of(state))?)?.and_then(|standing| standing.place);
    let judged = place.unwrap_or_default().batch.saturating_sub(1);
    let sources = sources_of_recorder(&recorder, judged).map_err(|faults| unusable(faults.join("\n  ")))?;
    stderr::note(format_args!("no host serves: this is what `{}` has", text::path(&recorder)));
    Ok(sources.iter().map(serde_json::to_value).collect::<Result<_, _>>()?)
}

fn table(out: &Out, sources: &[Value]) -> Table {
    let titles = ["source", "kind", "format", "records", "last arrived", "to be judged", "behind", "what to know"];
    let mut table = Table::new(out, titles).right(3).right(5).right(6);
    for source in sources {
        let shown = |pointer: &str| source.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
        let number = |pointer: &str| source.pointer(pointer).and_then(Value::as_u64).unwrap_or_default();
        let bytes = source.pointer("/input/lag_bytes").and_then(Value::as_u64).map(text::size);
        let time = source.pointer("/input/lag").and_then(Value::as_i64).map(|lag| format_duration(lag - lag % SECOND));
        table.row([
            shown("/source").into(),
            shown("/declared/kind").into(),
            shown("/declared/format").into(),
            text::number(number("/records")).into(),
            shown("/arrived").into(),
            text::number(number("/waiting")).into(),
            time.or(bytes).unwrap_or_default().into(),
            notes(source).into(),
        ]);
    }
    table
}

/// What a person has to know of a source.
fn notes(source: &Value) -> String {
    let problems = source.pointer("/input/problems").and_then(Value::as_array).into_iter().flatten();
    let mut notes: Vec<&str> = problems.filter_map(Value::as_str).collect();
    let unwell = source.get("unwell").and_then(Value::as_array).into_iter().flatten();
    let unwell: Vec<String> = unwell
        .map(|one| {
            let shown = |key: &str| one.get(key).and_then(Value::as_str).unwrap_or_default();
            format!("{} since {}: {}", shown("what"), shown("since"), shown("why"))
        })
        .collect();
    notes.extend(unwell.iter().map(String::as_str));
    if source.get("declared").is_none_or(Value::is_null) {
        notes.push("not in `sources.toml` any more");
    }
    if source.pointer("/input/ended").and_then(Value::as_bool) == Some(true) {
        notes.push("ended");
    }
    notes.join("; ")
}
