//! `countersign state show`: what a rule keeps for a key.

use std::io::{self, Write};
use std::path::PathBuf;

use anyhow::Result;
use clap::Args;
use countersign_declaration::quoted;
use countersign_model::vocabulary::PartitionKey;
use countersign_model::{Evidence, Hold, RuleId, StateChange, StateEntry, TimerChange, TimerEntry, Timestamp};
use countersign_session::StoredRule;
use countersign_session::report::describe_held;
use countersign_store::Stored;
use serde::Serialize;

use crate::exit::Exit;
use crate::out::Out;
use crate::pattern::Pattern;
use crate::storage::open_store;
use crate::summary;
use crate::table::{Table, Tone, pairs};
use crate::text;

use super::dump;
use super::kept::{find_rule, for_each_state, for_each_timer};

const EXAMPLES: &str = "\
Examples:
  countersign state list countersign/burst-of-denied-calls --store run.db
      find the key
  countersign state show countersign/burst-of-denied-calls aws:111122223333:AIDAEXAMPLE1 --store run.db
      each slot with its version, its bytes and when it was changed last; what it was as of the last tick,
      if it has changed since; the events whose references are kept; the timers with when they are due

The key is the text of what the rule's state is kept by (`partition-key` of its rule.toml): an account, an
address, a session. A rule that is gone keeps its state for a day of the events' time.

The exit code is 1 if the rule keeps nothing for the key, and 2 if there is no such rule or the store
can't be read.
";

/// So many lines of a slot's bytes are shown to people.
const MAX_LINES: usize = 32;

/// So many kept references of a slot are shown to people.
const MAX_KEPT: usize = 20;

/// So many keys are suggested.
const MAX_KEYS: usize = 5;

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {
    /// The rule's id; its name alone, where only one has it
    #[arg(value_name = "RULE")]
    rule: String,
    /// The key
    #[arg(value_name = "KEY")]
    key: String,
    /// The store
    #[arg(long, value_name = "FILE")]
    store: PathBuf,
    /// Print one line of JSON (see docs/reference/json.md)
    #[arg(long)]
    json: bool,
}

/// What a rule keeps for a key.
#[derive(Serialize)]
#[serde(tag = "type", rename = "state")]
struct Kept<'a> {
    rule: &'a RuleId,
    key: &'a str,
    #[serde(flatten)]
    about: About,
    slots: Vec<Slot>,
    timers: Vec<Timer>,
}

/// What is known of the rule.
#[derive(Serialize)]
struct About {
    partition_key: Option<PartitionKey>,
    holds: Vec<Hold>,
    absent_since: Option<Timestamp>,
}

/// What is kept in a slot.
#[derive(Serialize)]
struct Slot {
    slot: String,
    /// None if the key was forgotten since the last tick.
    state: Option<StateEntry>,
    /// Whether it has changed since the last tick.
    changed_since_tick: bool,
    /// As of the last tick, if it has changed since; none if there was nothing.
    at_last_tick: Option<StateEntry>,
}

/// A timer.
#[derive(Serialize)]
struct Timer {
    id: String,
    #[serde(flatten)]
    entry: TimerEntry,
}

impl Arguments {
    pub(super) fn run(self, out: &mut Out) -> Result<Exit> {
        let store = open_store(&self.store)?;
        let (rule, stored) = find_rule(&self.store, &store, &self.rule)?;
        let (kept, keys) = self.read(&store, &rule, stored)?;
        let nothing = kept.slots.is_empty() && kept.timers.is_empty();
        if self.json {
            out.json(&kept)?;
        } else if nothing {
            print_nothing(out, &kept, &keys)?;
        } else {
            print(out, &kept)?;
        }
        Ok(Exit::unless(nothing))
    }

    /// Reads what is kept for the key; with some of the rule's keys, those that the key is a part of first.
    fn read<'a>(&'a self, store: &dyn Stored, rule: &'a RuleId, stored: StoredRule) -> Result<(Kept<'a>, Vec<String>)> {
        let mut keys = Keys::like(&self.key);
        let mut slots: Vec<Slot> = Vec::new();
        for_each_state(rule, &|after, limit| store.state(after, limit), |StateChange { slot, key, entry, .. }| {
            if key == self.key {
                slots.push(Slot { slot, state: entry, changed_since_tick: false, at_last_tick: None });
            } else {
                keys.add(key);
            }
            Ok(true)
        })?;
        for_each_state(
            rule,
            &|after, limit| store.baselines(after, limit),
            |StateChange { slot, key, entry, .. }| {
                if key != self.key {
                    return Ok(true);
                }
                let place = slots.iter().position(|known| known.slot == slot);
                let (changed_since_tick, at_last_tick) = (true, entry);
                match place.and_then(|place| slots.get_mut(place)) {
                    Some(known) => (known.changed_since_tick, known.at_last_tick) = (changed_since_tick, at_last_tick),
                    None => slots.push(Slot { slot, state: None, changed_since_tick, at_last_tick }),
                }
                Ok(true)
            },
        )?;
        let mut timers = Vec::new();
        for_each_timer(rule, store, |TimerChange { key, id, entry, .. }| {
            match entry {
                Some(entry) if key == self.key => timers.push(Timer { id, entry }),
                _ => keys.add(key),
            }
            Ok(true)
        })?;
        slots.sort_by(|a, b| a.slot.cmp(&b.slot));
        let StoredRule { partition_key, holds, absent_since, .. } = stored;
        let about = About { partition_key, holds, absent_since };
        Ok((Kept { rule, key: &self.key, about, slots, timers }, keys.some()))
    }
}

