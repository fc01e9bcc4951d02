//! `countersign audit export`: a store as the audit file that a run without a stop would have written.

use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::Result;
use clap::Args;
use countersign_model::Digest;
use countersign_session::Standing;
use countersign_store::{
    BundleReader, Existing, ExistingRun, ExportOptions, Exported, LogPart, SqliteReader, StoreError, Stored,
    belongs_to, existing, export,
};
use serde::Serialize;

use crate::exit::{Exit, unusable};
use crate::out::Out;
use crate::progress::Progress;
use crate::stderr;
use crate::storage::{open_store, store_error};
use crate::table::{Tone, pairs};
use crate::text;

const EXAMPLES: &str = "\
Examples:
  countersign audit export --store run.db --out run.audit
      the file, and the evidence in run.audit.bundles: byte for byte what `replay --audit run.audit`
      writes over the same input, however often the run was interrupted
  countersign audit export --store run.db --out part.audit --unfinished
      of a run that isn't finished: what is on record so far, without a seal

  countersign audit export --store store.db --out segment-12.audit --segment 12
      a segment of a host's log that has ended, with its checkpoints: `audit verify --key` checks it alone

What is at FILE is never overwritten, unless --replace says so. Then it stays until the new file is
complete.

The exit code is 1 if the run isn't finished, or the store isn't as it was written; 2 if there is
something at FILE already, or the store can't be read.
";

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {
    /// The store
    #[arg(long, value_name = "FILE")]
    store: PathBuf,
    /// The audit file to write
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// Export a run that isn't finished, without a seal
    #[arg(long)]
    unfinished: bool,
    /// Export this segment alone, numbered from 1 (see docs/reference/audit.md)
    #[arg(long, value_name = "N", conflicts_with = "unfinished")]
    segment: Option<u64>,
    /// Remove the audit file that is there already, with its bundles
    #[arg(long)]
    replace: bool,
    /// Print one line of JSON (see docs/reference/json.md)
    #[arg(long)]
    json: bool,
}

/// What `--json` prints.
#[derive(Serialize)]
#[serde(tag = "type", rename = "audit-export")]
struct Line<'a> {
    store: &'a Path,
    file: &'a Path,
    records: u64,
    blobs: u64,
    sealed: bool,
    head: Option<Digest>,
    replaced: Option<Replaced>,
}

/// The run that was there before.
#[derive(Serialize)]
struct Replaced {
    records: Option<u64>,
    sealed: bool,
    blobs: u64,
}

impl Arguments {
    pub(super) fn run(self, out: &mut Out) -> Result<Exit> {
        if belongs_to(&self.out, &self.store)? {
            return Err(unusable(format_args!(
                "expected a file of its own for `--out`, got one of those of `{}`: name another file",
                text::path(&self.store)
            )));
        }
        let store = open_store(&self.store)?;
        let part = self.segment.map(|number| self.part(&store, number)).transpose()?;
        let finished = part.is_none() && self.check_finished(&store)?;
        let replaced = existing(&self.out).map_err(store_error)?;
        match &replaced {
            Some(run) if !self.replace => {
                return Err(store_error(StoreError::Exists { run: Box::new(run.clone()) }));
            }
            Some(run) => stderr::note(format_args!("`--replace` removes {run}, at `{}`", text::path(&self.out))),
            None => {}
        }
        let existing = if self.replace { Existing::Replace } else { Existing::Refuse };
        let progress = Progress::steps(0);
        progress.message("records written".to_owned());
        let options = ExportOptions { existing, seal: finished, part };
        let exported = export(&store, &self.out, &options, &mut |done, total| progress.at(done, total));
        progress.done();
        let exported = exported.map_err(store_error)?;
        if self.json {
            self.print_json(out, &exported, replaced)?;
        } else {
            self.print(out, &exported)?;
        }
        Ok(Exit::Done)
    }

    /// A segment.
    ///
    /// # Errors
    /// When the store has none of this number that has ended: `Unusable`.
    fn part(&self, store: &SqliteReader, number: u64) -> Result<LogPart> {
        store.segment(number).map_err(store_error)?.ok_or_else(|| {
            unusable(format_args!(
                "expected a segment of `{}` that has ended and is kept, got {number}: `countersign audit verify` says how many \
                 have ended",
                text::path(&self.store)
            ))
        })
    }

    /// Whether the run is finished.
    ///
    /// # Errors
    /// When there is none (`Unusable`), or it isn't finished and that wasn't asked for.
    fn check_finished(&self, store: &dyn Stored) -> Result<bool> {
        let path = text::path(&self.store);
        let Some(standing) = Standing::read(store)? else {
            return Err(unusable(format_args!("expected a run in `{path}`, got a store without a record")));
        };
        anyhow::ensure!(
            standing.finished || self.unfinished,
            "expected a finished run in `{path}`, got one that isn't: let the same `countersign replay --store` go on \
             to its end, or export what is on record so far, without a seal, with `--unfinished`"
        );
        Ok(standing.finished)
    }

    fn print_json(&self, out: &mut Out, exported: &Exported, replaced: Option<ExistingRun>) -> std::io::Result<()> {
        let Exported { end, head, blobs } = exported;
        out.json(&Line {
            store: &self.store,
            file: &self.out,
            records: end.records(),
            blobs: *blobs,
            sealed: head.is_some(),
            head: head.map(|head| head.digest),
            replaced: replaced.map(|ExistingRun { records, sealed, blobs, .. }| Replaced { records, sealed, blobs }),
        })
    }

    fn print(&self, out: &mut Out, exported: &Exported) -> std::io::Result<()> {
        let Exported { end, head, blobs } = exported;
        let name = text::path(&self.out).to_string();
        let bundles = BundleReader::open(&self.out);
        let mut rows = vec![
            ("records", text::number(end.records())),
            ("blobs", format!("{} in {}", text::number(*blobs), text::path(bundles.folder()))),
        ];
        match head {
            Some(head) => {
                writeln!(out, "{}  {name}", Tone::Good.paint("exported"))?;
                rows.push(("head", head.digest.to_string()));
            }
            None => {
                let tone = if self.segment.is_some() { Tone::Good } else { Tone::Care };
                writeln!(out, "{}  {name}, which isn't sealed", tone.paint("exported"))?;
                let why = if self.segment.is_some() { "a segment has checkpoints" } else { "the run isn't finished" };
                rows.push(("head", format!("none: {why}")));
            }
        }
        write!(out, "{}", pairs(out, "  ", &rows))
    }
}
