//! `countersign compile`: the process that compiles one rule for another `countersign`, which starts it.

use anyhow::Result;
use clap::Args;
use countersign_engine::{COMPILE_LIMITS, serve};

use crate::exit::{Exit, unusable};
use crate::own_limits::OwnLimits;

const PROTOCOL: &str = "\
Other commands start this one for each rule that isn't in their cache: untrusted bytes can keep a
compiler busy for minutes and use gigabytes, so they are compiled in a process that can be stopped.

Before it reads a byte, it sets its own limits: memory and processor time as given, no files but the
standard ones, no file of more than 0 bytes, no core dump, and on Linux no system call that opens,
starts or sends anything. The parent process limits the elapsed time.

It reads one frame from standard input and writes one to standard output. A frame is the text CSCHLD1
and a line feed, a byte for the kind of content, the content's length in 8 bytes, little-endian, and
the content. Kinds: (w) a component without Countersign's sections, (c) its code, (r) why the
compiler refuses it, (m) out of memory.

The exit code is 0 if there is an answer, 2 if there is nothing to compile or a limit can't be set.
A limit that is reached ends the process by a signal.
";

/// Compile one rule for another command, within limits
#[derive(Debug, Args)]
#[command(after_help = PROTOCOL)]
pub(crate) struct Arguments {
    #[command(flatten)]
    limits: OwnLimits,
}

impl Arguments {
    pub(crate) fn run(self) -> Result<Exit> {
        self.limits.confine(COMPILE_LIMITS)?;
        serve(std::io::stdin().lock(), std::io::stdout().lock()).map_err(unusable)?;
        Ok(Exit::Done)
    }
}
