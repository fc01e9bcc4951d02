//! Why something isn't done.

use countersign_database::{DatabaseError, rusqlite};

use crate::words::Reason;

/// Why something isn't done. Nothing was changed, but for an event where one says so.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is nothing with this id.
    #[error("expected the id of {what}, got `{id}`, which there isn't (any more)", id = countersign_text::line(id))]
    Missing {
        /// What it should be of, such as `an account`.
        what: &'static str,
        /// What came.
        id: String,
    },
    /// A name is taken.
    #[error("expected a name that is free for {what}, got `{name}`, which is taken", name = countersign_text::line(name))]
    Taken {
        /// What it is for.
        what: &'static str,
        /// The name.
        name: String,
    },
    /// It isn't as the request expects it to be.
    #[error("expected it as {expected}, got {got}: read it again")]
    Changed {
        /// What `If-Match` or `If-None-Match` said.
        expected: String,
        /// How it is.
        got: String,
    },
    /// Another request had this idempotency key.
    #[error("expected a new idempotency key for another request, got one that was used")]
    KeyReused,
    /// What was given can't be.
    #[error("{0}")]
    Invalid(String),
    /// Whoever asks isn't let in.
    #[error("expected what lets somebody in, got something else: {reason}")]
    Denied {
        /// Why.
        reason: Reason,
        /// Whether whoever asks may hear why: it proved enough.
        told: bool,
    },
    /// The file can't be opened.
    #[error(transparent)]
    Open(#[from] DatabaseError),
    /// The file can't be read or written.
    #[error("the directory's file can't be used: {0}")]
    Sqlite(#[from] rusqlite::Error),
    /// What is in the file isn't what was written.
    #[error("the directory's file is damaged: {0}")]
    Damaged(String),
    /// The operating system gives no random numbers.
    #[error("expected random numbers, got none: {0}")]
    Random(String),
}

impl Error {
    pub(crate) fn missing(what: &'static str, id: &str) -> Error {
        Error::Missing { what, id: id.to_owned() }
    }
}

impl From<serde_json::Error> for Error {
    fn from(error: serde_json::Error) -> Error {
        Error::Damaged(error.to_string())
    }
}
