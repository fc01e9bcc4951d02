//! Audit files and stores that the command line names: how they are opened, and what their errors mean for a command.

use std::path::Path;

use anyhow::Result;
use countersign_audit::{ReadError, Record, read};
use countersign_store::{AuditLog, DatabaseError, FileError, SqliteReader, SqliteStore, StoreError};

use crate::exit::unusable;
use crate::files::unreadable;
use crate::text;

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

/// An error of opening what is at a path: `Unusable`, but for a damaged store.
pub(crate) fn opening_error(path: &Path, error: StoreError) -> anyhow::Error {
    match error {
        StoreError::File(FileError::Io { source, .. }) => unreadable(path, &source),
        error => store_error(error),
    }
}

/// An error of storage: that of a file that this command can't use is `Unusable`.
pub(crate) fn store_error(error: StoreError) -> anyhow::Error {
    match error {
        StoreError::NotAnAuditFile(_)
        | StoreError::File(FileError::NotRegular { .. })
        | StoreError::NotOnlyBlobs { .. }
        | StoreError::Exists { .. }
        | StoreError::Unrecognised(_)
        | StoreError::Database(
            DatabaseError::OtherKind { .. } | DatabaseError::NewerSchema { .. } | DatabaseError::OlderSchema { .. },
        ) => unusable(error),
        error => error.into(),
    }
}

/// Calls `each` with every record of a log and its number, as long as it returns true. Each is checked against those
/// before it.
///
/// # Errors
/// When the log can't be read, a record isn't as it was written, or `each` fails.
pub(crate) fn for_each_record(
    log: &AuditLog,
    lines: impl std::io::BufRead,
    mut each: impl FnMut(u64, Record) -> Result<bool>,
) -> Result<()> {
    let path = text::path(log.path());
    for entry in read(lines) {
        let entry = match entry {
            Ok(entry) => entry,
            Err(ReadError::Unreadable(error)) => match error.downcast() {
                Ok(error) => return Err(store_error(error)),
                Err(error) => return Err(unreadable(log.path(), &error)),
            },
            Err(ReadError::Fault(fault)) => {
                anyhow::bail!("`{path}` isn't as it was written: {fault}; `countersign audit verify {path}` says more");
            }
        };
        if !each(entry.line.saturating_sub(1), entry.record)? {
            return Ok(());
        }
    }
    Ok(())
}
