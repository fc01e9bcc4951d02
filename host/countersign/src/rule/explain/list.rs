//! The events that an explanation can be asked for: those that the rule wants first.

use std::io::Write;
use std::sync::Arc;

use anyhow::Result;
use countersign_declaration::Declaration;
use countersign_inputs::Received;
use countersign_model::Event;
use countersign_session::sequence::{Next, sequence};
use countersign_stream::matches;
use serde_json::json;

use crate::exit::{Exit, unusable};
use crate::out::Out;
use crate::pattern::Pattern;
use crate::summary::{account, operation};
use crate::table::{Table, Tone, toned};
use crate::text;

/// So many events that the rule wants are listed for people, and as many others.
const MAX_LISTED: usize = 200;

/// Lists the events of records that match a pattern.
///
/// # Errors
/// When there are none (`Unusable`), or they can't be printed.
pub(super) fn list(
    out: &mut Out,
    rule: &Declaration,
    records: impl Iterator<Item = Received>,
    max_gap: i64,
    pattern: Option<&Pattern>,
    json: bool,
) -> Result<Exit> {
    let (mut wanted, mut others) = (Listed::default(), Listed::default());
    let mut events = 0;
    for entry in sequence(records, max_gap) {
        let Next::Event { event: sequenced, .. } = entry else { continue };
        let event = sequenced.event;
        events += 1;
        if !pattern.is_none_or(|pattern| pattern.matches(&event)) {
            continue;
        }
        let is_wanted = matches(rule, &event);
        if json {
            out.json(&json!({
                "type": "listed-event",
                "event_id": &*event.id,
                "time": event.time,
                "class": event.class,
                "operation": operation(&event),
                "account": event.actor.account,
                "wanted": is_wanted,
            }))?;
        }
        let listed = if is_wanted { &mut wanted } else { &mut others };
        listed.add(event);
    }
    if wanted.count + others.count == 0 {
        return Err(unusable(format_args!(
            "expected an event to explain, got none that matches among {events} events"
        )));
    }
    if !json {
        print(out, rule, &wanted, &others)?;
    }
    Ok(Exit::Done)
}

/// The first events, and how many there are.
#[derive(Default)]
struct Listed {
    first: Vec<Arc<Event>>,
    count: u64,
}

impl Listed {
    fn add(&mut self, event: Arc<Event>) {
        self.count += 1;
        if self.first.len() < MAX_LISTED {
            self.first.push(event);
        }
    }
}

fn print(out: &mut Out, rule: &Declaration, wanted: &Listed, others: &Listed) -> Result<()> {
    let mut table = Table::new(out, ["event", "time", "operation", "account", "wanted"]);
    for (listed, mark) in [(wanted, toned(Tone::Good, "yes")), (others, toned(Tone::Faint, "no"))] {
        for event in &listed.first {
            table.row([
                (&event.id).into(),
                event.time.into(),
                operation(event).into(),
                account(event).into(),
                mark.clone(),
            ]);
        }
    }
    write!(out, "{}", table.text(""))?;
    let (of_wanted, of_others) = (text::number(wanted.count), text::number(others.count));
    writeln!(
        out,
        "\n{}: {of_wanted} events that it wants, {of_others} others; give an event's id to have it explained",
        rule.id
    )?;
    let unlisted = wanted.count + others.count - (wanted.first.len() + others.first.len()) as u64;
    if unlisted > 0 {
        writeln!(
            out,
            "{} more are not listed: `--match PATTERN` narrows the list, `--json` has all",
            text::number(unlisted)
        )?;
    }
    Ok(())
}
