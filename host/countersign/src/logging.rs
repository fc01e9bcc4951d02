//! The program's log on stderr, controlled by `COUNTERSIGN_LOG`.

use std::io::IsTerminal;

use tracing_subscriber::EnvFilter;

use crate::stderr;

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
    let colour = std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
    let logger = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(colour)
        // They would go to stderr, which has failed.
        .log_internal_errors(false)
        .without_time();
    // Fails only if a logger is installed already.
    let _ = logger.try_init();
}
