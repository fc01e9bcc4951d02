//! `countersign rule explain`: why a rule did or did not find something on an event.

mod list;
mod shown;

use std::path::PathBuf;

use anyhow::Result;
use clap::Args;
use countersign_author::explain::{Judged, Sighting};
use countersign_author::{Explanation, explain, open_case};
use countersign_declaration::{Ceilings, Declaration};
use countersign_inputs::Received;
use countersign_model::vocabulary::RuleKind;
use countersign_session::SessionOptions;
use countersign_stream::{holds, matches};
use serde_json::{Value, json};

use crate::calls::columns;
use crate::exit::{Exit, unusable};
use crate::loading::Loading;
use crate::operator;
use crate::out::Out;
use crate::pattern::Pattern;
use crate::values::JsonValue;

use super::filter::parts;
use super::lookup::{RULE_HELP, find_rule};
use super::telemetry::Telemetry;

const EXAMPLES: &str = "\
Examples:
  countersign rule explain countersign/burst-of-denied-calls 3f1c… --events logs.ndjson
      a shipped rule, and the event with this id
  countersign rule explain countersign/burst-of-denied-calls --events logs.ndjson --match AssumeRole
      the events that can be explained, those that the rule wants first
  countersign rule explain rules/my-rule e-4 --case rules/my-rule/cases/a-burst
      a rule that is built first, and an event of one of its cases

All earlier events are judged too, by the rule and by those whose findings feed it, so the result is
that of a real run. Step by step:
  found      where the record is, or why it isn't judged; whether it is on time or late
  class      whether the rule wants events of its class
  where      each line of the rule's filter with the field's value
  key        the key of the rule's state for the event
  fed by     what other rules found on it, and whether the rule subscribes to that
  calls      the rule's input, state and context, the resources it used and its answer: for the event,
             each finding that reached the rule, and each timer that it set
  so         the result

Building a folder runs its code (build scripts and macros, also of its dependencies) with your rights.
Variables that may hold credentials aren't passed on, and a Cargo.lock is kept to. With a source that
you don't trust, take its component.

The exit code is 0 if the rule found something on the event, 1 if it didn't, and 2 if there is no such
event or a file can't be read. A list of events exits with 0, or with 2 if it is empty.
";

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {
    #[arg(value_name = "RULE", help = RULE_HELP)]
    rule: String,
    /// The event's id, as decisions and audit files have it [default: list the events]
    #[arg(value_name = "EVENT")]
    event: Option<String>,
    /// List only events whose id, operation or account matches: a part of it in any case, `*` for anything between
    #[arg(long = "match", value_name = "PATTERN", conflicts_with = "event")]
    pattern: Option<Pattern>,
    #[command(flatten)]
    telemetry: Telemetry,
    /// Use the events and the operator's files of a case's folder
    #[arg(long, value_name = "DIR", conflicts_with_all = ["events", "source", "policy", "identities", "context"])]
    case: Option<PathBuf>,
    /// The policy, with the rules' parameters [default: the shipped policy]
    #[arg(long, value_name = "FILE")]
    policy: Option<PathBuf>,
    /// Who is who [default: only what the records prove]
    #[arg(long, value_name = "FILE")]
    identities: Option<PathBuf>,
    #[command(flatten)]
    context: operator::ContextArguments,
    /// Print one line of JSON (see docs/reference/json.md)
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    loading: Loading,
}

impl Arguments {
    pub(super) fn run(self, out: &mut Out) -> Result<Exit> {
        let located = find_rule(&self.loading.intake()?, &self.rule)?;
        let rule = &located.declaration;
        if rule.kind != RuleKind::Detection {
            return Err(unusable(format_args!("`{}`: expected a detection rule, got a {} rule", rule.id, rule.kind)));
        }
        let options = SessionOptions::default();
        let Some(event) = &self.event else { return self.list(out, rule, &options) };
        let engine = self.loading.engine(1, Ceilings::default().memory)?;
        let explanation = match &self.case {
            Some(case) => {
                let case = open_case(case).map_err(unusable)?;
                let generation = located.generation(&engine, case.settings)?;
                let records = case.records.into_iter().map(Received::from);
                explain(&generation, &rule.id, event, records, &options, case.until)
            }
            None if self.telemetry.is_given() => {
                let settings =
                    operator::author_settings(self.policy.as_deref(), self.identities.as_deref(), &self.context)?;
                let records = self.telemetry.records()?;
                let generation = located.generation(&engine, settings)?;
                explain(&generation, &rule.id, event, records, &options, None)
            }
            None => return Err(no_telemetry()),
        };
        if explanation.sightings.is_empty() {
            return Err(missing(event, &explanation));
        }
        let found =
            explanation.sightings.iter().any(|one| matches!(one, Sighting::Event(event) if !event.findings.is_empty()));
        if self.json {
            out.json(&line(rule, event, &explanation, found))?;
        } else {
            shown::print(out, rule, event, &explanation)?;
        }
        Ok(Exit::unless(!found))
    }

