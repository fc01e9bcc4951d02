//! Audit files and stores that the command line names: how they are opened, and what their errors mean for a command.

use std::path::Path;

use anyhow::Result;
use countersign_store::{AuditLog, SqliteReader, SqliteStore, StoreError};

use crate::exit::unusable;
use crate::files::unreadable;

/// Opens an audit file or a store for reading.
///
/// # Errors
/// When there is none or it can't be opened: `Unusable`. When it is a damaged store.
pub(crate) fn open_log(path: &Path) -> Result<AuditLog> {
    AuditLog::open(path).map_err(|error| opening_error(path, error))
}

/// Opens a store for reading.
///
/// # Errors
/// As for [`open_log`].
pub(crate) fn open_store(path: &Path) -> Result<SqliteReader> {
    SqliteStore::read(path).map_err(|error| opening_error(path, error))
}

/// Whether a path is that of an audit file or a store, or of a file that is made beside it.
///
/// # Errors
/// When the current directory is unknown.
pub(crate) fn belongs_to(path: &Path, kept: &Path) -> std::io::Result<bool> {
    let path = std::path::absolute(path)?;
    let kept = std::path::absolute(kept)?;
    Ok(["", ".journal", ".journal.part", ".bundles", "-wal", "-shm", "-journal"].iter().any(|ending| {
        let mut name = kept.clone().into_os_string();
        name.push(ending);
        path.starts_with(Path::new(&name))
    }))
}

/// An error of opening what is at a path: `Unusable`, but for a damaged store.
pub(crate) fn opening_error(path: &Path, error: StoreError) -> anyhow::Error {
    match error {
        StoreError::Io { source, .. } => unreadable(path, &source),
        error => store_error(error),
    }
}

/// An error of storage: that of a file that this command can't use is `Unusable`.
pub(crate) fn store_error(error: StoreError) -> anyhow::Error {
    match error {
        StoreError::NotAnAuditFile(_)
        | StoreError::NotOnlyBlobs { .. }
        | StoreError::Exists { .. }
        | StoreError::Unrecognised(_)
        | StoreError::NotAStore(_)
        | StoreError::NewerSchema { .. }
        | StoreError::OlderSchema { .. } => unusable(error),
        error => error.into(),
    }
}
