//! `countersign audit show`: explains a decision in words, or says what any other record says.

mod decision;
mod finding;
mod line;
mod other;
mod story;

use std::io::{self, BufReader, Write};
use std::path::PathBuf;

use anyhow::Result;
use clap::Args;
use countersign_audit::Record;
use countersign_store::AuditLog;

use crate::exit::{Exit, unusable};
use crate::files;
use crate::out::Out;
use crate::progress::Progress;
use crate::stderr;
use crate::storage::{self, for_each_record, store_error};
use crate::table::{Tone, pairs};
use crate::text;

use super::evidence::Evidence;
use super::standing::Standing;

use story::Story;

const EXAMPLES: &str = "\
Examples:
  countersign audit list run.audit
      find the number
  countersign audit show run.audit 12
      which event led to which finding by which rule, what the rule saw, whom it is about, which response
      rules were asked, every reason of the gate, what was decided, under which configuration
  countersign audit show run.db 12 --json | jq .inputs.policy
      for other programs: the record, and the evidence by value

The number is that of the record: `replay --json` and `audit list` print it with each line (`seq`), and
it is one less than the line in an audit file. What is said of a rule's input, of whom it is about and of
what was asked comes from the evidence; what can't be read is named, and the rest is shown.

The exit code is 1 if the record isn't as it was written, and 2 if there is no such record or it can't
be read.
";

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {
    /// An audit file or a store
    #[arg(value_name = "PATH")]
    path: PathBuf,
    /// The record's number
    #[arg(value_name = "NUMBER")]
    number: u64,
    /// The key that the record was written with
    #[arg(long, value_name = "FILE")]
    audit_key: Option<PathBuf>,
    /// Print one line of JSON (see docs/reference/json.md)
    #[arg(long)]
    json: bool,
}

/// A record, with what those before it say.
pub(super) struct Found {
    pub(super) seq: u64,
    pub(super) record: Record,
    pub(super) standing: Standing,
    /// The numbers of the decisions on the same incident, in order.
    pub(super) decisions: Vec<u64>,
}

impl Arguments {
    pub(super) fn run(self, out: &mut Out) -> Result<Exit> {
        let key = files::audit_key(self.audit_key.as_deref())?;
        let log = storage::open_log(&self.path)?;
        let mut evidence = Evidence::new(&log, key);
        let (found, fault) = self.find(&log, &mut evidence)?;
        let story = Story::read(&log, &evidence, &found);
        if self.json {
            line::print(out, &log, &story)?;
        } else {
            print(out, &log, &story)?;
        }
        // What comes after a record proves that it wasn't changed.
        let Some(fault) = fault else { return Ok(Exit::Done) };
        stderr::error(fault);
        Ok(Exit::Refused)
    }

    /// Finds the record; with an error if the next one shows that either isn't as it was written.
    fn find(&self, log: &AuditLog, evidence: &mut Evidence<'_>) -> Result<(Found, Option<anyhow::Error>)> {
        let progress = Progress::bytes(log.bytes().map_err(store_error)?);
        let lines = BufReader::with_capacity(1 << 16, progress.reading(log.lines().map_err(store_error)?));
        let (mut standing, mut found, mut records) = (Standing::default(), None::<Found>, 0);
        let read = for_each_record(log, lines, |seq, record| {
            records = seq + 1;
            if let Some(found) = &mut found {
                return Ok(found.goes_on_with(seq, &record));
            }
            if let Record::Header(header) = &record {
                evidence.check_key(header);
            }
            standing.follow(seq, &record);
            if seq == self.number {
                found = Some(Found::new(seq, record, std::mem::take(&mut standing)));
            }
            Ok(true)
        });
        progress.done();
        match (found, read) {
            (Some(found), read) => Ok((found, read.err())),
            (None, Err(error)) => Err(error),
            (None, Ok(())) => {
                let path = text::path(&self.path);
                Err(match records {
                    0 => unusable(format_args!("expected a record in `{path}`, got none")),
                    records => unusable(format_args!(
                        "expected the number of a record in `{path}`, 0 to {}, got {}",
                        records - 1,
                        self.number
                    )),
                })
            }
        }
    }
}

impl Found {
    fn new(seq: u64, record: Record, standing: Standing) -> Found {
        let decisions = match &record {
            Record::Decision(_) => standing.decisions.clone(),
            _ => Vec::new(),
        };
        Found { seq, record, standing, decisions }
    }

    /// Takes in a record after it. False if nothing more belongs to its story.
    fn goes_on_with(&mut self, seq: u64, next: &Record) -> bool {
        let incident = match (&self.record, next) {
            (Record::Decision(decision), Record::Decision(next)) => next.incident == decision.incident,
            (Record::Finding(finding), Record::Decision(next)) => next
                .incident
                .iter()
                .any(|one| (one.position, &one.rule, one.index) == (finding.position, &finding.rule, finding.index)),
            // What response rules did comes between a finding and the decisions.
            (
                Record::Finding(_),
                Record::Diagnostic(_) | Record::SetAside(_) | Record::RuleStopped(_) | Record::HostFinding(_),
            ) => return true,
            _ => false,
        };
        if incident {
            self.decisions.push(seq);
        }
        incident
    }
}

fn print(out: &mut Out, log: &AuditLog, story: &Story<'_>) -> io::Result<()> {
    let title = format!("{} {}: {}", story.record.type_id(), text::number(story.seq), story.title());
    writeln!(out, "{}", Tone::Title.paint(text::line(&title)))?;
    match story.record {
        Record::Decision(record) => decision::print(out, log, story, record)?,
        Record::Finding(record) => finding::print(out, story, record)?,
        record => other::print(out, record)?,
    }
    section(out, "on record", &story.on_record(log))
}

/// Prints a title and rows beneath it, if there are any.
fn section(out: &mut Out, title: &str, rows: &[(&'static str, String)]) -> io::Result<()> {
    if rows.is_empty() {
        return Ok(());
    }
    writeln!(out, "\n{}", Tone::Title.paint(title))?;
    write!(out, "{}", pairs(out, "  ", rows))
}
