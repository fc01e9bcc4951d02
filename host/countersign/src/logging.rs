//! The program's log on stderr, controlled by `COUNTERSIGN_LOG`; that of a host by its configuration too.

use std::fmt::Display;
use std::io::{self, Write};

use countersign_configuration::{Log, LogFormat, LogLevel};
use tracing_subscriber::EnvFilter;

use crate::stderr;
use crate::text;

/// The variable with the filter, such as `debug` or `countersign=debug`.
const VARIABLE: &str = "COUNTERSIGN_LOG";

/// Starts the log of a host as its configuration says.
pub(crate) fn start_host(log: &Log) {
    let level = log.level.value.as_str();
    let filter = EnvFilter::try_new(level).unwrap_or_else(|error| {
        stderr::warning(format_args!("{}: expected a level or a filter: {error}", log.level.origin));
        EnvFilter::new(LogLevel::Info.id())
    });
    match log.format.value {
        LogFormat::Text => start_text(filter),
        LogFormat::Json => {
            let logger = tracing_subscriber::fmt()
                .json()
                .flatten_event(true)
                .with_current_span(false)
                .with_span_list(false)
                .with_env_filter(filter)
                .with_writer(io::stderr)
                .log_internal_errors(false);
            // Fails only if a logger is installed already.
            let _ = logger.try_init();
        }
    }
}

/// Tells those who look at a host what it does: as the log is, so that every line of it is of its form.
pub(crate) struct Told(LogFormat);

impl Told {
    pub(crate) fn by(log: &Log) -> Told {
        Told(log.format.value)
    }

    pub(crate) fn note(&self, text: impl Display) {
        match self.0 {
            LogFormat::Text => stderr::note(text),
            LogFormat::Json => tracing::info!("{text}"),
        }
    }

    pub(crate) fn warning(&self, text: impl Display) {
        match self.0 {
            LogFormat::Text => stderr::warning(text),
            LogFormat::Json => tracing::warn!("{text}"),
        }
    }

    pub(crate) fn error(&self, text: impl Display) {
        match self.0 {
            LogFormat::Text => stderr::error(text),
            LogFormat::Json => tracing::error!("{text}"),
        }
    }
}

/// Starts the log of any other command. Without the variable only warnings are logged.
pub(crate) fn start() {
    let wanted = std::env::var(VARIABLE).ok().filter(|wanted| !wanted.is_empty());
    let filter = wanted.as_ref().map(EnvFilter::try_new).unwrap_or_else(|| Ok(EnvFilter::new("warn")));
    let filter = filter.unwrap_or_else(|error| {
        stderr::warning(format_args!("{VARIABLE}: expected a filter such as `debug` or `countersign=debug`: {error}"));
        EnvFilter::new("warn")
    });
    start_text(filter);
}

fn start_text(filter: EnvFilter) {
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
