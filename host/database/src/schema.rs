//! Kinds of database, and how a file comes to have a kind's tables. `user_version` counts the steps that were taken.

use std::path::Path;

use rusqlite::{Connection, TransactionBehavior};

use crate::DatabaseError;
use crate::open::failed;

/// A kind of database.
#[derive(Debug)]
pub struct Kind {
    /// What one is called, such as `store`.
    pub name: &'static str,
    /// What marks a file as one.
    pub application_id: i32,
    /// The steps, each from the schema before it to its own. A step that was released never changes; a change of any form,
    /// also of the JSON in a column, is a new step. The first makes a table `head` of one row with an `epoch`.
    pub steps: &'static [&'static str],
    /// Whether a new file can give space back to the file system (`PRAGMA incremental_vacuum`).
    pub shrinks: bool,
    /// How a file of an older schema is brought up to date.
    pub update: &'static str,
}

/// What a file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Found {
    /// A database without content.
    Empty,
    /// One of the kind, of this schema.
    Schema(u32),
}

impl Kind {
    fn newest(&self) -> u32 {
        u32::try_from(self.steps.len()).unwrap_or(u32::MAX)
    }

    fn of(&'static self, connection: &Connection, path: &Path) -> Result<Found, DatabaseError> {
        let failed = || failed(self, "open", path);
        let id: i32 = connection.pragma_query_value(None, "application_id", |row| row.get(0)).map_err(failed())?;
        let version: i64 = connection.pragma_query_value(None, "user_version", |row| row.get(0)).map_err(failed())?;
        let entries: i64 =
            connection.query_one("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0)).map_err(failed())?;
        let found = match (id, version, entries) {
            (0, 0, 0) => Found::Empty,
            (id, version, _) if id == self.application_id => match u32::try_from(version) {
                Ok(version) if version > 0 => Found::Schema(version),
                _ => {
                    let what = format!("its schema is {version}");
                    return Err(DatabaseError::Damaged { kind: self.name, path: path.to_owned(), what });
                }
            },
            _ => return Err(DatabaseError::OtherKind { kind: self.name, path: path.to_owned() }),
        };
        match found {
            Found::Schema(got) if got > self.newest() => {
                let (kind, path, limit) = (self.name, path.to_owned(), self.newest());
                Err(DatabaseError::NewerSchema { kind, path, limit, got })
            }
            found => Ok(found),
        }
    }

    /// Refuses a file that can't become one of the newest schema. Nothing is written.
    pub(crate) fn check(&'static self, connection: &Connection, path: &Path) -> Result<(), DatabaseError> {
        self.of(connection, path).map(|_| ())
    }

    /// Refuses a file that isn't one of the newest schema.
    pub(crate) fn check_readable(&'static self, connection: &Connection, path: &Path) -> Result<(), DatabaseError> {
        match self.of(connection, path)? {
            Found::Empty => Err(DatabaseError::OtherKind { kind: self.name, path: path.to_owned() }),
            Found::Schema(got) if got < self.newest() => Err(DatabaseError::OlderSchema {
                kind: self.name,
                path: path.to_owned(),
                expected: self.newest(),
                got,
                update: self.update,
            }),
            Found::Schema(_) => Ok(()),
        }
    }

    /// Brings the tables up to date and raises the epoch, all or nothing. Returns the new epoch.
    pub(crate) fn begin_epoch(&'static self, connection: &mut Connection, path: &Path) -> Result<i64, DatabaseError> {
        let failed = || failed(self, "open", path);
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(failed())?;
        // Another process may have been quicker.
        let taken = match self.of(&transaction, path)? {
            Found::Empty => 0,
            Found::Schema(version) => version,
        };
        let left = self.steps.get(taken as usize..).unwrap_or_default();
        for step in left {
            transaction.execute_batch(step).map_err(failed())?;
        }
        if !left.is_empty() {
            transaction.pragma_update(None, "application_id", self.application_id).map_err(failed())?;
            transaction.pragma_update(None, "user_version", self.newest()).map_err(failed())?;
        }
        let epoch = transaction
            .query_one("UPDATE head SET epoch = epoch + 1 RETURNING epoch", [], |row| row.get(0))
            .map_err(failed())?;
        transaction.commit().map_err(failed())?;
        Ok(epoch)
    }
}

#[cfg(test)]
#[path = "../tests/unit/schema.rs"]
mod tests;
