//! `countersign compile`: the process that compiles one rule for another `countersign`, which starts it.

use std::time::Duration;

use anyhow::Result;
use clap::Args;
use countersign_engine::{CompileLimits, confine, serve};

use crate::exit::{Exit, unusable};

const PROTOCOL: &str = "\
Other commands start this one for each rule that isn't in their cache: bytes that nobody trusts can
keep a compiler busy for minutes and in gigabytes, so they are compiled where that can be cut off.

Before it reads a byte, it takes its limits upon itself: memory and processor time as given, no
files but the standard ones, no file of more than 0 bytes, no core dump. How long it may take on the
wall is watched by whoever started it.

On standard input comes one frame, on standard output goes one. A frame is the text CSCOMP1 and a
line feed, a byte that says what it holds, a length in 8 bytes, little-endian, so many bytes, and
the end. It holds (w) a component without Countersign's sections, or (c) its code, (r) why the
compiler refuses it, (m) that the memory didn't suffice.

The exit code is 0 if there was an answer, 2 if there was nothing to compile or no limit could be
set. A limit that is hit ends the process by a signal.
";

/// Compile one rule for another command, within limits
#[derive(Debug, Args)]
#[command(after_help = PROTOCOL)]
pub(crate) struct Arguments {
    /// Bytes of memory that may be written to
    #[arg(long, value_name = "BYTES")]
    memory: u64,
    /// Seconds of processor time
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..))]
    cpu: u64,
}

impl Arguments {
    pub(crate) fn run(self) -> Result<Exit> {
        let Arguments { memory, cpu } = self;
        confine(&CompileLimits { memory, cpu: Duration::from_secs(cpu), ..CompileLimits::default() })
            .map_err(unusable)?;
        serve(std::io::stdin().lock(), std::io::stdout().lock()).map_err(unusable)?;
        Ok(Exit::Done)
    }
}
