//! `countersign replay`: decides about recorded telemetry.

mod figures;
pub(crate) mod inputs;
mod reporter;

use std::io::ErrorKind;
use std::path::PathBuf;

use anyhow::{Context, Result};
use clap::Args;
use countersign_model::Digest;
use countersign_model::time::parse_duration;
use countersign_session::{Report, RunError, RunOptions, Summary, run};
use countersign_store::{Durability, Existing, FileStore, HeadStore, Store, StoreError};
use serde::Serialize;

use crate::dead_letters::{DeadLetters, MaxDead, Tally};
use crate::exit::{Exit, unusable};
use crate::files;
use crate::loading::Loading;
use crate::operator;
use crate::out::Out;
use crate::rule_set::RuleSet;
use crate::stderr;

use inputs::{FILES_HELP, FormatName, Inputs, format_help, parse_format};
use reporter::Reporter;

const EXAMPLES: &str = "\
Examples:
  countersign replay --source cloudtrail AWSLogs/*.json.gz
  countersign replay --source auto cloudtrail.ndjson windows.ndjson
      findings by identity with the decisions about them, then figures
  countersign replay --source cloudtrail --identities identities.toml --policy policy.toml \\
                     --audit run.audit logs.ndjson
      with your directory and your policy, on record
  zcat logs.gz | countersign replay --source cloudtrail --json - | jq -c 'select(.action)'
      for other programs

Several files are merged by event time. Nothing is executed.

A record that can't be used doesn't end the run. It becomes a dead letter, with its place and the
reason, in the file of --dead-letters, else beside the audit file (AUDIT.dead-letters.ndjson), else
nowhere. At the end they are summed up by reason.

The same input, rules, policy, identities and context give the same decisions and the same audit file,
regardless of --batch and --workers.

The exit code is 1 if no record could be used, if more couldn't than --max-dead allows, or if a rule
was refused (the others ran); 2 if a file can't be read.
";

/// More rows per call bring no benefit.
const MAX_BATCH: u64 = 65_536;

/// More threads bring no benefit.
const MAX_WORKERS: u64 = 64;

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {
    #[arg(long, value_name = "NAME", value_parser = parse_format, help = format_help())]
    source: FormatName,
    #[command(flatten)]
    rules: RuleSet,
    /// The policy: which actions are allowed for which identities [default: a cautious shipped policy]
    #[arg(long, value_name = "FILE")]
    policy: Option<PathBuf>,
    /// The directory of identities: types, tiers, owners, protection [default: only what the records prove]
    #[arg(long, value_name = "FILE")]
    identities: Option<PathBuf>,
    #[command(flatten)]
    context: operator::ContextArguments,
    /// Write every finding and decision to an audit file, with the evidence in FILE.bundles; replaces an audit file
    #[arg(long, value_name = "FILE")]
    audit: Option<PathBuf>,
    /// The key of the audit file's digests, at least 32 bytes [default: a documented key, so they aren't private]
    #[arg(long, value_name = "FILE")]
    audit_key: Option<PathBuf>,
    /// An event whose time is further ahead of those around it can't be used
    #[arg(long, value_name = "DURATION", default_value = "24h", value_parser = parse_duration)]
    max_gap: i64,
    /// The most rows per call of a rule
    #[arg(long, value_name = "ROWS", default_value_t = RunOptions::BATCH as u64,
          value_parser = clap::value_parser!(u64).range(1..=MAX_BATCH))]
    batch: u64,
    /// The number of threads that run rules [default: the processors, up to 8]
    #[arg(long, value_name = "THREADS", value_parser = clap::value_parser!(u64).range(1..=MAX_WORKERS))]
    workers: Option<u64>,
    /// Write records that can't be used to a file, one per line
    #[arg(long, value_name = "FILE")]
    dead_letters: Option<PathBuf>,
    /// Print NDJSON (see docs/reference/json.md)
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    max_dead: MaxDead,
    #[command(flatten)]
    loading: Loading,
    #[arg(value_name = "FILE", required = true, help = FILES_HELP)]
    files: Vec<PathBuf>,
}

/// The last line of `--json`.
#[derive(Serialize)]
struct SummaryLine<'a> {
    #[serde(flatten)]
    summary: &'a Summary,
    head: Digest,
}

impl Arguments {
    pub(crate) fn run(self, out: &mut Out) -> Result<Exit> {
        // Everything that can be checked is checked before anything is written.
        let settings =
            operator::settings(self.policy.as_deref(), self.identities.as_deref(), &self.context, Some(&self.rules))?;
        let key = files::audit_key(self.audit_key.as_deref())?;
        let inputs = Inputs::open(&self.files)?;
        let mut options = RunOptions {
            batch: usize::try_from(self.batch)?,
            max_gap: self.max_gap,
            inputs: u32::try_from(inputs.len())?,
            key,
            ..RunOptions::default()
        };
        if let Some(workers) = self.workers {
            options.workers = usize::try_from(workers)?;
        }
        let engine = self.loading.engine(options.workers, settings.policy.content.limits().memory)?;
        let (generation, exit) = self.rules.load(&engine, settings)?;

        let progress = inputs.progress();
        let mut dead_letters = self.dead_letters(inputs.names())?;
        let records = inputs.records(self.source, &progress)?;
        // From here on something is written.
        let mut store = self.store()?;
        dead_letters.begin()?;
        if self.audit.is_some() && options.key.is_public() {
            stderr::note("the digests in the audit file aren't private: give a key of your own by `--audit-key`");
        }
        let keep_on = self.audit.is_some() || dead_letters.has_file();
        tracing::debug!(batch = options.batch, workers = options.workers, inputs = options.inputs, "begins");
        let mut reporter = Reporter::new(out, &progress, self.json, keep_on, &mut dead_letters);
        let ran = run(records, &generation, &mut *store, &options, &mut reporter);
        let printed = reporter.finish();
        progress.done();
        let report = match ran {
            // The reader has gone away, and there is nothing else to write.
            Err(RunError::Observer(error)) if error.kind() == ErrorKind::BrokenPipe => return Ok(exit),
            Err(RunError::Observer(error)) => return Err(error.into()),
            ran => ran.context("the run ended early, and the audit file isn't sealed")?,
        };
        let observing = printed?;
        dead_letters.finish()?;
        let Report { summary, head, .. } = &report;
        if self.json {
            out.json(&SummaryLine { summary, head: head.digest })?;
        } else {
            figures::print(out, summary, observing, self.audit.as_deref(), head.digest)?;
        }
        let tally = Tally { events: summary.events, duplicates: summary.duplicates, dead_letters: summary.set_aside };
        Ok(exit.max(self.max_dead.verdict(&tally)))
    }

    fn dead_letters(&self, names: Vec<String>) -> Result<DeadLetters> {
        if let (Some(letters), Some(audit)) = (&self.dead_letters, &self.audit)
            && std::path::absolute(letters)? == std::path::absolute(audit)?
        {
            return Err(unusable("expected two files for `--audit` and `--dead-letters`, got one"));
        }
        match (&self.dead_letters, &self.audit) {
            (Some(path), _) => DeadLetters::to_file(path, names),
            (None, Some(audit)) => {
                let mut path = audit.clone().into_os_string();
                path.push(".dead-letters.ndjson");
                DeadLetters::beside(PathBuf::from(path), names)
            }
            (None, None) => Ok(DeadLetters::counted(names)),
        }
    }

    fn store(&self) -> Result<Box<dyn Store>> {
        let Some(path) = &self.audit else { return Ok(Box::new(HeadStore::new())) };
        match FileStore::create(path, Existing::Replace, Durability::Seal) {
            Ok(store) => Ok(Box::new(store)),
            Err(error @ StoreError::NotAnAuditFile(_)) => Err(unusable(error)),
            Err(error) => Err(error.into()),
        }
    }
}
