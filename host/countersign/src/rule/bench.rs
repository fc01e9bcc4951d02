//! `countersign rule bench`: a rule's cost per event, against its declared limits.

use std::io::Write;
use std::path::PathBuf;

use anyhow::Result;
use clap::Args;
use countersign_author::bench::{Measured, Rows, measure_responses};
use countersign_author::{DetectionCase, find_cases, open_case, open_incident};
use countersign_declaration::{Ceilings, Declaration};
use countersign_engine::Engine;
use countersign_inputs::Received;
use countersign_model::call::FailureKind;
use countersign_model::response::ResponseCall;
use countersign_model::vocabulary::RuleKind;
use serde::Serialize;
use serde_json::json;

use crate::exit::{Exit, unusable};
use crate::loading::Loading;
use crate::operator;
use crate::out::Out;
use crate::progress::Progress;
use crate::table::{Table, Tone};
use crate::text;

use super::lookup::{LocatedRule, RULE_HELP, find_rule};
use super::telemetry::Telemetry;

const EXAMPLES: &str = "\
Examples:
  countersign rule bench rules/my-rule
      with the events of its own cases, repeated
  countersign rule bench vendor.rule.wasm --events logs.ndjson --source cloudtrail
      with those of these events that it wants

A call has a batch of rows, and each call has the declared fuel, memory and output. The time is the
median of a call in the sandbox; fuel and memory are the same on every machine. A call that runs out of
fuel is split, which costs time and changes no result; a single row that runs out is set aside.
Usage above half of a limit is reported. The events may have few keys: a rule with state may cost
more where a batch has more of them.

Building a folder runs its code (build scripts and macros, also of its dependencies) with your rights.
Variables that may hold credentials aren't passed on, and a Cargo.lock is kept to. With a source that
you don't trust, take its component.

The exit code is 0 regardless of the figures, 1 if the rule can't be built or loaded, and 2 if a file
can't be read or has no event that the rule wants.
";

/// Rows of a call.
const BATCHES: [usize; 4] = [1, 16, 256, 1_024];

/// How many times a response rule is called with each incident.
const TIMES: usize = 256;

/// Usage above so much of a limit is reported, percent.
const NEAR: u64 = 50;

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {
    #[arg(value_name = "RULE", help = RULE_HELP)]
    rule: String,
    #[command(flatten)]
    telemetry: Telemetry,
    /// Use the events of these cases [default: the folder `cases` of the rule's folder]
    #[arg(long, value_name = "DIR", conflicts_with = "events")]
    cases: Option<PathBuf>,
    /// The least number of rows for calls of each size
    #[arg(long, value_name = "ROWS", default_value_t = 4_096, value_parser = clap::value_parser!(u64).range(1..=10_000_000))]
    rows: u64,
    /// Print NDJSON (see docs/reference/json.md)
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    loading: Loading,
}

/// A size of calls in `--json`.
#[derive(Serialize)]
#[serde(tag = "type", rename = "rule-bench")]
struct Line<'a> {
    rule: &'a str,
    batch: usize,
    calls: u64,
    nanoseconds: u128,
    fuel_median: u64,
    fuel_most: u64,
    fuel_of_call: u64,
    memory: u64,
    output: u64,
    state: &'a [u64],
    failures: serde_json::Value,
}

impl Arguments {
    pub(super) fn run(self, out: &mut Out) -> Result<Exit> {
        let located = find_rule(&self.loading.intake()?, &self.rule)?;
        let engine = self.loading.engine(1, Ceilings::default().memory)?;
        let progress = Progress::waiting();
        progress.message(format!("measuring {}", located.declaration.id));
        let (rows, measured) = match located.declaration.kind {
            RuleKind::Response => self.responses(&located, &engine)?,
            _ => self.detections(&located, &engine)?,
        };
        progress.done();
        let rule = &located.declaration;
        let notes = notes(rule, &measured);
        if self.json {
            for one in &measured {
                out.json(&line(rule, one))?;
            }
            out.json(&json!({
                "type": "summary",
                "rule": rule.id,
                "version": rule.version.to_string(),
                "rows": rows,
                "limits": { "fuel": rule.limits.fuel, "memory": rule.limits.memory, "output": rule.limits.output },
                "state_limits": rule.slots.iter().map(|slot| slot.max_bytes).collect::<Vec<_>>(),
                "near": notes,
            }))?;
        } else {
            print(out, rule, rows, &measured, &notes)?;
        }
        Ok(Exit::Done)
    }

