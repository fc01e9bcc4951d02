//! `countersign events`: telemetry as the rules see it.

mod line;
mod recorded;

use std::io::Write;
use std::path::PathBuf;

use anyhow::Result;
use clap::Args;
use countersign_inputs::Sources;
use countersign_model::time::parse_duration;
use countersign_model::vocabulary::FieldId;
use countersign_policy::Directory;
use countersign_session::SessionOptions;
use countersign_session::sequence::{Next, sequence};
use countersign_stream::Sequenced;

use crate::dead_letters::{DeadLetters, MaxDead, Tally};
use crate::exit::Exit;
use crate::operator;
use crate::out::Out;
use crate::pattern::Pattern;
use crate::progress::Progress;
use crate::recorded::{HOST, RecordedArguments};
use crate::replay::inputs::{FILES_HELP, Inputs, SourceArguments};
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
  countersign events --recorded --config conf/countersign.toml --since 1h --source trail
  countersign events --follow --state /var/lib/countersign
      what a host has recorded of one source; what it judges from now on, until Ctrl-C

The events are those that `replay` judges, in the same order and with the same positions: several
files are merged by event time, files that are newest first are read from their end, and records that
were delivered before are left out and counted.
Records that can't become events are reported on standard error, with place and reason.
docs/reference/formats.md lists the fields of each source.

With --recorded they are those that a host has recorded, in its order, read as the sources were then; it may
run meanwhile. Positions count from the first event that is read, and `input` is the number of the source. With
--json records that can't become events are lines of their own. --follow goes on with what the host judges
next, waits for it where it doesn't run, and ends with Ctrl-C (130).

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
    /// An event whose time is further ahead of those around it can't be used [default: 24h; with --recorded the host's]
    #[arg(long, value_name = "DURATION", value_parser = parse_duration)]
    max_gap: Option<i64>,
    #[command(flatten)]
    max_dead: MaxDead,
    /// Print NDJSON (see docs/reference/json.md)
    #[arg(long)]
    json: bool,
    /// Go on with what a host judges from now on, or from --since on
    #[arg(long, group = HOST)]
    follow: bool,
    #[command(flatten)]
    recorded: RecordedArguments,
    #[arg(value_name = "FILE", required_unless_present = HOST, conflicts_with = HOST, help = FILES_HELP)]
    files: Vec<PathBuf>,
}

impl Arguments {
    pub(crate) fn run(self, out: &mut Out) -> Result<Exit> {
        if self.follow || self.recorded.is_meant() { self.run_recorded(out) } else { self.run_files(out) }
    }

    fn run_files(self, out: &mut Out) -> Result<Exit> {
        let directory = self.directory()?.unwrap_or_default();
        let sources = self.source.read()?;
        let inputs = Inputs::open(&self.files, &sources)?;
        let dead_letters = DeadLetters::reported(inputs.names());
        let (progress, exit) = (inputs.progress(), inputs.exit());
        let records = inputs.records(&progress)?;
        let mut printer = Printer {
            out,
            progress: &progress,
            sources: sources.named().cloned(),
            directory,
            fields: &self.fields,
            pattern: self.pattern.as_ref(),
            json: self.json,
            rows: Vec::new(),
            dead_letters,
            dead_lines: false,
            tally: Tally::default(),
        };
        for entry in sequence(records, self.max_gap.unwrap_or(SessionOptions::MAX_GAP)) {
            printer.print(entry)?;
            // Nothing else comes of the command.
            if printer.out.is_closed() {
                return Ok(Exit::Done);
            }
        }
        let tally = printer.finish()?;
        Ok(exit.max(self.max_dead.verdict(&tally)))
    }

    /// The directory that is given, if one is.
    fn directory(&self) -> Result<Option<Directory>> {
        let context = operator::ContextArguments::default();
        let settings = operator::author_settings(None, self.identities.as_deref(), &context)?;
        Ok(settings.directory.map(|directory| directory.content))
    }
}

/// Prints events as they come.
struct Printer<'a> {
    out: &'a mut Out,
    progress: &'a Progress,
    /// The sources that events are from; none where a format names them.
    sources: Option<Sources>,
    directory: Directory,
    fields: &'a [FieldId],
    pattern: Option<&'a Pattern>,
    json: bool,
    /// Rows that wait for their table to be full.
    rows: Vec<Sequenced>,
    dead_letters: DeadLetters,
    /// Whether dead letters are lines of JSON too.
    dead_lines: bool,
    tally: Tally,
}

impl Printer<'_> {
    fn print(&mut self, entry: Next) -> Result<()> {
        match entry {
            Next::Event { event, .. } => {
                self.tally.events += 1;
                if self.pattern.is_none_or(|pattern| pattern.matches(&event.event)) {
                    self.event(event)?;
                }
            }
            Next::Duplicate(_) => self.tally.duplicates += 1,
            Next::DeadLetter(letter) => {
                self.tally.dead_letters += 1;
                self.progress.aside(|| self.dead_letters.add(&letter, None))?;
                if self.json && self.dead_lines {
                    self.out.json(&self.dead_letters.line(&letter, None))?;
                }
            }
        }
        Ok(())
    }

    /// Prints what waits, and sums up.
    fn finish(mut self) -> Result<Tally> {
        self.flush()?;
        self.progress.done();
        if self.tally.duplicates > 0 {
            let duplicates = text::count(self.tally.duplicates, "record");
            stderr::note(format_args!("{duplicates} delivered before: left out"));
        }
        self.dead_letters.finish()?;
        Ok(self.tally)
    }

    fn event(&mut self, event: Sequenced) -> Result<()> {
        if self.json {
            let source = event.event.source.as_str();
            let named = self.sources.as_ref().and_then(|sources| sources.named(source));
            let format = named.map_or(source, |source| source.format().name());
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
