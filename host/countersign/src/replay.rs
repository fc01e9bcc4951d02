//! `countersign replay`: decides about recorded telemetry.

mod figures;
pub(crate) mod inputs;
mod kept;
mod recorded;
mod reporter;

use std::io::ErrorKind;
use std::path::PathBuf;

use anyhow::Result;
use clap::Args;
use countersign_configuration::{MAX_BATCH, MAX_WORKERS};
use countersign_generation::Settings;
use countersign_model::Digest;
use countersign_model::time::parse_duration;
use countersign_session::{Observer, Replay, Report, Session, SessionError, SessionOptions, Summary, replay};
use countersign_store::{Store, belongs_to};
use serde::Serialize;

use crate::dead_letters::{DeadLetters, MaxDead, Tally};
use crate::exit::{Exit, unusable};
use crate::files;
use crate::interrupt::Interrupt;
use crate::loading::Loading;
use crate::operator::{self, ContextArguments, OperatorFiles};
use crate::out::Out;
use crate::progress::Progress;
use crate::recorded::{HOST, RecordedArguments};
use crate::rule_set::RuleSet;
use crate::stderr;
use crate::text;

use inputs::{FILES_HELP, Inputs, SourceArguments, TelemetrySources};
use kept::Kept;
use reporter::Reporter;

