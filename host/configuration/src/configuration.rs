//! What there is to configure, as types.

use std::net::SocketAddr;
use std::path::PathBuf;

use countersign_context::FileTable;
use countersign_document::{Diagnostic, FileDiagnostics};
use countersign_model::DigestKey;
use countersign_model::vocabulary::text_ids;

use crate::origin::Setting;
use crate::overrides::{Environment, Overrides};
use crate::read::{self, Written};
use crate::secret::{Secret, SecretError};

/// Maximum bytes of the file.
pub const MAX_BYTES: usize = 1 << 20;

/// The most rows per call of a rule: more bring no benefit.
pub const MAX_BATCH: u32 = 65_536;

/// The most threads that run rules: more bring no benefit.
pub const MAX_WORKERS: u32 = 64;

/// Maximum bytes of a key of digests.
const MAX_AUDIT_KEY: u64 = 1 << 20;

text_ids! {
    /// What happens with a change of the files that widens nothing. One that does always waits for a person.
    pub enum Change {
        /// It is applied once it has passed trial and shadow.
        Automatic = "automatic",
        /// It waits for a person.
        Approval = "approval",
        /// It isn't applied.
        Refused = "refused",
    }
}

text_ids! {
    /// The form of the log.
    pub enum LogFormat {
        /// Lines for people.
        Text = "text",
        /// An object a line.
        Json = "json",
    }
}

text_ids! {
    /// What is logged: this and all that is graver.
    pub enum LogLevel {
        /// What failed.
        Error = "error",
        /// What needs attention.
        Warn = "warn",
        /// What happened.
        Info = "info",
        /// How it happened.
        Debug = "debug",
        /// Every step.
        Trace = "trace",
    }
}

/// What `countersign run` serves by.
#[derive(Clone, Debug)]
pub struct Configuration {
    /// `state`: the folder of what the host keeps.
    pub state: Setting<PathBuf>,
    /// `[files]`.
    pub files: Files,
    /// `[recorder]`.
    pub recorder: Recorder,
    /// `[judge]`.
    pub judge: Judge,
    /// `[sources]`.
    pub sources: Sources,
    /// `[audit]`.
    pub audit: Audit,
    /// `[api]`.
    pub api: Api,
    /// `[reload]`.
    pub reload: Reload,
    /// `[log]`.
    pub log: Log,
}

