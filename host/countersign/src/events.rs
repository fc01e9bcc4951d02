//! `countersign events`: telemetry as the rules see it.

mod line;

use std::io::Write;
use std::path::PathBuf;

use anyhow::Result;
use clap::Args;
use countersign_model::time::parse_duration;
use countersign_model::vocabulary::FieldId;
use countersign_policy::Directory;
use countersign_session::sequence::{Next, sequence};
use countersign_stream::Sequenced;

use crate::dead_letters::{DeadLetters, MaxDead, Tally};
use crate::exit::Exit;
use crate::operator;
use crate::out::Out;
use crate::pattern::Pattern;
use crate::progress::Progress;
use crate::replay::inputs::{FILES_HELP, Inputs, SourceArguments, TelemetrySources};
use crate::stderr;
use crate::summary::{account, address, operation, outcome};
use crate::table::{Cell, Table};
use crate::text;
use crate::values;

use line::{EventLine, parse_field};

const EXAMPLES: &str = "\
Examples:
  countersign events --source auto logs/*.json.gz
      who did what, from where, with what outcome
  countersign events --source cloudtrail --match AssumeRole logs.ndjson
  countersign events --source okta --fields actor.user.name,src_endpoint.ip,is_mfa okta.ndjson
      chosen fields in place of operation, outcome and address
  countersign events --source auto --json logs.ndjson | jq -c 'select(.identity_type == \"unknown\") | .account'
      for other programs

The events are those that `replay` judges, in the same order and with the same positions: several
files are merged by event time, files that are newest first are read from their end, and records that
were delivered before are left out and counted.
Records that can't become events are reported on standard error, with place and reason.
docs/reference/formats.md lists the fields of each source.

The exit code is 1 if no record could be used, or more than --max-dead; 2 if a file can't be read.
";

/// So many rows make a table: then it is printed and the next one begins.
const ROWS: usize = 500;

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {
    #[command(flatten)]
    source: SourceArguments,
    /// The directory of identities, as TOML or NDJSON: types, tiers, owners, protection [default: only what the records
    /// prove]
    #[arg(long, value_name = "FILE")]
    identities: Option<PathBuf>,
    /// Show only these fields, by their OCSF paths, separated by commas
    #[arg(long, value_name = "PATHS", value_delimiter = ',', value_parser = parse_field)]
    fields: Vec<FieldId>,
    /// Show only events whose id, operation or account matches: a part of it in any case, `*` for anything between
    #[arg(long = "match", value_name = "PATTERN")]
    pattern: Option<Pattern>,
    /// An event whose time is further ahead of those around it can't be used
    #[arg(long, value_name = "DURATION", default_value = "24h", value_parser = parse_duration)]
    max_gap: i64,
    #[command(flatten)]
    max_dead: MaxDead,
    /// Print NDJSON (see docs/reference/json.md)
    #[arg(long)]
    json: bool,
    #[arg(value_name = "FILE", required = true, help = FILES_HELP)]
    files: Vec<PathBuf>,
}

impl Arguments {
    pub(crate) fn run(self, out: &mut Out) -> Result<Exit> {
        let settings =
            operator::author_settings(None, self.identities.as_deref(), &operator::ContextArguments::default())?;
        let directory = settings.directory.map(|directory| directory.content).unwrap_or_default();
        let sources = self.source.read()?;
        let inputs = Inputs::open(&self.files, &sources)?;
        let names = inputs.names();
        let (progress, exit) = (inputs.progress(), inputs.exit());
        let records = inputs.records(&progress)?;
        let mut dead_letters = DeadLetters::reported(names);
        let mut tally = Tally::default();
        let mut printer = Printer {
            out,
            progress: &progress,
            sources: &sources,
            directory,
            fields: &self.fields,
            json: self.json,
            rows: Vec::new(),
        };
        for entry in sequence(records, self.max_gap) {
            match entry {
                Next::Event { event, .. } => {
                    tally.events += 1;
                    if self.pattern.as_ref().is_none_or(|pattern| pattern.matches(&event.event)) {
                        printer.event(event)?;
                    }
                }
                Next::Duplicate(_) => tally.duplicates += 1,
                Next::DeadLetter(letter) => {
                    tally.dead_letters += 1;
                    progress.aside(|| dead_letters.add(&letter, None))?;
                }
            }
            // Nothing else comes of the command.
            if printer.out.is_closed() {
                return Ok(Exit::Done);
            }
        }
        printer.flush()?;
        progress.done();
        if tally.duplicates > 0 {
            let duplicates = text::count(tally.duplicates, "record");
            stderr::note(format_args!("{duplicates} delivered before: left out"));
        }
        dead_letters.finish()?;
        Ok(exit.max(self.max_dead.verdict(&tally)))
    }
}

/// Prints events as they come.
struct Printer<'a> {
    out: &'a mut Out,
    progress: &'a Progress,
    sources: &'a TelemetrySources,
    directory: Directory,
    fields: &'a [FieldId],
    json: bool,
    /// Rows that wait for their table to be full.
    rows: Vec<Sequenced>,
}

impl Printer<'_> {
    fn event(&mut self, event: Sequenced) -> Result<()> {
        if self.json {
            let format = self.sources.format_of(&event.event.source);
            self.out.json(&EventLine::new(&event, &self.directory, self.fields, format))?;
            return Ok(());
        }
        self.rows.push(event);
        if self.rows.len() < ROWS { Ok(()) } else { self.flush() }
    }

    fn flush(&mut self) -> Result<()> {
        if self.rows.is_empty() {
            return Ok(());
        }
        let mut table = if self.fields.is_empty() {
            Table::new(self.out, ["time", "source", "class", "operation", "account", "usage", "outcome", "address"])
        } else {
            let titles =
                ["time", "source", "account"].into_iter().chain(self.fields.iter().map(|field| field.field().path));
            Table::with_titles(self.out, titles)
        };
        for event in self.rows.drain(..) {
            let event = &*event.event;
            if self.fields.is_empty() {
                table.row([
                    event.time.into(),
                    event.source.as_str().into(),
                    event.class.into(),
                    operation(event).into(),
                    account(event).into(),
                    event.actor.usage.into(),
                    outcome(event).into(),
                    address(event).into(),
                ]);
            } else {
                let picked = self.fields.iter().map(|field| values::cell(event.fields.get(*field)).into());
                let cells: [Cell; 3] = [event.time.into(), event.source.as_str().into(), account(event).into()];
                table.cells(cells.into_iter().chain(picked));
            }
        }
        let text = table.text("");
        self.progress.aside(|| {
            write!(self.out, "{text}")?;
            self.out.flush_on_terminal()
        })?;
        Ok(())
    }
}
