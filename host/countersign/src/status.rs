//! `countersign status`: how a host that runs is.

use std::io::Write;

use anyhow::Result;
use clap::Args;
use serde_json::{Value, json};

use crate::configuration::ConfigurationArguments;
use crate::exit::Exit;
use crate::live::refused;
use crate::out::Out;
use crate::table::pairs;
use crate::text;

const EXAMPLES: &str = "\
Examples:
  countersign status --state /var/lib/countersign
  countersign status --config conf/countersign.toml --json | jq .ready

The exit code is 1 if the host records or judges nothing now, and 2 if there is none.
";

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {
    #[command(flatten)]
    configuration: ConfigurationArguments,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

impl Arguments {
    pub(crate) fn run(self, out: &mut Out) -> Result<Exit> {
        let client = self.configuration.client()?;
        let both = client.get::<Value>("/readyz").and_then(|ready| Ok((ready, client.get::<Value>("/v1/status")?)));
        let (ready, status) = match both {
            Ok(both) => both,
            Err(error) => return refused(error),
        };
        let is_ready = ready.get("ready").and_then(Value::as_bool).unwrap_or(false);
        if self.json {
            out.json(&json!({ "ready": ready, "status": status }))?;
            return Ok(Exit::unless(!is_ready));
        }
        let number = |pointer: &str| status.pointer(pointer).and_then(Value::as_u64);
        let count = |pointer: &str| number(pointer).map_or_else(|| "none".to_owned(), text::number);
        let last = number("/recorder/last").unwrap_or_default();
        let next = number("/judged/place/batch").unwrap_or(1);
        let one = |text: String| vec![text];
        let mut rows = vec![
            ("ready", if is_ready { one("yes".to_owned()) } else { lines(&ready, "/reasons") }),
            ("generation", one(count("/judged/generation"))),
            ("batches recorded", one(text::number(last))),
            ("of these to be judged", one(text::number((last + 1).saturating_sub(next)))),
            ("recorder", one(text::size(number("/recorder/bytes").unwrap_or_default()))),
            ("audit records", one(count("/judged/records"))),
            ("of these signed", one(signed(&status))),
        ];
        let more = [
            ("rules left out", lines(&status, "/judged/left_out")),
            ("files on disk", lines(&ready, "/on_disk/reasons")),
            ("alarms", alarms(&status)),
            ("network", network(&status)),
        ];
        rows.extend(more.into_iter().filter(|(_, lines)| !lines.is_empty()));
        let sources: Vec<(String, Vec<String>)> = status
            .pointer("/sources")
            .and_then(Value::as_object)
            .map(|sources| {
                sources.iter().map(|(name, fed)| (format!("source {}", text::line(name)), describe(fed))).collect()
            })
            .unwrap_or_default();
        rows.extend(sources.iter().map(|(name, fed)| (name.as_str(), fed.clone())));
        write!(out, "{}", pairs(out, "", &rows))?;
        Ok(Exit::unless(!is_ready))
    }
}

/// Where the network is served, and what is in the way.
fn network(status: &Value) -> Vec<String> {
    let shown = |pointer: &str| status.pointer(pointer).and_then(Value::as_str).map(str::to_owned);
    shown("/network/address").into_iter().chain(shown("/network/problem")).collect()
}

/// Up to where the audit log is signed, and by which key.
fn signed(status: &Value) -> String {
    let shown = |pointer: &str| status.pointer(pointer).and_then(Value::as_str);
    let records = status.pointer("/audit/signed").and_then(Value::as_u64).unwrap_or_default();
    match (shown("/audit/problem"), shown("/audit/key"), shown("/audit/at")) {
        (Some(problem), ..) => problem.to_owned(),
        (None, Some(key), Some(at)) => format!("{}, {at}, by {key}", text::number(records)),
        (None, Some(key), None) => format!("none yet, by {key}"),
        (None, None, _) => "none".to_owned(),
    }
}

/// The lines of a list.
fn lines(value: &Value, pointer: &str) -> Vec<String> {
    let lines = value.pointer(pointer).and_then(Value::as_array).into_iter().flatten();
    lines.filter_map(Value::as_str).map(str::to_owned).collect()
}

/// The alarms, with what to do.
fn alarms(status: &Value) -> Vec<String> {
    let alarms = status.pointer("/alarms").and_then(Value::as_array).into_iter().flatten();
    let told = alarms.map(|alarm| {
        let shown = |key: &str| alarm.get(key).and_then(Value::as_str).unwrap_or_default();
        let (kind, subject, since) = (shown("alarm"), shown("subject"), shown("since"));
        let of = if subject == "host" { String::new() } else { format!(" of `{subject}`") };
        format!("{kind}{of} since {since}: {}; {}", shown("why"), shown("what_to_do"))
    });
    told.collect()
}

/// How the input of a source is.
fn describe(fed: &Value) -> Vec<String> {
    let number = |key: &str| fed.get(key).and_then(Value::as_u64).unwrap_or_default();
    let mut text = format!("{} recorded since the start", text::count(number("records"), "record"));
    if number("lag_bytes") > 0 {
        text += &format!(", {} not yet", text::size(number("lag_bytes")));
    }
    [vec![text], lines(fed, "/problems")].concat()
}
