//! `countersign status`: how a host that runs is, or what one left behind.

use std::io::Write;
use std::path::Path;

use anyhow::Result;
use clap::Args;
use countersign_api::{Client, ClientError, NeedsRestart};
use countersign_daemon::{generations_of_recorder, has_host, recorder_of, store_of};
use countersign_recorder::RecorderReader;
use countersign_session::Standing;
use countersign_store::Stored as _;
use serde_json::{Value, json};

use crate::configuration::ConfigurationArguments;
use crate::exit::{Exit, unusable};
use crate::out::Out;
use crate::stderr;
use crate::storage::open_store;
use crate::table::pairs;
use crate::text;

const EXAMPLES: &str = "\
Examples:
  countersign status --state /var/lib/countersign
  countersign status --config conf/countersign.toml --json | jq .ready

The exit code is 1 if the host records or judges nothing now, and 2 if there is none; then it is what the state
folder has.
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
        let configuration = self.configuration.find()?;
        let client = Client::new(&configuration.api.socket.value);
        let both = client.get::<Value>("/readyz").and_then(|ready| Ok((ready, client.get::<Value>("/v1/status")?)));
        let (ready, status) = match both {
            Ok(both) => both,
            Err(error) => {
                let state = configuration.state.value;
                if matches!(error, ClientError::NoHost(_)) && !self.json && has_host(&state) {
                    left_behind(out, &state)?;
                    out.flush()?;
                }
                return Err(self.configuration.refused(&error));
            }
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
            ("of these signed", one(self.configuration.complete(&signed(&status)))),
        ];
        let more = [
            ("rules left out", lines(&status, "/judged/left_out")),
            ("files on disk", lines(&ready, "/on_disk/reasons")),
            ("alarms", alarms(&status)),
            ("network", network(&status)),
            ("needs a restart", restart(&status)),
        ];
        let more = more.map(|(name, lines)| {
            (name, lines.iter().map(|line| self.configuration.complete(line)).collect::<Vec<_>>())
        });
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

/// Shows what a host left behind that doesn't serve now.
fn left_behind(out: &mut Out, state: &Path) -> Result<()> {
    let (recorder, store) = (recorder_of(state), open_store(&store_of(state))?);
    let extent = RecorderReader::open(&recorder).and_then(|reader| reader.extent()).map_err(unusable)?;
    let generations = generations_of_recorder(&recorder).map_err(unusable)?;
    let place = Standing::read(&store)?.and_then(|standing| standing.place).unwrap_or_default();
    let left = (extent.last + 1).saturating_sub(place.batch);
    let generation = generations.last().map_or_else(|| "none".to_owned(), |last| text::number(last.number));
    let rows = [
        ("generation", generation),
        ("batches recorded", text::number(extent.last)),
        ("of these to be judged", text::number(left)),
        ("recorder", text::size(extent.bytes)),
        ("audit records", text::number(store.head()?.records())),
    ];
    stderr::note(format_args!("no host serves: this is what `{}` has", text::path(state)));
    Ok(write!(out, "{}", pairs(out, "", &rows))?)
}

/// What of the configuration on disk only a restart brings about.
fn restart(status: &Value) -> Vec<String> {
    let restart = status.get("restart").cloned().map(serde_json::from_value::<NeedsRestart>);
    restart.and_then(Result::ok).map(|restart| restart.lines()).unwrap_or_default()
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
        // What to do stands with the alarm.
        (Some(problem), ..) => text::first_sentence(problem).to_owned(),
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
