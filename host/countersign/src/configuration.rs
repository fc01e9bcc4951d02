//! The options of commands that serve or look by a configuration, and how its file is read.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use anyhow::Result;
use clap::Args;
use countersign_api::{Client, ClientError};
use countersign_configuration::{Configuration, Judge, LogFormat, LogLevel, MAX_BYTES, Overrides, Written};
use countersign_document::{Diagnostic, FileDiagnostics};
use countersign_session::SessionOptions;

use crate::exit::unusable;
use crate::files;
use crate::hint::{complete, shell_word};
use crate::stderr;
use crate::text;

// The crate of the configuration doesn't know sessions; what holds without a file is theirs.
const _: () = assert!(Judge::BATCH as usize == SessionOptions::BATCH && Judge::MAX_GAP == SessionOptions::MAX_GAP);

/// The options that say by what is served: a file, and what wins over it.
#[derive(Clone, Debug, Args)]
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

    /// The options that name the host, as a shell takes them, each with a space before it.
    fn options(&self) -> String {
        let named = [("--config", &self.config), ("--state", &self.state), ("--socket", &self.socket)];
        let mut options = String::new();
        for (option, path) in named {
            if let Some(path) = path {
                options.push_str(&format!(" {option} {}", shell_word(&text::path(path).to_string())));
            }
        }
        if !self.names_a_state() {
            // What holds without them.
            options.push_str(" --state state");
        }
        options
    }

    /// A command for the same host, as a shell takes it.
    pub(crate) fn command(&self, words: &str) -> String {
        format!("countersign {words}{}", self.options())
    }

    /// A text whose commands, between backticks, are for the same host.
    pub(crate) fn complete(&self, text: &str) -> String {
        complete(text, &self.options())
    }

    /// The error of a command that found no host: `Unusable`; or which the host refused: exit code 1 where the reason is the
    /// request's own.
    pub(crate) fn refused(&self, error: &ClientError) -> anyhow::Error {
        let why = self.complete(&error.to_string());
        match error {
            ClientError::Refused { status: 400..500, .. } => anyhow::anyhow!(why),
            ClientError::NoHost(_) if !self.names_a_state() => {
                unusable(format_args!("{why}, or name another one with `--config FILE` or `--state DIR`"))
            }
            _ => unusable(why),
        }
    }

    /// A client of the host that has this configuration.
    ///
    /// # Errors
    /// As for [`ConfigurationArguments::find`].
    pub(crate) fn client(&self) -> Result<Client> {
        Ok(Client::new(&self.find()?.api.socket.value))
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

    /// The same, for a command that finds its host by it. A fault that says nothing of where the host is keeps nobody from a
    /// host that runs, and is told.
    ///
    /// # Errors
    /// With every fault, if one of them may say where the host is: `Unusable`.
    pub(crate) fn find(&self) -> Result<Configuration> {
        let (configuration, file, diagnostics) = self.read_diagnostics()?;
        let is_elsewhere = |place: &str| place.contains('.') && place != "api.socket";
        if diagnostics.iter().all(|fault| is_elsewhere(&fault.place)) {
            if !diagnostics.is_empty() {
                let (faults, check) = (text::count(diagnostics.len() as u64, "fault"), self.command("config check"));
                stderr::warning(format_args!("`{}` has {faults}: {check}", text::line(&file)));
            }
            return Ok(configuration);
        }
        Err(unusable(FileDiagnostics { file, diagnostics }.lines().collect::<Vec<_>>().join("\n  ")))
    }

    /// The same, for a command that looks further: what has no fault, with a line for each fault.
    ///
    /// # Errors
    /// When the file can't be read: `Unusable`.
    pub(crate) fn read_all(&self) -> Result<(Configuration, Vec<String>)> {
        let (configuration, file, diagnostics) = self.read_diagnostics()?;
        Ok((configuration, FileDiagnostics { file, diagnostics }.lines().collect()))
    }

    fn read_diagnostics(&self) -> Result<(Configuration, String, Vec<Diagnostic>)> {
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
        Ok((configuration, written.map_or("the command line", |written| written.name).to_owned(), diagnostics))
    }
}
