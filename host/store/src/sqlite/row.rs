//! Values as columns have them.

use std::sync::Arc;

use countersign_audit::ChainWriter;
use countersign_database::rusqlite::types::{FromSqlError, Type, ValueRef};
use countersign_database::rusqlite::{self, Result, Row};
use countersign_model::{Digest, Evidence, StateChange, StateEntry, Timestamp};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::StoreError;

/// A number that SQLite can hold. Ordinals and counts are far from its maximum; what is past it is past the last row.
pub(super) fn integer(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// The members of a page.
pub(super) fn limit(limit: usize) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX)
}

pub(super) fn to_json<T: Serialize>(value: &T) -> std::result::Result<Vec<u8>, StoreError> {
    serde_json::to_vec(value).map_err(StoreError::Unwritable)
}

fn invalid(column: usize, error: impl std::error::Error + Send + Sync + 'static) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(column, Type::Blob, Box::new(error))
}

pub(super) fn json<T: DeserializeOwned>(row: &Row<'_>, column: usize) -> Result<T> {
    let bytes = row.get_ref(column)?.as_blob().map_err(|error| invalid(column, error))?;
    serde_json::from_slice(bytes).map_err(|error| invalid(column, error))
}

/// The columns records, link from one on.
pub(super) fn end(row: &Row<'_>, column: usize) -> Result<ChainWriter> {
    let records: i64 = row.get(column)?;
    let records = u64::try_from(records).map_err(|error| invalid(column, error))?;
    Ok(ChainWriter::resume(records, Digest(row.get(column + 1)?)))
}

/// Text that has a form of its own, such as a rule's id.
pub(super) fn text<T>(row: &Row<'_>, column: usize) -> Result<T>
where
    T: std::str::FromStr<Err: std::error::Error + Send + Sync + 'static>,
{
    let text = row.get_ref(column)?.as_str().map_err(|error| invalid(column, error))?;
    text.parse().map_err(|error| invalid(column, error))
}

fn evidence(row: &Row<'_>, column: usize) -> Result<Vec<Arc<Evidence>>> {
    Ok(json::<Vec<Evidence>>(row, column)?.into_iter().map(Arc::new).collect())
}

/// The columns rule, slot, key, version, changed, kept, bytes.
pub(super) fn state_change(row: &Row<'_>) -> Result<StateChange> {
    let entry = match row.get(3)? {
        None => None,
        Some(version) => Some(StateEntry {
            version,
            changed: Timestamp(row.get(4)?),
            kept: if row.get_ref(5)? == ValueRef::Null { Vec::new() } else { evidence(row, 5)? },
            blob: match row.get_ref(6)? {
                ValueRef::Blob(bytes) => bytes.into(),
                _ => return Err(invalid(6, FromSqlError::InvalidType)),
            },
        }),
    };
    Ok(StateChange { rule: text(row, 0)?, slot: row.get(1)?, key: row.get(2)?, entry })
}
