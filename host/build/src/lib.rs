//! Compiles a rule's crate into a component with its sections: `rule.toml` is read, the crate compiled for
//! `wasm32-unknown-unknown` by a cargo of its own, the module turned into a component without imports, and the declaration and
//! data written into it. Shared by the command line and by the build scripts of the shipped rules and of the tests'
//! guests.

mod cargo;
mod environment;
mod find;
mod script;
mod target;

pub use find::find_rules;
pub use script::write_table;
pub use target::ensure_target;

use std::path::{Path, PathBuf};

use countersign_admission::{Admitted, admit, sections};
use countersign_declaration::{Ceilings, Declaration, Refusal, parse_toml};
use countersign_text::{line, path as shown};
use wit_component::ComponentEncoder;

/// The file beside `rule.toml` that becomes the section `countersign-data`, if it is there.
pub const DATA_FILE: &str = "rule.data";

/// The largest `rule.toml`, bytes.
const MAX_RULE_TOML_BYTES: u64 = 1 << 20;

/// The largest data file, bytes.
const MAX_DATA_BYTES: u64 = 4 << 20;

/// Where a build compiles.
#[derive(Clone, Debug)]
pub struct BuildOptions {
    /// The target directory of the guests: not that of a cargo that may be running, which holds its lock.
    pub target_dir: PathBuf,
}

/// A rule that was built, and is admitted under the default ceilings.
#[derive(Debug)]
pub struct BuiltRule {
    /// The component with its sections.
    pub bytes: Vec<u8>,
    /// The admitted rule.
    pub admitted: Admitted,
}

/// The reason why a rule wasn't built.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BuildError {
    /// A file couldn't be read or written.
    #[error("{}: {source}", shown(path))]
    File {
        /// The file.
        path: PathBuf,
        /// The error.
        source: std::io::Error,
    },
    /// A file is larger than it may be.
    #[error("{}: larger than the limit of {max} bytes", shown(path))]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// The limit, bytes.
        max: u64,
    },
    /// No `rule.toml` where one was expected.
    #[error("{}: expected a folder with a `rule.toml`, or a folder of such folders; found none", shown(.0))]
    NoRule(PathBuf),
    /// The WebAssembly target is missing and couldn't be added.
    #[error("{0}")]
    Target(String),
    /// Cargo couldn't be started, or failed.
    #[error("{0}")]
    Cargo(String),
    /// The module couldn't be turned into a component.
    #[error("{}: the compiled module can't be turned into a component: {}", shown(path), line(reason))]
    Component {
        /// The rule's folder.
        path: PathBuf,
        /// The encoder's message.
        reason: String,
    },
    /// `rule.toml` or the component was refused.
    #[error("{}: refused\n{}", shown(path), lines(.refusals))]
    Refused {
        /// The rule's folder.
        path: PathBuf,
        /// All refusals.
        refusals: Vec<Refusal>,
    },
}

fn lines(refusals: &[Refusal]) -> String {
    refusals.iter().map(|refusal| format!("  {}", line(&refusal.to_string()))).collect::<Vec<_>>().join("\n")
}

/// Reads `rule.toml` of a rule's folder.
///
/// # Errors
/// When the file can't be read or is refused; all reasons at once.
pub fn read_declaration(rule: &Path) -> Result<Declaration, BuildError> {
    let path = rule.join("rule.toml");
    let bytes = read(&path, MAX_RULE_TOML_BYTES)?;
    let text = String::from_utf8_lossy(&bytes);
    parse_toml(&text).map_err(|refusals| BuildError::Refused { path, refusals })
}

/// Builds the rule of one folder. That runs code of the folder and of all that it depends on (build scripts, macros), with
/// this user's rights: with an untrusted source take the component. Variables that may hold credentials aren't passed on, and
/// where there is a lock file nothing else than what it names is built.
///
/// # Errors
/// See [`BuildError`]. The WebAssembly target must be installed: call [`ensure_target`] once before.
pub fn build_rule(rule: &Path, options: &BuildOptions) -> Result<BuiltRule, BuildError> {
    let declaration = read_declaration(rule)?;
    let data = match read(&rule.join(DATA_FILE), MAX_DATA_BYTES) {
        Ok(data) => Some(data),
        Err(BuildError::File { source, .. }) if source.kind() == std::io::ErrorKind::NotFound => None,
        Err(error) => return Err(error),
    };
    let module = cargo::compile(rule, &declaration, options)?;
    let component_error =
        |error: &dyn std::fmt::Display| BuildError::Component { path: rule.to_owned(), reason: error.to_string() };
    let component = ComponentEncoder::default()
        .module(&module)
        .and_then(|encoder| encoder.validate(true).encode())
        .map_err(|error| component_error(&format!("{error:#}")))?;
    let refused = |refusals| BuildError::Refused { path: rule.to_owned(), refusals };
    let bytes = sections::attach(&component, &declaration, data.as_deref()).map_err(refused)?;
    let admitted = admit(&bytes, &Ceilings::default()).map_err(refused)?;
    Ok(BuiltRule { bytes, admitted })
}

/// Enters a new rule's crate into the lock file of the workspace that it is a member of: without that nothing builds, since what
/// a lock file doesn't name isn't built. Whether there is one.
///
/// # Errors
/// When cargo can't be run, or refuses.
pub fn enter_into_lock(rule: &Path) -> Result<bool, BuildError> {
    cargo::lock(rule)
}

fn read(path: &Path, max: u64) -> Result<Vec<u8>, BuildError> {
    let error = |source| BuildError::File { path: path.to_owned(), source };
    let file = std::fs::File::open(path).map_err(error)?;
    let mut bytes = Vec::new();
    let mut capped = std::io::Read::take(file, max + 1);
    std::io::copy(&mut capped, &mut bytes).map_err(error)?;
    if bytes.len() as u64 > max {
        return Err(BuildError::TooLarge { path: path.to_owned(), max });
    }
    Ok(bytes)
}
