//! `countersign audit list`: the decisions on record, one a line, or other records.

mod filter;
mod row;

use std::io::{BufReader, Write};
use std::path::PathBuf;

use anyhow::Result;
use clap::Args;
use clap::builder::PossibleValuesParser;
use countersign_audit::Record;
use countersign_store::AuditLog;

use crate::exit::Exit;
use crate::files;
use crate::out::Out;
use crate::progress::Progress;
use crate::stderr;
use crate::storage::{self, for_each_record, store_error};
use crate::table::Table;
use crate::text;

use super::evidence::Evidence;
use super::standing::Standing;

use filter::Filter;
use row::{DecisionRow, InputsReader, RecordLine, cells};

const EXAMPLES: &str = "\
Examples:
  countersign audit list run.audit | less
  countersign audit list run.db --decision await-approval --since 2026-03-02T00:00:00Z
      what waits for a person, of a store
  countersign audit list run.audit --identity alice --action revoke-sessions,disable-credential
  countersign audit list run.audit --type set-aside,quarantine,parked,host-finding,dead-letter
      what went wrong: `--type all` lists every record
  countersign audit list run.audit --json | jq -r 'select(.tier == \"critical\") | .seq'
      for other programs: the lines that `replay --json` printed

The number is that of the record, which `countersign audit show` takes. A record without what a filter
asks for isn't listed. Identities are read from the evidence, so from FILE.bundles beside an audit file.

The exit code is 1 if the record isn't as it was written: what is before the fault is listed; 2 if it
can't be read.
";

/// So many rows make a table: then it is printed and the next one begins.
const ROWS: usize = 500;

/// The types of records, and what stands for all of them.
const TYPES: [&str; 21] = [
    "decision",
    "finding",
    "generation",
    "component",
    "set-aside",
    "quarantine",
    "parked",
    "readmitted",
    "not-deterministic",
    "rule-stopped",
    "diagnostic",
    "dead-letter",
    "host-finding",
    "time",
    "source",
    "token",
    "migration",
    "input",
    "header",
    "seal",
    ALL,
];

const ALL: &str = "all";

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {
    /// An audit file or a store
    #[arg(value_name = "PATH")]
    path: PathBuf,
    /// List records of these types, separated by commas
    #[arg(long = "type", value_name = "TYPES", value_delimiter = ',', default_value = "decision",
          value_parser = PossibleValuesParser::new(TYPES))]
    types: Vec<String>,
    #[command(flatten)]
    filter: Filter,
    /// List at most so many
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u64).range(1..))]
    limit: Option<u64>,
    /// The key that the record was written with
    #[arg(long, value_name = "FILE")]
    audit_key: Option<PathBuf>,
    /// Print NDJSON (see docs/reference/json.md)
    #[arg(long)]
    json: bool,
}

impl Arguments {
    pub(super) fn run(self, out: &mut Out) -> Result<Exit> {
        let key = files::audit_key(self.audit_key.as_deref())?;
        let log = storage::open_log(&self.path)?;
        let progress = Progress::bytes(log.bytes().map_err(store_error)?);
        let mut list = List {
            arguments: &self,
            out,
            progress: &progress,
            evidence: InputsReader::new(Evidence::new(&log, key)),
            standing: Standing::default(),
            decisions_only: self.types.iter().all(|ty| ty == "decision"),
            rows: Vec::new(),
            listed: 0,
            more: false,
            sealed: false,
        };
        let lines = BufReader::with_capacity(1 << 16, progress.reading(log.lines().map_err(store_error)?));
        let read = for_each_record(&log, lines, |seq, record| list.record(seq, record));
        // What is before a fault is listed.
        list.flush()?;
        progress.done();
        read?;
        list.finish(&log)?;
        Ok(Exit::Done)
    }
}

/// Lists records as they are read.
struct List<'a, 'l> {
    arguments: &'a Arguments,
    out: &'a mut Out,
    progress: &'a Progress,
    evidence: InputsReader<'l>,
    standing: Standing,
    decisions_only: bool,
    /// Rows that wait for their table to be full.
    rows: Vec<Vec<crate::table::Cell>>,
    listed: u64,
    /// Whether there are more than may be listed.
    more: bool,
    sealed: bool,
}

impl List<'_, '_> {
    /// Lists a record if it is wanted. False once nothing more is.
    fn record(&mut self, seq: u64, record: Record) -> Result<bool> {
        self.sealed = matches!(record, Record::Seal(_));
        self.standing.follow(seq, &record);
        if let Record::Header(header) = &record {
            self.evidence.check_key(header);
        }
        let wanted = |ty: &String| ty == ALL || ty == record.type_id();
        if !self.arguments.types.iter().any(wanted) || !self.arguments.filter.takes(&record) {
            return Ok(true);
        }
        let is_full = self.arguments.limit.is_some_and(|limit| self.listed >= limit);
        match &record {
            Record::Decision(decision) => {
                let named = self.decisions_only || self.arguments.json || self.arguments.filter.has_identity();
                let inputs = if named { self.evidence.inputs(decision) } else { None };
                let row = DecisionRow::new(seq, decision, self.standing.anchor(decision), inputs);
                if !self.arguments.filter.takes_identity(row.identity().as_deref()) {
                    return Ok(true);
                }
                if is_full {
                    self.more = true;
                    return Ok(false);
                }
                if self.arguments.json {
                    row.print_json(self.out)?;
                } else {
                    self.rows.push(if self.decisions_only { row.cells() } else { cells(seq, &record) });
                }
            }
            _ if !self.arguments.filter.takes_identity(None) => return Ok(true),
            _ if is_full => {
                self.more = true;
                return Ok(false);
            }
            _ if self.arguments.json => self.out.json(&RecordLine { seq, record: &record })?,
            _ => self.rows.push(cells(seq, &record)),
        }
        self.listed += 1;
        if self.rows.len() >= ROWS {
            self.flush()?;
        }
        Ok(!self.out.is_closed())
    }

    fn flush(&mut self) -> Result<()> {
        if self.rows.is_empty() {
            return Ok(());
        }
        let mut table = if self.decisions_only {
            let titles = ["number", "time", "identity", "rule", "requested", "decision", "confidence"];
            Table::new(self.out, titles).right(0).right(6)
        } else {
            Table::new(self.out, ["number", "type", "position", "rule", "what"]).right(0).right(2)
        };
        self.rows.drain(..).for_each(|row| table.cells(row));
        let text = table.text("");
        self.progress.aside(|| {
            write!(self.out, "{text}")?;
            self.out.flush_on_terminal()
        })?;
        Ok(())
    }

    fn finish(&mut self, log: &AuditLog) -> Result<()> {
        if let Some(why) = self.evidence.why_not() {
            stderr::warning(format_args!("identities that can't be read are shown as accounts: {why}"));
        }
        if !self.more && !self.sealed && !log.is_store() {
            stderr::note("the file has no seal: its run was interrupted, or isn't over");
        }
        if self.arguments.json {
            return Ok(());
        }
        let what = if self.decisions_only { "decision" } else { "record" };
        let name = text::path(log.path()).to_string();
        let count = text::count(self.listed, what);
        match (self.listed, self.more) {
            (0, _) => writeln!(self.out, "no {what} that matches")?,
            (_, true) => writeln!(self.out, "\nthe first {count}: `--limit` is reached")?,
            (_, false) => writeln!(self.out, "\n{count}; `countersign audit show {name} NUMBER` explains one")?,
        }
        Ok(())
    }
}