/// `[files]`: what a generation is made of. None is what ships, or nothing.
#[derive(Clone, Debug)]
pub struct Files {
    /// Components, and folders of them.
    pub rules: Setting<Vec<PathBuf>>,
    /// Whether the shipped rules run.
    pub shipped_rules: Setting<bool>,
    /// Whose rules are believed.
    pub trust: Setting<Option<PathBuf>>,
    /// Which actions are allowed.
    pub policy: Setting<Option<PathBuf>>,
    /// The directory of identities.
    pub identities: Setting<Option<PathBuf>>,
    /// The sources of telemetry.
    pub sources: Setting<Option<PathBuf>>,
    /// The capability tables.
    pub capabilities: Setting<Option<PathBuf>>,
    /// The files of each context table, in the order of [`FILE_TABLES`](countersign_context::FILE_TABLES); at most one
    /// unless the table is repeatable.
    pub context: Vec<(&'static FileTable, Setting<Vec<PathBuf>>)>,
}

/// `[recorder]`: how much of the past is kept.
#[derive(Clone, Debug)]
pub struct Recorder {
    /// Maximum bytes of the recorder, 64 MiB to 16 TiB.
    pub max_bytes: Setting<u64>,
    /// How long what is judged is kept, microseconds, an hour to 400 days.
    pub keep: Setting<i64>,
}

/// `[judge]`: how rules are run.
#[derive(Clone, Debug)]
pub struct Judge {
    /// Threads that run rules, 1 to [`MAX_WORKERS`]; none is the processors, up to 8.
    pub workers: Setting<Option<u32>>,
    /// Maximum rows of a call, 1 to [`MAX_BATCH`].
    pub batch: Setting<u32>,
    /// How far ahead of earlier events an event's time may be, microseconds, a minute to 400 days.
    pub max_gap: Setting<i64>,
    /// The key of digests of content.
    pub audit_key: Setting<Option<Secret>>,
}

/// `[sources]`: from when on a source isn't well, so that what rests on it needs approval.
#[derive(Clone, Debug)]
pub struct Sources {
    /// How long its records may wait to be judged, as far as they are the cause, or known bytes to be read; microseconds, a
    /// minute to a day.
    pub lag: Setting<i64>,
    /// Of what is usual less than so much within an hour is a fall, percent, 1 to 50.
    pub fall: Setting<u8>,
    /// Records an hour that have to be usual before anything is a fall, 1 to 1,000,000.
    pub fall_from: Setting<u32>,
}

/// `[audit]`: how much of the audit log is kept.
#[derive(Clone, Debug)]
pub struct Audit {
    /// How long a segment is kept after its end, microseconds, a day to 400 days; none for ever.
    pub keep: Setting<Option<i64>>,
}

/// `[api]`: where the host is asked.
#[derive(Clone, Debug)]
pub struct Api {
    /// The socket on this machine.
    pub socket: Setting<PathBuf>,
    /// Where others reach it, with TLS; certificate and key go with it.
    pub listen: Setting<Option<SocketAddr>>,
    /// The certificate and those above it, PEM.
    pub certificate: Setting<Option<PathBuf>>,
    /// The certificate's key, PEM.
    pub key: Setting<Option<Secret>>,
}

/// `[reload]`: what happens when files change.
#[derive(Clone, Debug)]
pub struct Reload {
    /// Whether files are watched; else only a person asks for a reload.
    pub watch: Setting<bool>,
    /// Whether a rule with a fault is left out of a generation; else the generation is refused.
    pub partial: Setting<bool>,
    /// How much of the recorded past a candidate is tried on, microseconds, 0 to 90 days.
    pub trial: Setting<i64>,
    /// How long it then runs beside the one that serves, microseconds, 0 to 7 days.
    pub shadow: Setting<i64>,
    /// Changes of rules.
    pub rules: Setting<Change>,
    /// Changes of the policy and the capability tables.
    pub policy: Setting<Change>,
    /// Changes of the directory of identities.
    pub identities: Setting<Change>,
    /// Changes of whose rules are believed.
    pub trust: Setting<Change>,
    /// Changes of the sources.
    pub sources: Setting<Change>,
    /// Changes of the files of context tables.
    pub lookups: Setting<Change>,
}

/// `[log]`: what the host says of itself.
#[derive(Clone, Debug)]
pub struct Log {
    /// The form of its lines.
    pub format: Setting<LogFormat>,
    /// What is logged: the id of a [`LogLevel`]; out of the environment any filter, such as `countersign=debug`.
    pub level: Setting<String>,
}

impl Judge {
    /// The default of `batch`.
    pub const BATCH: u32 = 256;

    /// The default of `max-gap`, microseconds: 24 hours.
    pub const MAX_GAP: i64 = 86_400_000_000;

    /// Reads the key of digests; the documented one where none is named.
    ///
    /// # Errors
    /// When it can't be read or is too short.
    pub fn read_audit_key(&self) -> Result<DigestKey, SecretError> {
        let Some(secret) = &self.audit_key.value else { return Ok(DigestKey::public()) };
        let bytes = secret.read(MAX_AUDIT_KEY)?;
        let (min, got) = (DigestKey::MIN_BYTES, bytes.len());
        DigestKey::private(&bytes).ok_or(SecretError::TooShort { min, got })
    }
}

impl Configuration {
    /// Reads the file, if there is one. Options of the command line win over the environment, that over the file, and
    /// that over the defaults.
    ///
    /// # Errors
    /// Every fault at once.
    pub fn read(
        written: Option<Written<'_>>,
        overrides: &Overrides,
        environment: Environment<'_>,
    ) -> Result<Configuration, FileDiagnostics> {
        let name = written.map_or("the command line", |written| written.name);
        match Configuration::read_all(written, overrides, environment) {
            (configuration, faults) if faults.is_empty() => Ok(configuration),
            (_, diagnostics) => Err(FileDiagnostics { file: name.to_owned(), diagnostics }),
        }
    }

    /// The same, for who wants to look further whatever is wrong: the values that have no fault, with every fault. The
    /// default is in the place of a value that has one.
    #[must_use]
    pub fn read_all(
        written: Option<Written<'_>>,
        overrides: &Overrides,
        environment: Environment<'_>,
    ) -> (Configuration, Vec<Diagnostic>) {
        read::read(written, overrides, environment)
    }
}
