//! What wins over the file: options of the command line, and variables of the environment.

use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::PathBuf;

use crate::configuration::{LogFormat, LogLevel};

/// A variable of the environment by its name: [`std::env::var_os`], but in tests. An empty one counts as none.
pub type Environment<'e> = &'e dyn Fn(&str) -> Option<OsString>;

/// The variable with the key of digests.
pub(crate) const AUDIT_KEY: &str = "COUNTERSIGN_AUDIT_KEY";

/// The variable with the key of the certificate.
pub(crate) const TLS_KEY: &str = "COUNTERSIGN_TLS_KEY";

/// The variable with what is logged.
pub(crate) const LOG: &str = "COUNTERSIGN_LOG";

/// Options of the command line that win over the file. Paths are relative to the current folder.
#[derive(Clone, Debug, Default)]
pub struct Overrides {
    /// `--state`: the folder of what the host keeps.
    pub state: Option<PathBuf>,
    /// `--socket`: where the API listens on this machine.
    pub socket: Option<PathBuf>,
    /// `--listen`: where it listens for others, too.
    pub listen: Option<SocketAddr>,
    /// `--log-format`.
    pub log_format: Option<LogFormat>,
    /// `--log-level`.
    pub log_level: Option<LogLevel>,
}
