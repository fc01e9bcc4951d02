//! An explanation for people: a step a line, calls indented beneath.

use std::collections::BTreeSet;
use std::io::Write;

use anyhow::Result;
use countersign_author::Explanation;
use countersign_author::explain::{Call, Judged, Sighting};
use countersign_declaration::Declaration;
use countersign_model::Timestamp;
use countersign_model::call::{DetectionAnswer, DetectionCall, RowKind};
use countersign_model::time::format_duration;
use countersign_stream::holds;

use crate::calls::{self, columns, value};
use crate::out::Out;
use crate::rule::filter::parts;
use crate::table::{Tone, pairs};
use crate::text;

/// Prints an explanation.
pub(super) fn print(out: &mut Out, rule: &Declaration, event: &str, explanation: &Explanation) -> Result<()> {
    let title = format!("{} {} on the event `{}`", rule.id, rule.version, text::line(event));
    writeln!(out, "{}", Tone::Title.paint(title))?;
    for sighting in &explanation.sightings {
        writeln!(out)?;
        match sighting {
            Sighting::Duplicate(raw) => {
                let where_ = format!("record {} of input {}", raw.ordinal, raw.input);
                let so = "it was delivered before with the same content: it is counted, and reaches no rule".to_owned();
                write!(out, "{}", pairs(out, "", &[("found", where_), ("so", so)]))?;
            }
            Sighting::DeadLetter(letter) => {
                let where_ = format!("record {} of input {}", letter.ordinal, letter.input);
                let so = format!("it isn't judged: {}", letter.reason);
                write!(out, "{}", pairs(out, "", &[("found", where_), ("so", so)]))?;
            }
            Sighting::Event(judged) => print_event(out, rule, judged)?,
        }
    }
    Ok(())
}

fn print_event(out: &mut Out, rule: &Declaration, judged: &Judged) -> Result<()> {
    let placed = &judged.event;
    let event = &placed.event;
    let mut found = format!(
        "record {} of input {} ({}), position {} in the stream",
        event.raw.ordinal, event.raw.input, event.source, placed.position
    );
    if judged.id_reused {
        found.push_str("; an earlier record has the same id and other content");
    }
    let behind = placed.watermark.micros_since(event.time);
    let time = if placed.late {
        format!("{}, late: {} behind the watermark of its source", event.time, format_duration(behind))
    } else {
        format!("{}, on time", event.time)
    };
    let wanted = rule.event_classes.contains(&event.class);
    let class = if wanted {
        format!("{}, which the rule wants", event.class)
    } else {
        let classes: Vec<String> = rule.event_classes.iter().map(ToString::to_string).collect();
        format!("{}; the rule wants {}", event.class, classes.join(", "))
    };
    let mut rows = vec![("found", vec![found]), ("time", vec![time]), ("class", vec![class])];
    let filter: Vec<String> = parts(&rule.filter)
        .iter()
        .map(|part| {
            let verdict = if holds(part.filter, &event.fields) { "yes" } else { "no " };
            let value = part.field.map_or_else(String::new, |field| format!("  ← {}", value(event.fields.get(field))));
            format!("{verdict}  {}{}{value}", "  ".repeat(part.depth), part.text)
        })
        .collect();
    rows.push(("where", if filter.is_empty() { vec!["every event".to_owned()] } else { filter }));
    let key = judged.key.clone().unwrap_or_else(|| "none: the rule has no state for it".to_owned());
    rows.push(("key", vec![format!("{}: {key}", rule.partition_key)]));
    rows.extend(
        judged.silenced.iter().map(|(position, why)| ("silenced", vec![format!("from position {position} on: {why}")])),
    );
    for (finding, subscribed) in &judged.fed {
        let reach = if *subscribed { "which reaches the rule" } else { "to which the rule doesn't subscribe" };
        rows.push((
            "fed by",
            vec![format!("{}: {}, confidence {}, {reach}", finding.rule, finding.signal_class, finding.confidence)],
        ));
    }
    write!(out, "{}", pairs(out, "", &rows))?;
    for call in &judged.calls {
        print_call(out, rule, call)?;
    }
    let mut end: Vec<(&str, String)> = judged
        .disagreements
        .iter()
        .map(|what| ("not deterministic", format!("called again, it gave other {what}")))
        .collect();
    end.push(("so", super::verdict(rule, judged)));
    write!(out, "{}", pairs(out, "", &end))?;
    Ok(())
}

