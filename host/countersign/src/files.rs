//! Files named on the command line: read whole, up to a limit, with errors that say what to do.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use anyhow::Result;
use countersign_daemon::components;
use countersign_declaration::{Ceilings, Refusal, RefusalCode};
use countersign_intake::max_rule;
use countersign_model::DigestKey;

use crate::exit::unusable;
use crate::text;

/// The most bytes of a key file.
const MAX_KEY_BYTES: u64 = 1 << 20;

/// Reads a file of at most `max` bytes.
///
/// # Errors
/// When it can't be read or is larger: `Unusable`.
pub(crate) fn read(path: &Path, max: u64) -> Result<Vec<u8>> {
    match read_capped(path, max)? {
        Some(bytes) => Ok(bytes),
        None => Err(unusable(format_args!("`{}`: expected at most {max} bytes, got more", text::path(&path)))),
    }
}

/// Reads a text file of at most `max` bytes.
///
/// # Errors
/// When it can't be read, is larger, or isn't UTF-8: `Unusable`.
pub(crate) fn read_text(path: &Path, max: u64) -> Result<String> {
    String::from_utf8(read(path, max)?).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        unusable(format_args!("`{}`: expected UTF-8 text, got something else from byte {at} on", text::path(&path)))
    })
}

/// Reads a rule's component. One that is larger than these ceilings admit isn't read: the result is its refusal.
///
/// # Errors
/// When it can't be read: `Unusable`.
pub(crate) fn read_rule(path: &Path, ceilings: &Ceilings) -> Result<Result<Vec<u8>, Refusal>> {
    let max = max_rule(ceilings);
    Ok(read_capped(path, max)?.ok_or_else(|| {
        Refusal::new(RefusalCode::WasmTooLarge, "file", format!("at most {max} bytes"), "more".to_owned())
    }))
}

fn read_capped(path: &Path, max: u64) -> Result<Option<Vec<u8>>> {
    countersign_document::read_capped(path, max).map_err(|error| unreadable(path, &error))
}

/// A path without a rule file.
pub(crate) struct RuleFileError {
    /// The path.
    pub(crate) path: PathBuf,
    /// Why there is none: `Unusable`.
    pub(crate) error: anyhow::Error,
}

/// The rule files at paths: a file itself, or every `*.wasm` of a folder, by name. A folder that can't be read or has
/// none gives an error.
pub(crate) fn rule_files(paths: &[PathBuf]) -> Vec<Result<PathBuf, RuleFileError>> {
    let mut files = Vec::new();
    for path in paths {
        if !path.is_dir() {
            files.push(Ok(path.clone()));
            continue;
        }
        let none = |error| Err(RuleFileError { path: path.clone(), error });
        match components(path) {
            Err(error) => files.push(none(unreadable(path, &error))),
            Ok(found) if found.is_empty() => {
                let expected = "expected at least one `.wasm` file, got none; `countersign rule build` makes them";
                files.push(none(unusable(format_args!("`{}`: {expected}", text::path(&path)))));
            }
            Ok(found) => files.extend(found.into_iter().map(Ok)),
        }
    }
    files
}

/// The key of an audit file's digests: the bytes of a key file, or the documented public key.
///
/// # Errors
/// When the file can't be read or is too short: `Unusable`.
pub(crate) fn audit_key(path: Option<&Path>) -> Result<DigestKey> {
    let Some(path) = path else { return Ok(DigestKey::public()) };
    let bytes = read(path, MAX_KEY_BYTES)?;
    DigestKey::private(&bytes).ok_or_else(|| {
        unusable(format_args!(
            "`{}`: expected a key of at least {} bytes, got {}; `openssl rand -out FILE 32` makes one",
            text::path(&path),
            DigestKey::MIN_BYTES,
            bytes.len()
        ))
    })
}

/// Opens one of this process's own streams or a device for writing.
///
/// # Errors
/// When it can't be opened.
pub(crate) fn write_to_stream(path: &Path) -> std::io::Result<File> {
    fs::OpenOptions::new().append(true).open(path)
}

/// Makes a file that isn't private, such as one of generated telemetry.
///
/// # Errors
/// When it can't be made.
pub(crate) fn create_public(path: &Path) -> std::io::Result<File> {
    File::create(path)
}

/// Makes a folder for files that aren't private, with those above it.
///
/// # Errors
/// When it can't be made.
pub(crate) fn make_public_folder(path: &Path) -> std::io::Result<()> {
    fs::create_dir_all(path)
}

/// Writes all of a component's file or none of it.
///
/// # Errors
/// When it can't be written.
pub(crate) fn write_whole(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let part = path.with_extension("wasm.part");
    fs::write(&part, bytes)?;
    fs::rename(&part, path)
}

/// A file that can't be read.
pub(crate) fn unreadable(path: &Path, error: &std::io::Error) -> anyhow::Error {
    unusable(format_args!("can't read `{}`: {error}", text::path(&path)))
}
