//! What can go wrong with storage.

use std::io;
use std::path::PathBuf;

use countersign_audit::AppendError;
use countersign_model::Digest;

/// Why something can't be stored or read back.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// A file or folder couldn't be read, written or made.
    #[error("can't {action} `{}`: {source}", path.display())]
    Io {
        /// What was tried, such as `write`.
        action: &'static str,
        /// On which file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// A record can't be appended.
    #[error(transparent)]
    Append(#[from] AppendError),
    /// There is a file already, which may not be replaced.
    #[error("expected no file at `{}`, got one: name another, or allow it to be replaced", .0.display())]
    Exists(PathBuf),
    /// There is a file already that isn't an audit file, and so is never replaced.
    #[error("expected no file or an audit file at `{}`, got something else: name another file", .0.display())]
    NotAnAuditFile(PathBuf),
    /// Another process writes this audit file.
    #[error("expected `{}` to be free, got one that another process is writing", .0.display())]
    Locked(PathBuf),
    /// A file is unfinished but has no journal to recover from.
    #[error("expected a journal at `{}` to recover an unfinished audit file, got none", .0.display())]
    NoJournal(PathBuf),
    /// An earlier call failed while writing.
    #[error("expected a store without failures, got one that failed while writing: open it again to recover")]
    Broken,
    /// The audit file is finished.
    #[error("expected an unsealed audit file, got a sealed one")]
    Sealed,
    /// This store doesn't keep that.
    #[error("expected a store that keeps {0}, got one that only counts")]
    NotKept(&'static str),
    /// A blob is larger than the maximum.
    #[error("expected a blob of at most {limit} bytes under `{name}`, got {got}")]
    BlobTooLarge {
        /// Its name.
        name: Digest,
        /// Maximum bytes.
        limit: usize,
        /// Its bytes, at least.
        got: u64,
    },
    /// A blob is missing.
    #[error("expected a blob named `{name}` in `{}`, got none", folder.display())]
    BlobMissing {
        /// Its name.
        name: Digest,
        /// Where it should be.
        folder: PathBuf,
    },
    /// A blob doesn't have the digest that is its name.
    #[error("expected the blob `{name}` to have that keyed digest, got `{got}`: it was changed, or the key is another")]
    BlobChanged {
        /// Its name.
        name: Digest,
        /// Its keyed digest.
        got: Digest,
    },
    /// The findings and state of a commit exceed the maximum of a journal entry.
    #[error("expected a commit of at most {limit} bytes of findings and state, got {got}: commit smaller batches")]
    CommitTooLarge {
        /// Maximum bytes.
        limit: usize,
        /// Its bytes.
        got: usize,
    },
    /// A journal entry has no JSON form.
    #[error("a journal entry can't be written as JSON: {0}")]
    Unwritable(serde_json::Error),
}

impl StoreError {
    /// An I/O error with what was tried on which file.
    pub(crate) fn io(action: &'static str, path: &std::path::Path) -> impl FnOnce(io::Error) -> StoreError {
        let path = path.to_owned();
        move |source| StoreError::Io { action, path, source }
    }
}
