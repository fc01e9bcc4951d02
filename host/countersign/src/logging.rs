//! What the program says about itself on stderr, when asked: `COUNTERSIGN_LOG`.

use std::io::IsTerminal;

use tracing_subscriber::EnvFilter;

/// The variable that says what is logged, such as `debug` or `countersign_stream=trace`.
pub(crate) const VARIABLE: &str = "COUNTERSIGN_LOG";

/// Starts logging. Without the variable only warnings are told.
pub(crate) fn start() {
    let filter = EnvFilter::try_from_env(VARIABLE).unwrap_or_else(|_| EnvFilter::new("warn"));
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
