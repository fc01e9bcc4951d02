//! The host's key: with it the host signs its audit log. It is made at the first start, in the state folder, and its public
//! half is written beside it.

use std::path::{Path, PathBuf};

use countersign_model::{SignedNote, Timestamp};
use countersign_private::FileError;
use countersign_signing::{KeyFileError, PublicKey, SecretKey};
use countersign_store::{LogKeeper, SqliteStore};

use crate::checkpoints::{Growing, KeepError, Says};
use crate::notes;
use crate::remembered::Remembered;

/// The key's file in the state folder.
const KEY: &str = "host.key";

/// Its public half's.
const PUBLIC: &str = "host.pub";

/// Maximum bytes of that.
const MAX_PUBLIC: u64 = 256;

/// What it means that a log isn't signed by the key that signed it last, and what to do.
const UNSIGNED: &str = "The host records and judges as ever, but its audit log isn't signed from here on: what comes now \
     can't be proved, and nothing of the log is dropped. Put the key back, such as from a backup with it, and start the host \
     again. If it is lost, or the change is meant, stop the host and run `countersign audit rekey`: a new key signs then, all \
     that is unsigned too, and whoever verifies with the old key needs both, `audit verify --key OLD --key NEW`";

/// Why a key can't be used.
#[derive(Debug, thiserror::Error)]
pub enum HostKeyError {
    /// Its file.
    #[error("can't use the host's key `{}`: {source}", countersign_text::path(path))]
    File {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: KeyFileError,
    },
    /// Another file.
    #[error(transparent)]
    Other(#[from] FileError),
    /// The store, or a checkpoint in it.
    #[error(transparent)]
    Keep(#[from] KeepError),
    /// There is nothing to replace.
    #[error(
        "expected a log that a key has signed, got one without checkpoints: the next `countersign run` makes a key"
    )]
    NothingSigned,
    /// A file is in the way.
    #[error("expected nothing at `{}`, got an earlier key: move it to where you keep it", countersign_text::path(.0))]
    InTheWay(PathBuf),
}

/// The host's key as it is at a start.
#[derive(Debug)]
pub(crate) struct HostKey {
    /// The key; none if the log can't be signed with it.
    pub(crate) key: Option<SecretKey>,
    /// Why it can't, with what to do.
    pub(crate) problem: Option<String>,
    /// Whether somebody else has had a hand in it: the log isn't as it was signed.
    pub(crate) not_as_signed: bool,
}

/// The file of the key of a state folder.
#[must_use]
pub fn key_of(state: &Path) -> PathBuf {
    state.join(KEY)
}

/// The file of its public half.
#[must_use]
pub fn public_key_of(state: &Path) -> PathBuf {
    state.join(PUBLIC)
}

