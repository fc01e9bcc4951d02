//! What can go wrong with a recorder.

use std::sync::Arc;
use std::time::Duration;

use countersign_database::DatabaseError;
use countersign_model::SourceId;

/// Why a recorder can't be opened or read.
#[derive(Debug, thiserror::Error)]
pub enum RecorderError {
    /// The database.
    #[error(transparent)]
    Database(#[from] DatabaseError),
    /// The thread that writes can't be started.
    #[error("can't start a thread: {0}")]
    Thread(std::io::Error),
    /// What was recorded was dropped since, to make room.
    #[error("expected batch {batch} on record, got a recorder that begins with {first}: it kept no more")]
    Dropped {
        /// The batch.
        batch: u64,
        /// The first that is on record.
        first: u64,
    },
    /// Inputs of the host's own were dropped since.
    #[error("expected host input {input} on record, got a recorder that kept no more of them from there on")]
    DroppedInput {
        /// The first that is missing.
        input: u64,
    },
}

impl RecorderError {
    /// Whether what is asked for was dropped to make room.
    #[must_use]
    pub const fn is_dropped(&self) -> bool {
        matches!(self, RecorderError::Dropped { .. } | RecorderError::DroppedInput { .. })
    }
}

/// Why something isn't on record. A sender may try again.
#[derive(Clone, Debug, thiserror::Error)]
pub enum AppendError {
    /// There is no room before more is judged.
    #[error(
        "expected room for records of `{name}`, got a recorder that is full of records that aren't judged yet: try again in \
         {} s",
        retry_after.as_secs()
    )]
    Full {
        /// The source.
        name: SourceId,
        /// When it is worth trying again.
        retry_after: Duration,
    },
    /// The key was used for something else.
    #[error("expected a new key for new records, got `{0}`, under which others were sent")]
    KeyReused(String),
    /// Another process has opened the recorder for writing since.
    #[error("expected to be the only writer of the recorder, got another process: stop one of them")]
    Superseded,
    /// It couldn't be written.
    #[error(transparent)]
    Database(Arc<DatabaseError>),
    /// It couldn't be compressed.
    #[error("can't compress what is to be recorded: {0}")]
    Compression(String),
    /// The recorder is closed.
    #[error("the recorder is closed")]
    Closed,
}

impl From<DatabaseError> for AppendError {
    fn from(error: DatabaseError) -> AppendError {
        AppendError::Database(Arc::new(error))
    }
}
