//! The host, if one serves: whether it answers, does its work, and serves what is on disk; and its sources.

use countersign_api::{Client, ClientError, NeedsRestart};
use countersign_configuration::Configuration;
use countersign_daemon::{recorder_of, sources_of_recorder};
use countersign_model::Timestamp;
use countersign_model::time::format_duration;
use serde_json::Value;

use super::Findings;
use crate::text;

/// A source that doesn't say how often something is expected of it is looked at where nothing came for so long,
/// microseconds: a day.
const SILENT: i64 = 86_400 * 1_000_000;

pub(super) fn look(configuration: &Configuration, now: Timestamp, found: &mut Findings) {
    let client = Client::new(&configuration.api.socket.value);
    match client.get::<Value>("/readyz") {
        Ok(ready) => host(&ready, found),
        Err(ClientError::NoHost(_)) => {
            found.care("host", "none serves", "start it with `countersign run`, if it should");
        }
        Err(error) => found.bad("host", error, "see its log"),
    }
    if let Ok(status) = client.get::<Value>("/v1/status") {
        if let Some(problem) = status.pointer("/audit/problem").and_then(Value::as_str) {
            found.bad("signing", problem, "records and decisions go on meanwhile; what comes since can't be proved");
        }
        let restart = status.get("restart").cloned().and_then(|restart| serde_json::from_value(restart).ok());
        // Its faults are those of the configuration, which was looked at before.
        let changed = NeedsRestart { faults: Vec::new(), ..restart.unwrap_or_default() };
        changed.lines().iter().for_each(|line| found.care("configuration", line, "stop the host, and start it again"));
    }
    sources(configuration, now, found);
}

fn host(ready: &Value, found: &mut Findings) {
    let lines = |pointer: &str| {
        let lines = ready.pointer(pointer).and_then(Value::as_array).into_iter().flatten();
        lines.filter_map(Value::as_str).map(str::to_owned).collect::<Vec<_>>()
    };
    if ready.get("ready").and_then(Value::as_bool) == Some(true) {
        let generation = ready.get("generation").and_then(Value::as_u64).unwrap_or_default();
        found.good("host", format_args!("serves generation {generation}"));
    } else {
        lines("/reasons").iter().for_each(|reason| found.bad("host", reason, "see its log"));
    }
    let differs = lines("/on_disk/reasons");
    if differs.is_empty() {
        found.good("files on disk", "they are what serves");
    } else {
        let advice = "`countersign plan` shows the difference, `countersign apply` has them serve";
        differs.iter().for_each(|reason| found.care("files on disk", reason, advice));
    }
}

/// Looks whether something came of each source.
fn sources(configuration: &Configuration, now: Timestamp, found: &mut Findings) {
    let recorder = recorder_of(&configuration.state.value);
    // What can't be read of the recorder is a finding of its own.
    let Ok(sources) = sources_of_recorder(&recorder, 0) else { return };
    let declared: Vec<_> = sources.iter().filter(|source| source.declared.is_some()).collect();
    let mut silent = 0;
    for source in &declared {
        let name = text::line(source.source.as_str()).to_string();
        let advice = "look whether its sender or its files still write; `countersign sources` says more";
        if let Some(why) = source.declared.as_ref().and_then(|declared| declared.unread.as_ref()) {
            found.care("sources", why, "write that, then `countersign apply`");
            silent += 1;
            continue;
        }
        let expected = source.declared.as_ref().and_then(|declared| declared.expect_every);
        let why = expected.map_or_else(String::new, |every| {
            format!(", and `expect-every` has it tell something every {}", format_duration(every))
        });
        match source.arrived {
            Some(arrived) if now.micros_since(arrived) > expected.unwrap_or(SILENT) => {
                found.care("sources", format_args!("nothing came of `{name}` since {arrived}{why}"), advice);
                silent += 1;
            }
            None if source.records == 0 => {
                found.care("sources", format_args!("nothing came of `{name}` yet{why}"), advice);
                silent += 1;
            }
            _ => {}
        }
    }
    if silent == 0 && !declared.is_empty() {
        found.good("sources", format_args!("records came of {}", text::count(declared.len() as u64, "source")));
    } else if declared.is_empty() {
        found.care(
            "sources",
            "none is declared: nothing is read",
            "add a `[[source]]` to `sources.toml`, then `countersign apply`",
        );
    }
}