const EXAMPLES: &str = "\
Examples:
  countersign replay --source cloudtrail AWSLogs/*.json.gz
  countersign replay --source auto cloudtrail.ndjson windows.ndjson
      findings by identity with the decisions about them, then figures
  countersign replay --source cloudtrail --identities identities.toml --policy policy.toml \\
                     --audit run.audit logs.ndjson
      with your directory and your policy, on record
  countersign replay --sources sources.toml trail=logs.ndjson
      each source believed about the tenants only that it is bound to
  countersign replay --source cloudtrail --rules vendor --trust trust.toml logs.ndjson
      with a vendor's rules beside the shipped ones, as far as they are proved to be theirs
  countersign replay --source cloudtrail --store run.db logs.ndjson
  countersign audit export --store run.db --out run.audit
      in a store that goes on where it stopped; then as an audit file
  zcat logs.gz | countersign replay --source cloudtrail --json - | jq -c 'select(.action)'
      for other programs
  countersign replay --recorded --config conf/countersign.toml --audit run.audit
  countersign replay --recorded --state /var/lib/countersign --since 24h --policy policy.toml
      what a host made of what it has recorded, once more; what another policy makes of a day of it

Several files are merged by event time, as far as it is believed: a time far ahead of the records after it
counts for nothing. A file that is newest first is read from its end (standard input isn't); one of more
than 1,000,000 records is left out, with how to turn it. Nothing is executed.

A record that can't be used doesn't end the run. It becomes a dead letter, with its place and the
reason, in the file of --dead-letters, else beside the audit file (AUDIT.dead-letters.ndjson), else
nowhere. At the end they are summed up by reason.

The same input, rules, policy, identities and context give the same decisions and the same audit file,
regardless of --batch and --workers.

With --store a run may be interrupted anywhere: the same command goes on where it stopped, also when
records were added to files. With other rules or another policy it goes on under a new generation.

With --recorded the records are a host's, in its order, with the time that passed between them; it may run
meanwhile. Without rules and files of your own the generations on record judge, each from its place on, so the
result is the host's, as far as everything is on record. With any, they judge all of it, and what isn't given
is what the last generation on record has. What came of records that were dropped, or lie before --since, isn't
known: it begins from empty state.

The exit code is 1 if no record could be used, if more couldn't than --max-dead allows, or if a rule
was refused (the others ran); 2 if a file can't be read.
";

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {
    #[command(flatten)]
    source: SourceArguments,
    #[command(flatten)]
    rules: RuleSet,
    /// Whose rules are believed, by which keys, and what may come of them [default: the shipped rules alone]
    #[arg(long, value_name = "FILE")]
    trust: Option<PathBuf>,
    /// The policy: which actions are allowed for which identities [default: a cautious shipped policy]
    #[arg(long, value_name = "FILE")]
    policy: Option<PathBuf>,
    /// The directory of identities, as TOML or NDJSON: types, tiers, owners, protection [default: only what the records
    /// prove]
    #[arg(long, value_name = "FILE")]
    identities: Option<PathBuf>,
    /// What connectors can do [default: the shipped capability tables]
    #[arg(long, value_name = "FILE")]
    capabilities: Option<PathBuf>,
    #[command(flatten)]
    context: ContextArguments,
    /// Write every finding and decision to an audit file, with the evidence in FILE.bundles
    #[arg(long, value_name = "FILE")]
    audit: Option<PathBuf>,
    /// Remove the audit file that is there already, with its bundles
    #[arg(long, requires = "audit", conflicts_with = "store")]
    replace: bool,
    /// Keep everything in a store (SQLite), and go on where its last run stopped
    #[arg(long, value_name = "FILE", conflicts_with = "audit")]
    store: Option<PathBuf>,
    /// The key of the audit file's digests, at least 32 bytes [default: a documented key, so they aren't private]
    #[arg(long, value_name = "FILE")]
    audit_key: Option<PathBuf>,
    /// An event whose time is further ahead of those around it can't be used [default: 24h; with --recorded the host's]
    #[arg(long, value_name = "DURATION", value_parser = parse_duration)]
    max_gap: Option<i64>,
    /// The most rows per call of a rule
    #[arg(long, value_name = "ROWS", default_value_t = SessionOptions::BATCH as u64,
          value_parser = clap::value_parser!(u64).range(1..=u64::from(MAX_BATCH)))]
    batch: u64,
    /// The number of threads that run rules [default: the processors, up to 8]
    #[arg(long, value_name = "THREADS", value_parser = clap::value_parser!(u64).range(1..=u64::from(MAX_WORKERS)))]
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
    #[command(flatten)]
    recorded: RecordedArguments,
    #[arg(value_name = "FILE", required_unless_present = HOST, conflicts_with = HOST, help = FILES_HELP)]
    files: Vec<PathBuf>,
}

/// What judges, once everything was checked.
type Judge<'j> = Box<dyn FnOnce(&mut dyn Store, SessionOptions, &mut dyn Observer) -> Result<Report, Ended> + 'j>;

/// A replay that was checked, before it begins.
struct Prepared<'p> {
    options: SessionOptions,
    /// The names of the inputs, by ordinal.
    names: Vec<String>,
    exit: Exit,
    judge: Judge<'p>,
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
        if self.store.as_ref().is_some_and(|store| store.as_os_str() == "-") {
            return Err(unusable("expected a file for `--store`, got `-`"));
        }
        if self.recorded.is_meant() {
            let progress = Progress::waiting();
            let prepared = self.prepare_recorded()?;
            self.judge(prepared, &progress, out)
        } else {
            let sources = self.source.read()?;
            let settings = self.settings(&sources)?;
            let inputs = self.inputs(&sources)?;
            let progress = inputs.progress();
            let prepared = self.prepare(&sources, settings, inputs, &progress)?;
            self.judge(prepared, &progress, out)
        }
    }

    fn settings(&self, sources: &TelemetrySources) -> Result<Settings> {
        let mut settings = operator::settings(&self.operator_files(), Some(&self.rules))?;
        settings.sources_text = sources.text().map(str::to_owned);
        Ok(settings)
    }

    fn inputs(&self, sources: &TelemetrySources) -> Result<Inputs> {
        let is_stdin = |file: &PathBuf| file.as_os_str() == "-" || file.as_os_str().as_encoded_bytes().ends_with(b"=-");
        if self.store.is_some() && self.files.iter().any(is_stdin) {
            return Err(unusable(
                "expected files for `--store`, got standard input, which can't be read again: save it to a file first",
            ));
        }
        Inputs::open(&self.files, sources)
    }

    /// A replay of files.
    fn prepare<'p>(
        &self,
        sources: &TelemetrySources,
        settings: Settings,
        inputs: Inputs,
        progress: &'p Progress,
    ) -> Result<Prepared<'p>> {
        let key = files::audit_key(self.audit_key.as_deref())?;
        let options = SessionOptions {
            max_gap: self.max_gap.unwrap_or(SessionOptions::MAX_GAP),
            key,
            patience: sources.patience(),
            ..self.options()?
        };
        Kept::check(self.audit.as_deref(), self.replace)?;
        let engine = self.loading.engine(options.workers, settings.policy.content.limits().memory)?;
        let (generation, exit) = self.rules.load(&engine, settings)?;
        let (exit, names, count) = (exit.max(inputs.exit()), inputs.names(), u32::try_from(inputs.len())?);
        let judge: Judge<'p> = Box::new(move |store, options, observer| {
            let session = Session::resume(store, generation, options, observer)?;
            let records = inputs.resume(progress, session.processed()).map_err(Ended::Inputs)?;
            Ok(replay(session, records, Replay { inputs: count, until: None })?)
        });
        Ok(Prepared { options, names, exit, judge })
    }

    /// The options that change no result.
    fn options(&self) -> Result<SessionOptions> {
        let mut options = SessionOptions { batch: usize::try_from(self.batch)?, ..SessionOptions::default() };
        if let Some(workers) = self.workers {
            options.workers = usize::try_from(workers)?;
        }
        Ok(options)
    }

    fn judge(&self, prepared: Prepared<'_>, progress: &Progress, out: &mut Out) -> Result<Exit> {
        let Prepared { options, names, exit, judge } = prepared;
        let mut dead_letters = self.dead_letters(names)?;
        let interrupt = Interrupt::watch()?;
        // From here on something is written.
        let mut kept = Kept::open(self.audit.as_deref(), self.replace, self.store.as_deref())?;
        dead_letters.begin()?;
        if kept.is_kept() && options.key.is_public() {
            stderr::note("the digests in the audit file aren't private: give a key of your own by `--audit-key`");
        }
        let keep_on = kept.is_kept() || dead_letters.has_file();
        tracing::debug!(batch = options.batch, workers = options.workers, "begins");
        let switches = (keep_on, self.store.is_some());
        let mut reporter = Reporter::new(out, progress, self.json, switches, &mut dead_letters, &interrupt);
        let ran = judge(kept.store(), options, &mut reporter);
        let printed = reporter.finish();
        progress.done();
        let report = match ran {
            // The reader has gone away, and there is nothing else to write.
            Err(Ended::Session(SessionError::Observer(error))) if error.kind() == ErrorKind::BrokenPipe => {
                return Ok(exit);
            }
            Err(Ended::Session(SessionError::Observer(error))) if error.kind() == ErrorKind::Interrupted => {
                printed?;
                dead_letters.finish()?;
                stderr::warning(kept.interrupted());
                return Ok(Exit::Refused);
            }
            Err(Ended::Session(SessionError::Observer(error))) if !kept.is_kept() => return Err(error.into()),
            Err(Ended::Session(error @ SessionError::OtherKey)) => return Err(unusable(error)),
            // Going on wouldn't help.
            Err(Ended::Session(error @ SessionError::Memory { .. })) => return Err(error.into()),
            Err(Ended::Session(error)) => {
                let error = anyhow::Error::from(error);
                return Err(if kept.is_kept() { error.context(kept.interrupted()) } else { error });
            }
            Err(Ended::Inputs(error)) => return Err(error),
            Ok(report) => report,
        };
        printed?;
        dead_letters.finish()?;
        kept.finish()?;
        let Report { summary, head, .. } = &report;
        if self.json {
            out.json(&SummaryLine { summary, head: head.digest })?;
        } else {
            figures::print(out, summary, kept.name(), head.digest)?;
        }
        let tally = Tally { events: summary.events, duplicates: summary.duplicates, dead_letters: summary.set_aside };
        Ok(exit.max(self.max_dead.verdict(&tally)))
    }

    fn operator_files(&self) -> OperatorFiles<'_> {
        OperatorFiles {
            trust: self.trust.as_deref(),
            policy: self.policy.as_deref(),
            identities: self.identities.as_deref(),
            capabilities: self.capabilities.as_deref(),
            context: Some(&self.context),
        }
    }

    fn dead_letters(&self, names: Vec<String>) -> Result<DeadLetters> {
        if let (Some(letters), Some(audit)) = (&self.dead_letters, self.audit.as_ref().or(self.store.as_ref()))
            && belongs_to(letters, audit)?
        {
            return Err(unusable(format_args!(
                "expected a file of its own for `--dead-letters`, got one of those of `{}`: name another file",
                text::path(&audit)
            )));
        }
        let beside = |path: &PathBuf| {
            let mut path = path.clone().into_os_string();
            path.push(".dead-letters.ndjson");
            DeadLetters::beside(PathBuf::from(path), names.clone())
        };
        match (&self.dead_letters, &self.audit, &self.store) {
            (Some(path), _, None) => DeadLetters::to_file(path, names),
            (Some(path), _, Some(_)) => DeadLetters::to_file(path, names).map(DeadLetters::append),
            (None, Some(audit), _) => beside(audit),
            (None, None, Some(store)) => beside(store).map(DeadLetters::append),
            (None, None, None) => Ok(DeadLetters::counted(names)),
        }
    }
}

/// Why a replay ended early.
enum Ended {
    Session(SessionError),
    /// An input isn't as it was.
    Inputs(anyhow::Error),
}

impl From<SessionError> for Ended {
    fn from(error: SessionError) -> Ended {
        Ended::Session(error)
    }
}
