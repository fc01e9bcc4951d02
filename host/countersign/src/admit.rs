//! `countersign admit`: the process that reads rules for another `countersign`, which starts it.

use anyhow::Result;
use clap::Args;
use countersign_intake::{ADMISSION_LIMITS, serve};

use crate::exit::{Exit, unusable};
use crate::own_limits::OwnLimits;

const PROTOCOL: &str = "\
Other commands start this one for rules that they don't know yet: untrusted bytes can keep a reader
busy for minutes and use gigabytes, so they are read in a process that can be stopped.

Before it reads a byte, it sets its own limits, as `countersign compile` does: memory and processor
time as given, no files but the standard ones, no file of more than 0 bytes, no core dump, and on
Linux no system call that opens, starts or sends anything. The parent process limits the elapsed time.

It reads frames from standard input and writes frames to standard output. A frame is the text CSCHLD1
and a line feed, a byte for the kind of content, the content's length in 8 bytes, little-endian, and
the content. Kinds: first (l) the operator's limits as JSON, then any number of rules (w), each with
its sections; for each rule in their order a verdict (v) as JSON: the BLAKE3 digest of its bytes, and the
refusals, of which an admitted rule has none.

The exit code is 0 if every rule has its verdict, 2 if the input is something else or a limit can't be
set. A limit that is reached ends the process by a signal.
";

/// Admit rules for another command, within limits
#[derive(Debug, Args)]
#[command(after_help = PROTOCOL)]
pub(crate) struct Arguments {
    #[command(flatten)]
    limits: OwnLimits,
}

impl Arguments {
    pub(crate) fn run(self) -> Result<Exit> {
        self.limits.confine(ADMISSION_LIMITS)?;
        serve(std::io::stdin().lock(), std::io::stdout().lock()).map_err(unusable)?;
        Ok(Exit::Done)
    }
}