/// Some of a rule's keys.
struct Keys {
    pattern: Pattern,
    /// Those that have the text in them.
    like: Vec<String>,
    others: Vec<String>,
}

impl Keys {
    fn like(key: &str) -> Keys {
        // The same text always gives a pattern.
        let pattern = key.parse().unwrap_or_else(|never: std::convert::Infallible| match never {});
        Keys { pattern, like: Vec::new(), others: Vec::new() }
    }

    fn add(&mut self, key: String) {
        let list = if self.pattern.is_in(&key) { &mut self.like } else { &mut self.others };
        if list.len() < MAX_KEYS && !list.contains(&key) {
            list.push(key);
        }
    }

    fn some(self) -> Vec<String> {
        self.like.into_iter().chain(self.others).take(MAX_KEYS).collect()
    }
}

/// A key or a slot's name in full, so that it can be given again.
fn key_text(key: &str) -> String {
    format!("`{}`", text::line(key))
}

fn title(kept: &Kept<'_>) -> String {
    Tone::Title.paint(format!("{} keeps for {}", kept.rule, key_text(kept.key)))
}

fn about(kept: &Kept<'_>) -> Vec<(&'static str, String)> {
    let About { partition_key, holds, absent_since } = &kept.about;
    let key = match partition_key {
        Some(key) => format!("kept by {key}"),
        None => "none: a response rule keeps nothing".to_owned(),
    };
    let mut rows = vec![("state", key)];
    rows.extend(holds.iter().map(|hold| {
        let rows = describe_held(&hold.source, hold.rows, hold.party.as_deref());
        ("held", format!("{rows} don't reach it until {}", hold.until))
    }));
    rows.extend(absent_since.map(|since| {
        ("gone", format!("since {since}: the generation that serves doesn't have it; nothing expires meanwhile"))
    }));
    rows
}

fn print_nothing(out: &mut Out, kept: &Kept<'_>, keys: &[String]) -> io::Result<()> {
    writeln!(out, "{}: nothing", title(kept))?;
    let mut rows = about(kept);
    if keys.is_empty() {
        rows.push(("keys", "none: the rule keeps nothing for any key".to_owned()));
    }
    for (place, key) in keys.iter().enumerate() {
        rows.push((if place == 0 { "keys" } else { "" }, key_text(key)));
    }
    if !keys.is_empty() {
        rows.push(("", format!("`countersign state list {}` has all", kept.rule)));
    }
    write!(out, "{}", pairs(out, "  ", &rows))
}

fn print(out: &mut Out, kept: &Kept<'_>) -> io::Result<()> {
    writeln!(out, "{}", title(kept))?;
    write!(out, "{}", pairs(out, "  ", &about(kept)))?;
    for slot in &kept.slots {
        writeln!(out, "\n{}", Tone::Title.paint(format!("slot {}", key_text(&slot.slot))))?;
        match &slot.state {
            Some(state) => print_entry(out, "  ", state)?,
            None => writeln!(out, "  nothing: the key was forgotten since the last tick")?,
        }
        match (slot.changed_since_tick, &slot.at_last_tick) {
            (false, _) => {}
            (true, None) => writeln!(out, "  {}", Tone::Faint.paint("at the last tick: nothing"))?,
            (true, Some(before)) => {
                writeln!(out, "  {}", Tone::Faint.paint("at the last tick:"))?;
                print_entry(out, "    ", before)?;
            }
        }
    }
    print_timers(out, &kept.timers)
}

fn print_entry(out: &mut Out, indent: &str, entry: &StateEntry) -> io::Result<()> {
    let StateEntry { version, blob, kept, changed } = entry;
    let mut rows = vec![
        ("version", version.to_string()),
        ("changed", format!("{changed}, by the stream's clock")),
        ("bytes", text::number(blob.len() as u64)),
    ];
    rows.extend(kept.iter().take(MAX_KEPT).map(|kept| {
        let Evidence { reference, event_id, event_time, .. } = &**kept;
        ("keeps", format!("reference {reference}: event {} at {event_time}", quoted(event_id)))
    }));
    let more = kept.len().saturating_sub(MAX_KEPT);
    if more > 0 {
        rows.push(("", format!("and {}: `--json` has all", text::count(more as u64, "more reference"))));
    }
    write!(out, "{}", pairs(out, indent, &rows))?;
    for line in dump::lines(blob, MAX_LINES) {
        writeln!(out, "{indent}{line}")?;
    }
    match dump::left_out(blob, MAX_LINES) {
        0 => Ok(()),
        more => writeln!(out, "{indent}and {}: `--json` has all", text::count(more as u64, "more byte")),
    }
}

fn print_timers(out: &mut Out, timers: &[Timer]) -> io::Result<()> {
    if timers.is_empty() {
        return Ok(());
    }
    writeln!(out, "\n{}", Tone::Title.paint("timers"))?;
    let mut table = Table::new(out, ["timer", "due", "set by event", "at", "operation", "account"]);
    for Timer { id, entry: TimerEntry { at, event } } in timers {
        table.row([
            id.into(),
            at.into(),
            (&event.id).into(),
            event.time.into(),
            summary::operation(event).into(),
            summary::account(event).into(),
        ]);
    }
    write!(out, "{}", table.text("  "))
}