fn print_call(out: &mut Out, rule: &Declaration, call: &Call) -> Result<()> {
    let rows = &call.call.batch.rows;
    let kind = match rows.kinds.as_ref().and_then(|kinds| kinds.first()) {
        None | Some(RowKind::Event) => "for the event".to_owned(),
        Some(RowKind::Late) => "for the event, marked late".to_owned(),
        Some(RowKind::Timer(id)) => {
            let at = rows.event_times.first().copied().unwrap_or_default();
            format!("for the timer `{id}` set for {}", Timestamp(at))
        }
        Some(RowKind::Finding) => "for a finding on the event".to_owned(),
    };
    writeln!(out, "{}", Tone::Title.paint(format!("call {kind}")))?;
    let mut lines: Vec<(&'static str, String)> =
        columns(rule, &call.call).map(|(path, shown)| (path, value(shown.as_ref()))).collect();
    lines.extend(calls::state(rule, &call.call).map(|state| ("state before", state)));
    lines.extend(calls::context(rule, &call.call).map(|table| ("context", table)));
    let limits = &rule.limits;
    lines.push((
        "used",
        format!(
            "{} of {} fuel, {} of {} memory, {} of {} output",
            text::number(call.usage.fuel),
            text::number(limits.fuel),
            text::size(call.usage.memory),
            text::size(limits.memory),
            text::size(call.usage.output),
            text::size(limits.output.into())
        ),
    ));
    match &call.answer {
        Err(failure) => lines.push(("failed", format!("{}: {}", failure.kind.id(), failure.message))),
        Ok(answer) => answered(rule, &call.call, answer, &mut lines),
    }
    write!(out, "{}", pairs(out, "  ", &lines))?;
    Ok(())
}

fn answered(
    rule: &Declaration,
    call: &DetectionCall,
    answer: &DetectionAnswer,
    lines: &mut Vec<(&'static str, String)>,
) {
    if answer.findings.is_empty() {
        lines.push(("answered", "no finding".to_owned()));
    }
    for finding in &answer.findings {
        let what = format!("{} about the {}, confidence {}", finding.signal_class, finding.subject, finding.confidence);
        // The row's own event is always evidence.
        let shown = call.batch.rows.references.iter().chain(&finding.evidence).collect::<BTreeSet<_>>().len();
        let shown = text::count(shown as u64, "event");
        lines.push(("answered", format!("{what}, shown by {shown}: {}", finding.message)));
    }
    for timer in &answer.timers {
        let when = timer.at.map_or_else(|| "cancelled".to_owned(), |at| format!("set for {}", Timestamp(at)));
        lines.push(("timer", format!("`{}` {when}", timer.id)));
    }
    for changes in &answer.states {
        let name =
            usize::try_from(changes.slot).ok().and_then(|slot| rule.slots.get(slot)).map_or("?", |slot| &slot.name);
        // One row has one key, so there is at most one change.
        if !changes.keys.is_empty() {
            let after = match changes.blobs.len() {
                0 => "forgotten".to_owned(),
                bytes => format!(
                    "{}, {}",
                    text::size(bytes as u64),
                    text::count(changes.kept.len() as u64, "kept reference")
                ),
            };
            lines.push(("state after", format!("`{name}`: {after}")));
        }
    }
    for diagnostic in &answer.diagnostics {
        lines.push(("logged", format!("{:?}: {}", diagnostic.level, diagnostic.message).to_lowercase()));
    }
}