    /// The folders of the cases.
    fn cases(&self, located: &LocatedRule) -> Result<Vec<PathBuf>> {
        let none = || {
            unusable(format_args!(
                "`{}`: expected cases beside the rule; give telemetry by `--events FILE…`, or cases by `--cases DIR`",
                self.rule
            ))
        };
        let found = match (&self.cases, &located.folder) {
            // The folder `cases` itself, or that of a rule.
            (Some(cases), _) if cases.file_name().is_some_and(|name| name == "cases") => {
                find_cases(cases.parent().unwrap_or(cases))
            }
            (Some(folder), _) | (None, Some(folder)) => find_cases(folder),
            (None, None) => return Err(none()),
        };
        let found = found.map_err(|error| unusable(format_args!("the cases of `{}`: {error}", self.rule)))?;
        if found.is_empty() { Err(none()) } else { Ok(found) }
    }

    fn detections(&self, located: &LocatedRule, engine: &Engine) -> Result<(usize, Vec<Measured>)> {
        let mut settings = operator::author_settings(None, None, &operator::ContextArguments::default())?;
        let mut telemetries: Vec<Vec<Received>> = Vec::new();
        if self.telemetry.is_given() {
            telemetries.push(self.telemetry.records()?.collect());
        } else {
            let mut with_files = None;
            for case in self.cases(located)? {
                let DetectionCase { settings, records, .. } = open_case(&case).map_err(unusable)?;
                telemetries.push(records.into_iter().map(Received::from).collect());
                let has_files = settings.directory.is_some() || !settings.context.is_empty();
                // One run has one context: that of the first case that has one.
                with_files = with_files.or(has_files.then_some(settings));
            }
            settings = with_files.unwrap_or(settings);
        }
        let generation = located.generation(engine, settings)?;
        let id = &located.declaration.id;
        let Some(rule) = generation.rule(id) else { anyhow::bail!("`{id}` isn't loaded") };
        let rows = Rows::collect(&generation, rule, telemetries);
        if rows.is_empty() {
            return Err(unusable(format_args!("expected at least one event that `{id}` wants, got none")));
        }
        let min = usize::try_from(self.rows)?;
        let measured = BATCHES.iter().map(|batch| rows.measure(*batch, min.max(2 * batch))).collect();
        Ok((rows.len(), measured))
    }

    fn responses(&self, located: &LocatedRule, engine: &Engine) -> Result<(usize, Vec<Measured>)> {
        if self.telemetry.is_given() {
            return Err(unusable("a response rule is called with incidents, not events: those of its cases"));
        }
        let settings = operator::author_settings(None, None, &operator::ContextArguments::default())?;
        let generation = located.generation(engine, settings)?;
        let id = &located.declaration.id;
        let Some(rule) = generation.rule(id) else { anyhow::bail!("`{id}` isn't loaded") };
        let mut calls = Vec::new();
        for case in self.cases(located)? {
            let incident = open_incident(&case).map_err(unusable)?;
            calls.push(ResponseCall { incident, parameters: rule.parameters.clone(), data: rule.data.clone() });
        }
        Ok((calls.len(), vec![measure_responses(&rule.loaded, &calls, TIMES)]))
    }
}

fn line<'a>(rule: &'a Declaration, measured: &'a Measured) -> Line<'a> {
    let failures = measured.failures.iter().map(|(kind, count)| (kind.id().to_owned(), json!(count)));
    Line {
        rule: rule.id.as_str(),
        batch: measured.batch,
        calls: measured.calls,
        nanoseconds: measured.time.as_nanos(),
        fuel_median: measured.fuel.0,
        fuel_most: measured.fuel.1,
        fuel_of_call: measured.fuel_of_call,
        memory: measured.memory,
        output: measured.output,
        state: &measured.state,
        failures: serde_json::Value::Object(failures.collect()),
    }
}

