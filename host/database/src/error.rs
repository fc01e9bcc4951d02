//! What can go wrong with a database.

use std::path::PathBuf;

use countersign_private::FileError;
use countersign_text::path as shown;

/// Why a database can't be opened, read or written. `kind` is what it should be, such as `store`.
#[derive(Debug, thiserror::Error)]
pub enum DatabaseError {
    /// A file couldn't be made or opened.
    #[error(transparent)]
    File(#[from] FileError),
    /// A file is something else.
    #[error("expected a {kind} at `{}`, got something else: name another file", shown(path))]
    OtherKind {
        /// What was expected.
        kind: &'static str,
        /// The file.
        path: PathBuf,
    },
    /// A newer version wrote it.
    #[error(
        "expected a {kind} of schema at most {limit} at `{}`, got {got}: \
         use the countersign version that wrote it, or a newer one",
        shown(path)
    )]
    NewerSchema {
        /// What it is.
        kind: &'static str,
        /// The file.
        path: PathBuf,
        /// The newest schema that this version knows.
        limit: u32,
        /// The file's.
        got: u32,
    },
    /// An older version wrote it, and it is open for reading only.
    #[error("expected a {kind} of schema {expected} at `{}`, got {got}: {update}", shown(path))]
    OlderSchema {
        /// What it is.
        kind: &'static str,
        /// The file.
        path: PathBuf,
        /// The schema that this version reads.
        expected: u32,
        /// The file's.
        got: u32,
        /// How it is brought up to date.
        update: &'static str,
    },
    /// It can't have a write-ahead log where it is.
    #[error(
        "expected a file system that allows a write-ahead log at `{}`, got mode `{got}`: name another file",
        shown(path)
    )]
    NoWriteAheadLog {
        /// The file.
        path: PathBuf,
        /// The journal mode that the database took instead.
        got: String,
    },
    /// Another process kept it locked.
    #[error(
        "expected `{}` to be free within {seconds} s, got one that another process is writing: try again",
        shown(path)
    )]
    Busy {
        /// The file.
        path: PathBuf,
        /// How long it was tried, seconds.
        seconds: u64,
    },
    /// It has something that can't have been stored so.
    #[error("expected a whole {kind} at `{}`, got a damaged one ({what}): restore a copy of it", shown(path))]
    Damaged {
        /// What it is.
        kind: &'static str,
        /// The file.
        path: PathBuf,
        /// What is wrong.
        what: String,
    },
    /// The database refused something.
    #[error("can't {action} `{}`: {source}{}", shown(path), hint(source))]
    Refused {
        /// What was tried, such as `write`.
        action: &'static str,
        /// On which file.
        path: PathBuf,
        /// Why not.
        source: Box<rusqlite::Error>,
    },
}

impl DatabaseError {
    /// Whether nothing is stored for certain, so that what was tried can be tried again.
    #[must_use]
    pub fn stored_nothing(&self) -> bool {
        matches!(self, DatabaseError::Busy { .. })
    }
}

/// What helps where the database's own message doesn't say it.
fn hint(source: &rusqlite::Error) -> &'static str {
    match source.sqlite_error_code() {
        Some(rusqlite::ErrorCode::CannotOpen | rusqlite::ErrorCode::ReadOnly) => {
            " (it needs a folder in which `-wal` and `-shm` files can be made beside it)"
        }
        _ => "",
    }
}
