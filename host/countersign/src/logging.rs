//! The program's log on stderr, controlled by `COUNTERSIGN_LOG`.

use std::io::{self, Write};

use tracing_subscriber::EnvFilter;

use crate::stderr;
use crate::text;

/// The variable with the filter, such as `debug` or `countersign=debug`.
const VARIABLE: &str = "COUNTERSIGN_LOG";

/// Starts logging. Without the variable only warnings are logged.
pub(crate) fn start() {
    let wanted = std::env::var(VARIABLE).ok().filter(|wanted| !wanted.is_empty());
    let filter = wanted.as_ref().map(EnvFilter::try_new).unwrap_or_else(|| Ok(EnvFilter::new("warn")));
    let filter = filter.unwrap_or_else(|error| {
        stderr::warning(format_args!("{VARIABLE}: expected a filter such as `debug` or `countersign=debug`: {error}"));
        EnvFilter::new("warn")
    });
    let logger = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(|| Lines)
        // What is logged may have text of others in it, and is escaped with all that isn't seen.
        .with_ansi(false)
        // They would go to stderr, which has failed.
        .log_internal_errors(false)
        .without_time();
    // Fails only if a logger is installed already.
    let _ = logger.try_init();
}

/// Standard error for the log: each event is written at once, and is one line.
struct Lines;

impl Write for Lines {
    fn write(&mut self, event: &[u8]) -> io::Result<usize> {
        let shown = text::line(String::from_utf8_lossy(event).trim_end());
        writeln!(io::stderr().lock(), "{shown}")?;
        Ok(event.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stderr().flush()
    }
}