/// Usage near a limit, or above it, in words.
fn notes(rule: &Declaration, measured: &[Measured]) -> Vec<String> {
    let mut notes = Vec::new();
    let limits = &rule.limits;
    let mut near = |what: String, used: u64, limit: u64| {
        let percent = used.saturating_mul(100) / limit.max(1);
        if percent > NEAR {
            notes.push(format!("{what}: {} of the declared {}, {percent} %", text::number(used), text::number(limit)));
        }
    };
    let greatest = |of: fn(&Measured) -> u64| measured.iter().map(of).max().unwrap_or_default();
    for one in measured.iter().filter(|one| one.batch == 1) {
        near("fuel of the costliest row alone".to_owned(), one.fuel_of_call, limits.fuel);
    }
    near("bytes of memory".to_owned(), greatest(|one| one.memory), limits.memory);
    near("bytes of the largest answer".to_owned(), greatest(|one| one.output), limits.output.into());
    for (place, slot) in rule.slots.iter().enumerate() {
        let used = measured.iter().filter_map(|one| one.state.get(place)).max().copied().unwrap_or_default();
        near(format!("bytes of a key's state in `{}`", slot.name), used, slot.max_bytes.into());
    }
    for one in measured {
        let (batch, of_call) = (text::count(one.batch as u64, "row"), one.fuel_of_call);
        for (kind, count) in &one.failures {
            let calls = text::count(*count, "call");
            let so = if *kind == FailureKind::FuelExhausted && one.batch > 1 {
                "; they are split, which costs time: declare more fuel, or do less work per row"
            } else {
                ""
            };
            notes.push(format!("in batches of {batch}, {calls} failed: {}{so}", kind.id()));
        }
        if one.batch > 1 && one.failures.is_empty() && of_call.saturating_mul(100) / limits.fuel.max(1) > NEAR {
            let percent = of_call.saturating_mul(100) / limits.fuel.max(1);
            notes.push(format!("in batches of {batch}, a call uses {percent} % of the declared fuel"));
        }
    }
    notes
}

fn print(out: &mut Out, rule: &Declaration, rows: usize, measured: &[Measured], notes: &[String]) -> Result<()> {
    let limits = &rule.limits;
    let what = if rule.kind == RuleKind::Response { "incident" } else { "row" };
    let title = format!("{} {}, by {} repeated", rule.id, rule.version, text::count(rows as u64, what));
    writeln!(out, "{}", Tone::Title.paint(title))?;
    let columns =
        ["rows a call", "calls", "µs a row", "fuel a row", "most", "fuel a call", "memory", "answer", "state"];
    let mut table = (0..9).fold(Table::new(out, columns), Table::right);
    for one in measured {
        let state = one.state.iter().max().copied().unwrap_or_default();
        table.row([
            text::number(one.batch as u64).into(),
            text::number(one.calls).into(),
            format!("{:.2}", one.time.as_secs_f64() * 1e6).into(),
            text::number(one.fuel.0).into(),
            text::number(one.fuel.1).into(),
            text::number(one.fuel_of_call).into(),
            text::size(one.memory).into(),
            text::size(one.output).into(),
            text::size(state).into(),
        ]);
    }
    let state = rule.slots.iter().map(|slot| slot.max_bytes).max().unwrap_or_default();
    table.row([
        "declared".into(),
        "".into(),
        "".into(),
        "".into(),
        "".into(),
        text::number(limits.fuel).into(),
        text::size(limits.memory).into(),
        text::size(limits.output.into()).into(),
        if rule.slots.is_empty() { "".into() } else { text::size(state.into()).into() },
    ]);
    write!(out, "{}", table.text(""))?;
    writeln!(out)?;
    if notes.is_empty() {
        writeln!(out, "{}", Tone::Good.paint("all usage is below half of the declared limits"))?;
    }
    for note in notes {
        writeln!(out, "{}  {note}", Tone::Care.paint("near"))?;
    }
    Ok(())
}