    fn list(&self, out: &mut Out, rule: &Declaration, options: &SessionOptions) -> Result<Exit> {
        let (pattern, max_gap) = (self.pattern.as_ref(), options.max_gap);
        match &self.case {
            Some(case) => {
                let records = open_case(case).map_err(unusable)?.records;
                list::list(out, rule, records.into_iter().map(Received::from), max_gap, pattern, self.json)
            }
            None if self.telemetry.is_given() => {
                list::list(out, rule, self.telemetry.records()?, max_gap, pattern, self.json)
            }
            None => Err(no_telemetry()),
        }
    }
}

fn no_telemetry() -> anyhow::Error {
    unusable("expected telemetry by `--events FILE…`, or a case's folder by `--case DIR`")
}

fn missing(event: &str, explanation: &Explanation) -> anyhow::Error {
    let Explanation { events, dead_letters, suspect, .. } = explanation;
    let hint = suspect.as_ref().map_or_else(String::new, |letter| {
        let (ordinal, input) = (letter.ordinal, letter.input);
        format!("; record {ordinal} of input {input} contains that text, and can't become an event: {}", letter.reason)
    });
    unusable(format_args!(
        "`{event}`: expected the id of one of {events} events, which are listed without it; {dead_letters} records \
         couldn't be used{hint}"
    ))
}

/// The result for an event in one sentence.
fn verdict(rule: &Declaration, judged: &Judged) -> String {
    let event = &judged.event.event;
    if let Some(first) = judged.findings.first() {
        let many = judged.findings.len();
        let more = if many > 1 { format!(", and {} more", many - 1) } else { String::new() };
        return format!("found: {} with confidence {}{more}", first.signal_class, first.confidence);
    }
    if let Some((position, why)) = &judged.silenced {
        return format!("the rule was silenced from position {position} on: {why}");
    }
    if let Some((_, failure)) = judged.failures.first() {
        return format!(
            "the rule failed on it, so it is set aside for this rule: {}: {}",
            failure.kind.id(),
            failure.message
        );
    }
    if !judged.calls.is_empty() {
        return "the rule judged it, and found nothing".to_owned();
    }
    if !rule.event_classes.contains(&event.class) {
        return format!("the rule wants no events of the class {}", event.class);
    }
    if !matches(rule, event) {
        return "the rule's `where` doesn't match it".to_owned();
    }
    "the rule wasn't called".to_owned()
}

/// What `--json` prints.
fn line(rule: &Declaration, event: &str, explanation: &Explanation, found: bool) -> Value {
    let sightings: Vec<Value> = explanation
        .sightings
        .iter()
        .map(|sighting| match sighting {
            Sighting::Duplicate(raw) => json!({ "what": "duplicate", "input": raw.input, "record": raw.ordinal }),
            Sighting::DeadLetter(letter) => json!({ "what": "set-aside", "letter": letter }),
            Sighting::Event(judged) => event_json(rule, judged),
        })
        .collect();
    json!({
        "type": "rule-explain",
        "rule": rule.id,
        "version": rule.version.to_string(),
        "event": event,
        "found": found,
        "events": explanation.events,
        "set_aside": explanation.dead_letters,
        "sightings": sightings,
    })
}

fn event_json(rule: &Declaration, judged: &Judged) -> Value {
    let placed = &judged.event;
    let event = &placed.event;
    let filter: Vec<Value> = parts(&rule.filter)
        .iter()
        .map(|part| {
            json!({
                "depth": part.depth,
                "test": part.text,
                "holds": holds(part.filter, &event.fields),
                "field": part.field.map(|field| field.field().path),
                "value": part.field.map(|field| JsonValue(event.fields.get(field))),
            })
        })
        .collect();
    let calls: Vec<Value> = judged.calls.iter().map(|call| json!({
        "kind": call.call.batch.rows.kinds.as_ref().and_then(|kinds| kinds.first()),
        "shown": columns(rule, &call.call).map(|(path, value)| (path.to_owned(), json!(JsonValue(value.as_ref())))).collect::<serde_json::Map<_, _>>(),
        "state": call.call.state,
        "context": call.call.context,
        "fuel": call.usage.fuel,
        "memory": call.usage.memory,
        "output": call.usage.output,
        "answer": call.answer.as_ref().ok(),
        "failure": call.answer.as_ref().err(),
    })).collect();
    json!({
        "what": "event",
        "input": event.raw.input,
        "record": event.raw.ordinal,
        "source": &*event.source,
        "position": placed.position,
        "time": event.time,
        "watermark": placed.watermark,
        "late": placed.late,
        "id_reused": judged.id_reused,
        "class": event.class,
        "class_wanted": rule.event_classes.contains(&event.class),
        "where_holds": holds(&rule.filter, &event.fields),
        "where": filter,
        "key": judged.key,
        "silenced": judged.silenced.as_ref().map(|(position, why)| json!({ "position": position, "reason": why })),
        "fed": judged.fed.iter().map(|(finding, wanted)| json!({ "finding": finding, "subscribed": wanted })).collect::<Vec<_>>(),
        "calls": calls,
        "findings": judged.findings,
        "failures": judged.failures.iter().map(|(occasion, failure)| json!({ "occasion": occasion, "failure": failure })).collect::<Vec<_>>(),
        "disagreements": judged.disagreements,
        "verdict": verdict(rule, judged),
    })
}
