//! The options by which a command takes what a host has recorded, in place of files.

use std::path::PathBuf;
use std::time::SystemTime;

use anyhow::Result;
use clap::{ArgGroup, Args};
use countersign_configuration::Configuration;
use countersign_daemon::{Since, recorder_of};
use countersign_model::Timestamp;
use countersign_model::time::parse_duration;

use crate::configuration::ConfigurationArguments;

/// The group of options that take what a host has recorded.
pub(crate) const HOST: &str = "host";

/// Which recorder is read, and from where on.
#[derive(Debug, Args)]
#[command(group = ArgGroup::new(HOST).multiple(true), next_help_heading = "What a host has recorded")]
pub(crate) struct RecordedArguments {
    /// Take what a host has recorded in place of files, in the host's order
    #[arg(long, group = HOST)]
    recorded: bool,
    /// The host's configuration
    #[arg(long, value_name = "FILE", requires = HOST)]
    config: Option<PathBuf>,
    /// The folder of what the host keeps, in place of the configuration's `state`
    #[arg(long, value_name = "DIR", requires = HOST)]
    state: Option<PathBuf>,
    /// Begin with what arrived at this time or later, such as `2026-03-02T09:00:00Z`, or so long ago, such as `24h`
    #[arg(long, value_name = "TIME", requires = HOST, value_parser = parse_since)]
    since: Option<Timestamp>,
}

impl RecordedArguments {
    /// Whether a recorder is to be read.
    pub(crate) fn is_meant(&self) -> bool {
        self.recorded
    }

    /// The host's configuration.
    ///
    /// # Errors
    /// With every fault of it: `Unusable`.
    pub(crate) fn configuration(&self) -> Result<Configuration> {
        ConfigurationArguments::of(self.config.clone(), self.state.clone()).read()
    }

    /// Where its recorder is.
    pub(crate) fn recorder(configuration: &Configuration) -> PathBuf {
        recorder_of(&configuration.state.value)
    }

    /// Where reading begins, and where that isn't said.
    pub(crate) fn since_or(&self, otherwise: Since) -> Since {
        self.since.map_or(otherwise, Since::Time)
    }
}

/// A time, or a duration before now.
pub(crate) fn parse_since(text: &str) -> Result<Timestamp, String> {
    if let Ok(time) = text.parse() {
        return Ok(time);
    }
    let ago = parse_duration(text).map_err(|_| {
        format!("expected a time such as `2026-03-02T09:00:00Z` or a duration such as `24h`, got `{text}`")
    })?;
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let now = i64::try_from(now.as_micros()).unwrap_or(i64::MAX);
    Ok(Timestamp(now).plus_micros(ago.saturating_neg()))
}
