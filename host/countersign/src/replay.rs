//! `countersign replay`: what is decided about telemetry that is already there.

mod dead_letters;
pub(crate) mod inputs;
mod teller;

use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use clap::Args;
use countersign_model::time::parse_duration;
use countersign_model::{Digest, RuleId};
use countersign_pipeline::{Report, RunError, RunOptions, Summary, run};
use countersign_store::{Durability, Existing, FileStore, HeadStore, Store, StoreError};
use serde::Serialize;

use crate::exit::{Exit, unusable};
use crate::files;
use crate::loading::Loading;
use crate::operator;
use crate::out::Out;
use crate::say;
use crate::table::{Table, Tone, pairs, toned};
use crate::text;

use dead_letters::DeadLetters;
use inputs::{FILES_HELP, FormatName, Inputs, format_help, parse_format};
use teller::Teller;

const EXAMPLES: &str = "\
Examples:
  countersign replay --source cloudtrail AWSLogs/*.json.gz
  countersign replay --source auto cloudtrail.ndjson windows.ndjson
      every decision in a table, then figures
  countersign replay --source cloudtrail --identities identities.toml --policy policy.toml \\
                     --audit run.audit logs.ndjson
      with your facts and your policy, on record
  zcat logs.gz | countersign replay --source cloudtrail --json - | jq -c 'select(.action)'
      for other programs

Several files are merged by event time. Nothing is executed.

Records that can't be used never end a run. They go to a dead-letter file, with position and
reason: to --dead-letters, else beside the audit file (AUDIT.dead-letters.ndjson). Without either
they are counted, and the first are shown.

The same input, rules, policy, identities and context give the same decisions and the same audit file,
whatever --batch and --workers.
The exit code is 1 if a rule was refused (the others served), 2 if a file can't be read.
";

/// More rows in a call give nothing.
const MAX_BATCH: u64 = 65_536;

/// More threads than any machine here has processors.
const MAX_WORKERS: u64 = 64;

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {
    #[arg(long, value_name = "NAME", value_parser = parse_format, help = format_help())]
    source: FormatName,
    /// A folder with the rules that serve (*.wasm) [default: the shipped rules]
    #[arg(long, value_name = "DIR")]
    rules: Option<PathBuf>,
    /// What may be done to whom [default: a cautious policy that ships]
    #[arg(long, value_name = "FILE")]
    policy: Option<PathBuf>,
    /// Who is who: types, tiers, owners, protection [default: only what the records prove]
    #[arg(long, value_name = "FILE")]
    identities: Option<PathBuf>,
    #[command(flatten)]
    context: operator::ContextArguments,
    /// Write every finding and decision to this audit file, with its evidence in FILE.bundles; replaces an audit file
    #[arg(long, value_name = "FILE")]
    audit: Option<PathBuf>,
    /// The key of the audit file's digests, at least 32 bytes [default: a documented key, so they aren't private]
    #[arg(long, value_name = "FILE")]
    audit_key: Option<PathBuf>,
    /// An event further ahead of those around it is set aside
    #[arg(long, value_name = "DURATION", default_value = "24h", value_parser = parse_duration)]
    max_gap: i64,
    /// Most rows in a call
    #[arg(long, value_name = "ROWS", default_value_t = RunOptions::BATCH as u64,
          value_parser = clap::value_parser!(u64).range(1..=MAX_BATCH))]
    batch: u64,
    /// Threads that judge [default: the processors, up to 8]
    #[arg(long, value_name = "THREADS", value_parser = clap::value_parser!(u64).range(1..=MAX_WORKERS))]
    workers: Option<u64>,
    /// Where records go that can't be used, one a line
    #[arg(long, value_name = "FILE")]
    dead_letters: Option<PathBuf>,
    /// Print NDJSON (see docs/reference/json.md)
    #[arg(long)]
    json: bool,
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
        // What can be known to be wrong is told before anything is begun.
        let settings = operator::settings(self.policy.as_deref(), self.identities.as_deref(), &self.context)?;
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
        let engine = operator::engine(options.workers, settings.policy.content.limits().memory, &self.loading)?;
        let (generation, exit) = operator::generation(&engine, self.rules.as_deref(), settings)?;

        let progress = inputs.progress();
        let mut dead_letters = self.dead_letters(inputs.names())?;
        let records = inputs.records(self.source, &progress)?;
        // From here on something is written.
        let mut store = self.store()?;
        dead_letters.begin()?;
        if self.audit.is_some() && options.key.is_public() {
            say::note("the digests in the audit file aren't private: give a key of your own by `--audit-key`");
        }
        let keep_on = self.audit.is_some() || dead_letters.has_file();
        tracing::debug!(batch = options.batch, workers = options.workers, inputs = options.inputs, "begins");
        let mut teller = Teller::new(out, &progress, self.json, keep_on, &mut dead_letters);
        let ran = run(records, &generation, &mut *store, &options, &mut teller);
        let told = teller.finish();
        progress.done();
        let report = match ran {
            // The reader has gone away, and there is nothing else to write.
            Err(RunError::Observer(error)) if error.kind() == ErrorKind::BrokenPipe => return Ok(exit),
            Err(RunError::Observer(error)) => return Err(error.into()),
            ran => ran.context("the run ended early, and the audit file isn't sealed")?,
        };
        told?;
        dead_letters.finish()?;
        let Report { summary, head, .. } = &report;
        if self.json {
            out.json(&SummaryLine { summary, head: head.digest })?;
        } else {
            print_summary(out, summary, self.audit.as_deref(), head.digest)?;
        }
        Ok(exit)
    }

    fn dead_letters(&self, names: Vec<String>) -> Result<DeadLetters> {
        if let (Some(letters), Some(audit)) = (&self.dead_letters, &self.audit)
            && std::path::absolute(letters)? == std::path::absolute(audit)?
        {
            return Err(unusable("expected two files for `--audit` and `--dead-letters`, got one"));
        }
        match (&self.dead_letters, &self.audit) {
            (Some(path), _) => DeadLetters::asked(path, names),
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

/// Keys that a rule lost because its slots were full: those that expired went in their time.
fn evicted(summary: &Summary, rule: &RuleId) -> u64 {
    let slots = summary.forgotten.get(rule).into_iter().flat_map(std::collections::BTreeMap::values);
    slots.map(|forgotten| forgotten.evicted + forgotten.refused).sum()
}

/// What it came to, for people.
pub(crate) fn print_summary(out: &mut Out, summary: &Summary, audit: Option<&Path>, head: Digest) -> Result<()> {
    let seconds =
        if summary.seconds < 10.0 { format!("{:.2}", summary.seconds) } else { format!("{:.0}", summary.seconds) };
    let decisions = summary.decisions.iter().filter(|(_, count)| **count > 0);
    let decisions: Vec<String> = decisions.map(|(kind, count)| format!("{} {kind}", text::number(*count))).collect();
    let mut rows = vec![
        ("events", format!("{} in {seconds} s", text::number(summary.events))),
        ("set aside", text::number(summary.set_aside)),
    ];
    // Rare, and then worth a line each.
    rows.extend((summary.duplicates > 0).then(|| ("duplicates", text::number(summary.duplicates))));
    rows.extend((summary.id_reused > 0).then(|| ("ids used again", text::number(summary.id_reused))));
    rows.extend([
        ("findings", text::number(summary.findings)),
        ("decisions", if decisions.is_empty() { "none".to_owned() } else { decisions.join(", ") }),
    ]);
    let (pending, dropped) = (total(&summary.pending_timers), total(&summary.dropped_timers));
    if pending > 0 {
        rows.push(("timers not due yet", text::number(pending)));
    }
    if dropped > 0 {
        rows.push(("timers dropped, too many", text::number(dropped)));
    }
    let withheld = total(&summary.withheld_findings);
    if withheld > 0 {
        rows.push(("findings that fed nobody, too many", text::number(withheld)));
    }
    rows.extend(audit.map(|path| ("audit file", path.display().to_string())));
    rows.extend(audit.map(|_| ("head", head.to_string())));
    writeln!(out)?;
    write!(out, "{}", pairs(out, "", &rows))?;
    writeln!(out)?;
    let columns = ["rule", "rows seen", "findings", "rows failed", "keys evicted", ""];
    let mut table = Table::new(out, columns).right(1).right(2).right(3).right(4);
    let of = |counts: &std::collections::BTreeMap<_, u64>, rule| counts.get(rule).copied().unwrap_or_default();
    for (rule, delivered) in &summary.delivered {
        let silenced = summary.silenced.contains(rule);
        table.row([
            rule.into(),
            text::number(*delivered).into(),
            text::number(of(&summary.findings_by_rule, rule)).into(),
            text::number(of(&summary.rows_set_aside, rule)).into(),
            text::number(evicted(summary, rule)).into(),
            if silenced { toned(Tone::Bad, "silenced") } else { "".into() },
        ]);
    }
    write!(out, "{}", table.text(""))?;
    Ok(())
}

fn total(counts: &std::collections::BTreeMap<countersign_model::RuleId, u64>) -> u64 {
    counts.values().sum()
}
