//! The tables, and how a file comes to have them. `user_version` counts the steps that were taken.

use std::path::Path;

use rusqlite::{Connection, TransactionBehavior};

use super::{damaged, failed};
use crate::StoreError;

/// Marks a file as a store: `CSGN`.
const APPLICATION_ID: i32 = i32::from_be_bytes(*b"CSGN");

/// The steps, each from the schema before it to its own. A step that was released never changes; a change of any form,
/// also of the JSON in a column, is a new step.
pub(super) const STEPS: &[&str] = &[include_str!("schema/1.sql")];

/// What a file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// A database without content.
    Empty,
    /// A store of this schema.
    Store(u32),
}

fn kind(connection: &Connection, path: &Path) -> Result<Kind, StoreError> {
    let failed = || failed("open", path);
    let id: i32 = connection.pragma_query_value(None, "application_id", |row| row.get(0)).map_err(failed())?;
    let version: i64 = connection.pragma_query_value(None, "user_version", |row| row.get(0)).map_err(failed())?;
    let entries: i64 =
        connection.query_one("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0)).map_err(failed())?;
    match (id, version, entries) {
        (0, 0, 0) => Ok(Kind::Empty),
        (APPLICATION_ID, version, _) => match u32::try_from(version) {
            Ok(version) if version > 0 => Ok(Kind::Store(version)),
            _ => Err(damaged(path, format!("its schema is {version}"))),
        },
        _ => Err(StoreError::NotAStore(path.to_owned())),
    }
}

fn newest(steps: &[&str]) -> u32 {
    u32::try_from(steps.len()).unwrap_or(u32::MAX)
}

/// Refuses a file that can't become a store of the newest schema. Nothing is written.
pub(super) fn check(connection: &Connection, path: &Path) -> Result<(), StoreError> {
    not_newer(STEPS, kind(connection, path)?, path)
}

fn not_newer(steps: &[&str], kind: Kind, path: &Path) -> Result<(), StoreError> {
    match kind {
        Kind::Store(got) if got > newest(steps) => {
            Err(StoreError::NewerSchema { path: path.to_owned(), limit: newest(steps), got })
        }
        _ => Ok(()),
    }
}

/// Refuses a file that isn't a store of the newest schema.
pub(super) fn check_readable(connection: &Connection, path: &Path) -> Result<(), StoreError> {
    check_readable_with(STEPS, connection, path)
}

pub(super) fn check_readable_with(steps: &[&str], connection: &Connection, path: &Path) -> Result<(), StoreError> {
    let kind = kind(connection, path)?;
    not_newer(steps, kind, path)?;
    match kind {
        Kind::Empty => Err(StoreError::NotAStore(path.to_owned())),
        Kind::Store(got) if got < newest(steps) => {
            Err(StoreError::OlderSchema { path: path.to_owned(), expected: newest(steps), got })
        }
        Kind::Store(_) => Ok(()),
    }
}

/// Brings the tables up to date and raises the epoch, all or nothing. Returns the new epoch.
pub(super) fn begin_epoch(connection: &mut Connection, path: &Path) -> Result<i64, StoreError> {
    begin_epoch_with(STEPS, connection, path)
}

pub(super) fn begin_epoch_with(steps: &[&str], connection: &mut Connection, path: &Path) -> Result<i64, StoreError> {
    let failed = || failed("open", path);
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(failed())?;
    // Another process may have been quicker.
    let kind = kind(&transaction, path)?;
    not_newer(steps, kind, path)?;
    let taken = match kind {
        Kind::Empty => 0,
        Kind::Store(version) => version,
    };
    let left = steps.get(taken as usize..).unwrap_or_default();
    for step in left {
        transaction.execute_batch(step).map_err(failed())?;
    }
    if !left.is_empty() {
        transaction.pragma_update(None, "application_id", APPLICATION_ID).map_err(failed())?;
        transaction.pragma_update(None, "user_version", newest(steps)).map_err(failed())?;
    }
    let epoch = transaction
        .query_one("UPDATE head SET epoch = epoch + 1 RETURNING epoch", [], |row| row.get(0))
        .map_err(failed())?;
    transaction.commit().map_err(failed())?;
    Ok(epoch)
}
