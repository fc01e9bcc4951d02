//! Files that the command line names: read whole, within a cap, and with an error that says what to do.

use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};

use anyhow::Result;
use countersign_declaration::{Ceilings, Refusal, RefusalCode};
use countersign_model::DigestKey;

use crate::exit::unusable;

/// The most bytes of a key file.
const MAX_KEY_BYTES: u64 = 1 << 20;

/// Reads a file of at most so many bytes.
///
/// # Errors
/// When it can't be read or is larger: `Unusable`.
pub(crate) fn read(path: &Path, most: u64) -> Result<Vec<u8>> {
    match read_capped(path, most)? {
        Some(bytes) => Ok(bytes),
        None => Err(unusable(format_args!("`{}`: expected at most {most} bytes, got more", path.display()))),
    }
}

/// Reads a text file of at most so many bytes.
///
/// # Errors
/// When it can't be read, is larger, or isn't UTF-8: `Unusable`.
pub(crate) fn read_text(path: &Path, most: u64) -> Result<String> {
    String::from_utf8(read(path, most)?).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        unusable(format_args!("`{}`: expected UTF-8 text, got something else from byte {at} on", path.display()))
    })
}

/// Reads a rule's component. One that is larger than anything these ceilings admit comes back as the refusal that it
/// is, without being read.
///
/// # Errors
/// When it can't be read: `Unusable`.
pub(crate) fn read_rule(path: &Path, ceilings: &Ceilings) -> Result<Result<Vec<u8>, Refusal>> {
    let most = [ceilings.component_bytes, ceilings.declaration_bytes, ceilings.data_bytes]
        .into_iter()
        // What frames the sections.
        .fold(1 << 20, |sum: u64, bytes| sum.saturating_add(bytes as u64));
    Ok(read_capped(path, most)?.ok_or_else(|| {
        Refusal::new(RefusalCode::WasmTooLarge, "file", format!("at most {most} bytes"), "more".to_owned())
    }))
}

fn read_capped(path: &Path, most: u64) -> Result<Option<Vec<u8>>> {
    let read = || {
        let file = File::open(path)?;
        let mut bytes = Vec::new();
        // One byte beyond the cap tells that there are more.
        #[expect(clippy::disallowed_methods, reason = "capped by the line itself")]
        file.take(most.saturating_add(1)).read_to_end(&mut bytes)?;
        Ok(bytes)
    };
    let bytes = read().map_err(|error| unreadable(path, &error))?;
    Ok((bytes.len() as u64 <= most).then_some(bytes))
}

/// A path that names no rule file.
pub(crate) struct NoFile {
    /// The path.
    pub(crate) path: PathBuf,
    /// Why: `Unusable`.
    pub(crate) error: anyhow::Error,
}

/// The rule files that paths name: a file itself, of a folder every `*.wasm`, by name. For a folder that can't be read
/// or has none, why.
pub(crate) fn rule_files(paths: &[PathBuf]) -> Vec<Result<PathBuf, NoFile>> {
    let mut files = Vec::new();
    for path in paths {
        if !path.is_dir() {
            files.push(Ok(path.clone()));
            continue;
        }
        let none = |error| Err(NoFile { path: path.clone(), error });
        match wasm_files(path) {
            Err(error) => files.push(none(unreadable(path, &error))),
            Ok(found) if found.is_empty() => {
                let expected = "expected at least one `.wasm` file, got none; `countersign rule build` makes them";
                files.push(none(unusable(format_args!("`{}`: {expected}", path.display()))));
            }
            Ok(found) => files.extend(found.into_iter().map(Ok)),
        }
    }
    files
}

fn wasm_files(folder: &Path) -> std::io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "wasm") && path.is_file() {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

/// The key of an audit file's digests: the file's bytes as they are, or the documented one.
///
/// # Errors
/// When the file can't be read or is too short: `Unusable`.
pub(crate) fn audit_key(path: Option<&Path>) -> Result<DigestKey> {
    let Some(path) = path else { return Ok(DigestKey::public()) };
    let bytes = read(path, MAX_KEY_BYTES)?;
    DigestKey::private(&bytes).ok_or_else(|| {
        unusable(format_args!(
            "`{}`: expected a key of at least {} bytes, got {}; `openssl rand -out FILE 32` makes one",
            path.display(),
            DigestKey::MIN_BYTES,
            bytes.len()
        ))
    })
}

/// A file that can't be read.
pub(crate) fn unreadable(path: &Path, error: &std::io::Error) -> anyhow::Error {
    unusable(format_args!("can't read `{}`: {error}", path.display()))
}
