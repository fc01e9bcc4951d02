//! `countersign backup`: a copy of what a host keeps, while it runs or not.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use anyhow::Result;
use clap::Args;
use countersign_daemon::{BackupError, BackupManifest, Part, back_up};
use countersign_recorder::RecorderError;
use countersign_store::{DatabaseError, StoreError};
use serde::Serialize;

use crate::configuration::ConfigurationArguments;
use crate::exit::{Exit, unusable};
use crate::out::Out;
use crate::progress::Progress;
use crate::run::now;
use crate::table::{Tone, pairs};
use crate::text;

const EXAMPLES: &str = "\
Examples:
  countersign backup /backup/2027-03-01 --state /var/lib/countersign
      while the host runs: the store first, then the recorder, each as of one moment
  countersign backup /backup/full --config conf/countersign.toml --with-key
      with the host's key, which is needed to go on signing; keep it as you keep keys
  countersign restore /backup/2027-03-01 --state /var/lib/countersign
      and then `countersign run` goes on from there

DIR must not exist. What was copied is checked before it gets that name: both files whole, the audit log's
chain and checkpoints, and that the recorder has all that the store has yet to judge. The configuration
isn't in it; the files of every generation are, in the recorder. Digests of content are keyed by
`judge.audit-key`, which isn't in it either.

The exit code is 1 if what was copied isn't whole, 2 if there is something at DIR or nothing to copy.
";

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {
    /// The folder to make
    #[arg(value_name = "DIR")]
    folder: PathBuf,
    #[command(flatten)]
    configuration: ConfigurationArguments,
    /// Copy the host's key, too
    #[arg(long)]
    with_key: bool,
    /// Print one line of JSON (see docs/reference/json.md)
    #[arg(long)]
    json: bool,
}

/// What `--json` prints.
#[derive(Serialize)]
#[serde(tag = "type", rename_all = "kebab-case")]
enum Line<'a> {
    Backup { folder: &'a Path, manifest: &'a BackupManifest },
    Restore { folder: &'a Path, manifest: &'a BackupManifest },
}

impl Arguments {
    pub(crate) fn run(self, out: &mut Out) -> Result<Exit> {
        if !self.configuration.names_a_state() {
            return Err(unusable("expected `--config FILE` or `--state DIR`, got neither"));
        }
        let state = self.configuration.read()?.state.value;
        let progress = Progress::steps(0);
        let made = back_up(&state, &self.folder, self.with_key, now(), &mut copied(&progress));
        progress.done();
        let manifest = made.map_err(failed)?;
        if self.json {
            out.json(&Line::Backup { folder: &self.folder, manifest: &manifest })?;
        } else {
            let what = format!("to {}", text::path(&self.folder));
            print(out, "backed up", &what, &manifest)?;
        }
        Ok(Exit::Done)
    }
}

/// Prints what was restored.
pub(crate) fn print_restored(out: &mut Out, json: bool, folder: &Path, manifest: &BackupManifest) -> io::Result<()> {
    if json {
        return out.json(&Line::Restore { folder, manifest });
    }
    print(out, "restored", &format!("to {}", text::path(&folder)), manifest)
}

/// Shows how far the copying of a file is.
pub(crate) fn copied(progress: &Progress) -> impl FnMut(Part, u64, u64) {
    |part, done, all| {
        progress.message(format!("pages of {part}"));
        progress.at(done, all);
    }
}

/// An error of a backup: that of a folder or file that this command can't use is `Unusable`.
pub(crate) fn failed(error: BackupError) -> anyhow::Error {
    match error {
        BackupError::Damaged { .. }
        | BackupError::Store(StoreError::Database(DatabaseError::Damaged { .. }))
        | BackupError::Recorder(RecorderError::Database(DatabaseError::Damaged { .. })) => error.into(),
        error => unusable(error),
    }
}

fn print(out: &mut Out, title: &str, what: &str, manifest: &BackupManifest) -> io::Result<()> {
    let BackupManifest { made, records, batch, last_batch, signed, with_key, .. } = manifest;
    writeln!(out, "{}  {what}", Tone::Good.paint(title))?;
    let signed = match signed {
        Some((records, key)) => format!("{} by {key}", text::number(*records)),
        None => "none".to_owned(),
    };
    let rows = [
        ("made", made.to_string()),
        ("audit records", text::number(*records)),
        ("of these signed", signed),
        ("batches recorded", text::number(*last_batch)),
        ("of these to be judged", text::number((last_batch + 1).saturating_sub(*batch))),
        ("host's key", if *with_key { "in it" } else { "not in it" }.to_owned()),
    ];
    write!(out, "{}", pairs(out, "  ", &rows))
}
