//! What the program says about itself on stderr, when asked: `COUNTERSIGN_LOG`.

use std::io::IsTerminal;

use tracing_subscriber::EnvFilter;

use crate::say;

/// The variable that says what is logged, such as `debug` or `countersign=debug`.
const VARIABLE: &str = "COUNTERSIGN_LOG";

/// Starts logging. Without the variable only warnings are told.
pub(crate) fn start() {
    let asked = std::env::var(VARIABLE).ok().filter(|asked| !asked.is_empty());
    let filter = asked.as_ref().map(EnvFilter::try_new).unwrap_or_else(|| Ok(EnvFilter::new("warn")));
    let filter = filter.unwrap_or_else(|error| {
        say::warning(format_args!("{VARIABLE}: expected a filter such as `debug` or `countersign=debug`: {error}"));
        EnvFilter::new("warn")
    });
    let colour = std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
    let logger = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(colour)
        // Told on stderr, which is what failed then.
        .log_internal_errors(false)
        .without_time();
    // A second start would be refused; there is only this one.
    let _ = logger.try_init();
}
