//! `countersign restore`: a new state folder out of a backup.

use std::path::PathBuf;

use anyhow::Result;
use clap::Args;
use countersign_daemon::restore;

use crate::audit::verify::believed;
use crate::backup::{copied, failed, print_restored};
use crate::exit::Exit;
use crate::out::Out;
use crate::progress::Progress;
use crate::stderr;

const EXAMPLES: &str = "\
Examples:
  countersign restore /backup/2027-03-01 --state /var/lib/countersign
  countersign restore /backup/2027-03-01 --state /srv/restored --key host.pub --checkpoint last.json
      believes no other key, and finds out a backup that is older than the checkpoint

DIR must be new or empty; nothing is written over. All of the backup is checked before it is there. Then
`countersign run` goes on where the backup was made: files are read on from there, and what a sender sends
again is recognised by its idempotency key for a day, or as the same event.

Stop the host that was backed up: two hosts with one key and one past would each go on with a log of
its own. If the backup is without the host's key, put host.key into DIR before the first start; else
`countersign audit rekey` begins with a new one.
";

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {
    /// The backup
    #[arg(value_name = "DIR")]
    folder: PathBuf,
    /// The state folder to make
    #[arg(long, value_name = "DIR")]
    state: PathBuf,
    /// The public key of the host that signed it, or the file with it; of a log with several, each
    #[arg(long, value_name = "KEY")]
    key: Vec<String>,
    /// A checkpoint that was kept elsewhere: the log has to go on from there
    #[arg(long, value_name = "FILE")]
    checkpoint: Option<PathBuf>,
    /// Print one line of JSON (see docs/reference/json.md)
    #[arg(long)]
    json: bool,
}

impl Arguments {
    pub(crate) fn run(self, out: &mut Out) -> Result<Exit> {
        let believed = believed(&self.key, self.checkpoint.as_deref())?;
        let progress = Progress::steps(0);
        let restored = restore(&self.folder, &self.state, &believed, &mut copied(&progress));
        progress.done();
        let manifest = restored.map_err(failed)?;
        print_restored(out, self.json, &self.state, &manifest)?;
        stderr::note("the host that was backed up must not run any more: each would go on with a log of its own");
        if !manifest.with_key {
            stderr::warning(
                "the backup is without the host's key: put `host.key` into the folder before `countersign run`, or the host \
                 signs nothing. If the key is lost, `countersign audit rekey` has a new one sign; whoever verifies with the \
                 old one needs both then, `audit verify --key OLD --key NEW`",
            );
        }
        Ok(Exit::Done)
    }
}
