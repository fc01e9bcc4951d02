//! `countersign state list`: the keys that a rule keeps something for.

use std::io::Write;
use std::path::PathBuf;

use anyhow::Result;
use clap::Args;
use countersign_model::{RuleId, StateChange, TimerChange, Timestamp};
use countersign_store::Stored as _;
use serde::Serialize;

use crate::exit::Exit;
use crate::out::Out;
use crate::pattern::Pattern;
use crate::storage::open_store;
use crate::table::{Cell, Table};
use crate::text;

use super::kept::{find_rule, for_each_state, for_each_timer};

const EXAMPLES: &str = "\
Examples:
  countersign state list countersign/burst-of-denied-calls --store run.db | less
  countersign state list burst-of-denied-calls --store run.db --match AIDAEXAMPLE1
      by name, and only some keys

One line for each slot in which a key has state, by slot and key; then one for each timer.

The exit code is 2 if there is no such rule or the store can't be read.
";

/// So many rows make a table: then it is printed and the next one begins.
const ROWS: usize = 500;

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {
    /// The rule's id; its name alone, where only one has it
    #[arg(value_name = "RULE")]
    rule: String,
    /// The store
    #[arg(long, value_name = "FILE")]
    store: PathBuf,
    /// List only keys that match: a part of the key in any case, `*` for anything between
    #[arg(long = "match", value_name = "PATTERN")]
    pattern: Option<Pattern>,
    /// List at most so many
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u64).range(1..))]
    limit: Option<u64>,
    /// Print NDJSON (see docs/reference/json.md)
    #[arg(long)]
    json: bool,
}

/// A key's state in a slot.
#[derive(Serialize)]
#[serde(tag = "type", rename = "listed-state")]
struct StateLine<'a> {
    rule: &'a RuleId,
    key: &'a str,
    slot: &'a str,
    version: u32,
    bytes: usize,
    changed: Timestamp,
    kept: usize,
}

/// A timer of a key.
#[derive(Serialize)]
#[serde(tag = "type", rename = "listed-timer")]
struct TimerLine<'a> {
    rule: &'a RuleId,
    key: &'a str,
    timer: &'a str,
    due: Timestamp,
    event_id: &'a str,
}

impl Arguments {
    pub(super) fn run(self, out: &mut Out) -> Result<Exit> {
        let store = open_store(&self.store)?;
        let (rule, _) = find_rule(&self.store, &store, &self.rule)?;
        let mut list = List { arguments: &self, rule: &rule, out, table: None, rows: 0, listed: 0, more: false };
        for_each_state(&rule, &|after, limit| store.state(after, limit), |change| list.state(&change))?;
        list.flush()?;
        for_each_timer(&rule, &store, |change| list.timer(&change))?;
        list.finish()?;
        Ok(Exit::Done)
    }
}

/// Lists entries as they are read.
struct List<'a> {
    arguments: &'a Arguments,
    rule: &'a RuleId,
    out: &'a mut Out,
    table: Option<Table>,
    rows: usize,
    listed: u64,
    more: bool,
}

impl List<'_> {
    /// Whether a key is listed; none if nothing more is.
    fn takes(&mut self, key: &str) -> Option<bool> {
        if !self.arguments.pattern.as_ref().is_none_or(|pattern| pattern.is_in(key)) {
            return Some(false);
        }
        self.more = self.arguments.limit.is_some_and(|limit| self.listed >= limit);
        (!self.more).then(|| {
            self.listed += 1;
            true
        })
    }

    fn state(&mut self, change: &StateChange) -> Result<bool> {
        let StateChange { slot, key, entry: Some(entry), .. } = change else { return Ok(true) };
        match self.takes(key) {
            None => return Ok(false),
            Some(false) => return Ok(true),
            Some(true) => {}
        }
        let (version, bytes, changed, kept) = (entry.version, entry.blob.len(), entry.changed, entry.kept.len());
        if self.arguments.json {
            self.out.json(&StateLine { rule: self.rule, key, slot, version, bytes, changed, kept })?;
            return Ok(!self.out.is_closed());
        }
        let cells = [
            slot.into(),
            key.into(),
            version.into(),
            text::number(bytes as u64).into(),
            changed.into(),
            text::number(kept as u64).into(),
        ];
        self.row(cells, ["slot", "key", "version", "bytes", "changed", "references"], &[2, 3, 5])
    }

    fn timer(&mut self, change: &TimerChange) -> Result<bool> {
        let TimerChange { key, id, entry: Some(entry), .. } = change else { return Ok(true) };
        match self.takes(key) {
            None => return Ok(false),
            Some(false) => return Ok(true),
            Some(true) => {}
        }
        if self.arguments.json {
            let (due, event_id) = (entry.at, &*entry.event.id);
            self.out.json(&TimerLine { rule: self.rule, key, timer: id, due, event_id })?;
            return Ok(!self.out.is_closed());
        }
        let cells = [id.into(), key.into(), entry.at.into(), (&entry.event.id).into()];
        self.row(cells, ["timer", "key", "due", "set by event"], &[])
    }

    fn row<const N: usize>(&mut self, cells: [Cell; N], titles: [&str; N], right: &[usize]) -> Result<bool> {
        let new = || right.iter().fold(Table::new(self.out, titles), |table, column| table.right(*column));
        self.table.get_or_insert_with(new).row(cells);
        self.rows += 1;
        if self.rows >= ROWS {
            self.flush()?;
        }
        Ok(!self.out.is_closed())
    }

    fn flush(&mut self) -> Result<()> {
        if let Some(table) = self.table.take() {
            write!(self.out, "{}", table.text(""))?;
        }
        self.rows = 0;
        Ok(())
    }

    fn finish(mut self) -> Result<()> {
        self.flush()?;
        if self.arguments.json {
            return Ok(());
        }
        let count = text::count(self.listed, "line");
        match (self.listed, self.more) {
            (0, _) => writeln!(self.out, "`{}` keeps nothing that matches", self.rule)?,
            (_, true) => writeln!(self.out, "\nthe first {count}: `--limit` is reached")?,
            (_, false) => {
                writeln!(self.out, "\n{count}; `countersign state show {} KEY` shows one's bytes", self.rule)?
            }
        }
        Ok(())
    }
}