impl HostKey {
    /// The key for a store as it is, with what the recorder knows of how far it was signed. A checkpoint in it that isn't one keeps no host from serving either.
    ///
    /// # Errors
    /// As for [`HostKey::open`], or when the store can't be read.
    pub(crate) fn for_store(state: &Path, store: &Path, noted: Option<&SignedNote>) -> Result<HostKey, HostKeyError> {
        let reader = SqliteStore::read(store).map_err(KeepError::Store)?;
        match Growing::read(&reader) {
            // Where checkpoints were taken away no new key is made.
            Ok(growing) => {
                let mut key = HostKey::open(state, growing.key().or_else(|| noted?.key.parse().ok()))?;
                if let Some(error) = growing.lacks(noted).filter(|_| key.key.is_none()) {
                    (key.problem, key.not_as_signed) = (Some(error.to_string()), true);
                }
                Ok(key)
            }
            Err(error @ (KeepError::Checkpoint { .. } | KeepError::NotAsSigned { .. })) => {
                Ok(HostKey { key: None, problem: Some(error.to_string()), not_as_signed: true })
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Reads the key, or makes one where nothing was signed yet. `signed` is the key that signed last. A key that is lost or
    /// another is no reason not to serve: then nothing is signed.
    ///
    /// # Errors
    /// When there is a file that can't be used, such as one that others may read.
    pub(crate) fn open(state: &Path, signed: Option<PublicKey>) -> Result<HostKey, HostKeyError> {
        let path = key_of(state);
        let key = read(&path)?;
        let shown = countersign_text::path(&path);
        let problem = match (&key, signed) {
            (Some(key), Some(signed)) if key.public() != signed => Some(format!(
                "expected the key `{signed}`, which signed the audit log last, in `{shown}`, got `{}`",
                key.public()
            )),
            (None, Some(signed)) => {
                Some(format!("expected the key `{signed}`, which signed the audit log last, in `{shown}`, got none"))
            }
            _ => None,
        };
        if let Some(problem) = problem {
            return Ok(HostKey { key: None, problem: Some(format!("{problem}. {UNSIGNED}")), not_as_signed: false });
        }
        let key = match key {
            Some(key) => key,
            None => make(&path)?,
        };
        write_public(state, &key.public())?;
        Ok(HostKey { key: Some(key), problem: None, not_as_signed: false })
    }
}

/// Has another key sign from here on, which is on record: the one that is in the file, if it is another already, else a new
/// one. The one before stays beside it as `host.key.old`, and vouches for the new one if it is there, or is given as `old`.
/// No host may run on the state folder.
///
/// # Errors
/// When a file can't be used, or nothing was signed yet.
pub fn rekey(state: &Path, old: Option<&Path>, now: Timestamp) -> Result<PublicKey, HostKeyError> {
    let store = crate::store_of(state);
    let epoch = SqliteStore::open(&store).map_err(KeepError::Store)?.epoch();
    let keeper = LogKeeper::open(&store, epoch).map_err(KeepError::Store)?;
    let growing = Growing::read(keeper.reader())?;
    let signed = growing.key().ok_or(HostKeyError::NothingSigned)?;
    let (path, next) = (key_of(state), state.join("host.key.new"));
    let kept = state.join("host.key.old");
    let present = read(&path)?;
    let given = old.map(|old| SecretKey::read(old).map_err(of(old))).transpose()?;
    let is_signed = |key: &SecretKey| key.public() == signed;
    // One that an earlier attempt left behind.
    let left = read(&next)?;
    let moves = || {
        if path.exists() {
            if kept.exists() {
                return Err(HostKeyError::InTheWay(kept.clone()));
            }
            std::fs::rename(&path, &kept).map_err(FileError::of("rename", &path))?;
        }
        Ok(std::fs::rename(&next, &path).map_err(FileError::of("rename", &next))?)
    };
    // It was interrupted after the change was on record.
    if left.as_ref().is_some_and(is_signed) {
        moves()?;
        write_public(state, &signed)?;
        return Ok(signed);
    }
    let noted = notes::signed_of(state);
    growing.check(keeper.reader(), (Remembered::beside(&store)?.last.as_ref(), noted.as_ref()), None)?;
    let (key, moved, before) = match present {
        Some(other) if !is_signed(&other) => (other, false, given.filter(is_signed)),
        present => {
            if present.is_some() && kept.exists() {
                return Err(HostKeyError::InTheWay(kept));
            }
            let key = match left {
                Some(key) => key,
                None => make(&next)?,
            };
            (key, true, present.or(given.filter(is_signed)))
        }
    };
    if !is_signed(&key) {
        let says = Says { ends: true, replaces: Some(signed), ..Says::default() };
        let checkpoint = growing.sign(keeper.reader(), says, now, (&key, before.as_ref()), &mut || {})?;
        keeper.put(&checkpoint).map_err(KeepError::Store)?;
    }
    if moved {
        moves()?;
    }
    write_public(state, &key.public())?;
    Ok(key.public())
}

/// Reads a key's file; none if there is none.
pub(crate) fn read(path: &Path) -> Result<Option<SecretKey>, HostKeyError> {
    match SecretKey::read(path) {
        Ok(key) => Ok(Some(key)),
        Err(KeyFileError::Io(error)) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(of(path)(source)),
    }
}

fn make(path: &Path) -> Result<SecretKey, HostKeyError> {
    let key = SecretKey::generate().map_err(|error| of(path)(KeyFileError::Io(error)))?;
    key.create(path).map_err(of(path))?;
    Ok(key)
}

/// Writes the public half, unless it is there.
fn write_public(state: &Path, key: &PublicKey) -> Result<(), HostKeyError> {
    let path = public_key_of(state);
    let text = format!("{key}\n");
    let is_there = countersign_document::read_capped(&path, MAX_PUBLIC)
        .is_ok_and(|bytes| bytes.is_some_and(|bytes| bytes == text.as_bytes()));
    if !is_there {
        countersign_private::replace(&path, text.as_bytes()).map_err(FileError::of("write", &path))?;
    }
    Ok(())
}

fn of(path: &Path) -> impl FnOnce(KeyFileError) -> HostKeyError + use<> {
    let path = path.to_owned();
    move |source| HostKeyError::File { path, source }
}

#[cfg(test)]
#[path = "../tests/unit/host_key.rs"]
mod tests;
