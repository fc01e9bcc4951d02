//! The options of commands that serve or look by a configuration, and how its file is read.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use anyhow::Result;
use clap::Args;
use countersign_api::Client;
use countersign_configuration::{Configuration, Judge, LogFormat, LogLevel, MAX_BYTES, Overrides, Written};
use countersign_document::FileDiagnostics;
use countersign_session::SessionOptions;

use crate::exit::unusable;
use crate::files;
use crate::text;

// The crate of the configuration doesn't know sessions; what holds without a file is theirs.
const _: () = assert!(Judge::BATCH as usize == SessionOptions::BATCH && Judge::MAX_GAP == SessionOptions::MAX_GAP);

/// The options that say by what is served: a file, and what wins over it.
#[derive(Debug, Args)]
#[command(next_help_heading = "Configuration")]
pub(crate) struct ConfigurationArguments {
    /// The configuration, as `countersign init` writes one [default: none, and every value's default]
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// The folder of what the host keeps, in place of the file's `state`
    #[arg(long, value_name = "DIR")]
    state: Option<PathBuf>,
    /// The API's socket on this machine, in place of the file's `api.socket`
    #[arg(long, value_name = "PATH")]
    socket: Option<PathBuf>,
    /// The API's address for others, in place of the file's `api.listen`
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<SocketAddr>,
    /// The form of the log, in place of the file's `log.format`: text or json
    #[arg(long, value_name = "FORMAT")]
    log_format: Option<LogFormat>,
    /// What is logged, in place of the file's `log.level`: error, warn, info, debug or trace
    #[arg(long, value_name = "LEVEL")]
    log_level: Option<LogLevel>,
}

impl ConfigurationArguments {
    /// Those of a command that only looks for the host's files.
    pub(crate) fn of(config: Option<PathBuf>, state: Option<PathBuf>) -> ConfigurationArguments {
        ConfigurationArguments { config, state, socket: None, listen: None, log_format: None, log_level: None }
    }

    /// The file, if one is named.
    pub(crate) fn file(&self) -> Option<&Path> {
        self.config.as_deref()
    }

    /// Whether it is said where the host keeps its files.
    pub(crate) fn names_a_state(&self) -> bool {
        self.config.is_some() || self.state.is_some()
    }

    /// A client of the host that has this configuration.
    ///
    /// # Errors
    /// As for [`ConfigurationArguments::read`].
    pub(crate) fn client(&self) -> Result<Client> {
        Ok(Client::new(&self.read()?.api.socket.value))
    }

    /// Reads the configuration.
    ///
    /// # Errors
    /// With every fault of it: `Unusable`.
    pub(crate) fn read(&self) -> Result<Configuration> {
        match self.read_all()? {
            (configuration, faults) if faults.is_empty() => Ok(configuration),
            (_, faults) => Err(unusable(faults.join("\n  "))),
        }
    }

    /// The same, for a command that looks further: what has no fault, with a line for each fault.
    ///
    /// # Errors
    /// When the file can't be read: `Unusable`.
    pub(crate) fn read_all(&self) -> Result<(Configuration, Vec<String>)> {
        let overrides = Overrides {
            state: self.state.clone(),
            socket: self.socket.clone(),
            listen: self.listen,
            log_format: self.log_format,
            log_level: self.log_level,
        };
        let file = match &self.config {
            Some(path) => Some((text::path(path).to_string(), path, files::read_text(path, MAX_BYTES as u64)?)),
            None => None,
        };
        let written = file.as_ref().map(|(name, path, text)| Written {
            name,
            folder: path.parent().unwrap_or(Path::new("")),
            text,
        });
        let (configuration, diagnostics) =
            Configuration::read_all(written, &overrides, &|variable| std::env::var_os(variable));
        let file = written.map_or("the command line", |written| written.name).to_owned();
        Ok((configuration, FileDiagnostics { file, diagnostics }.lines().collect()))
    }
}
