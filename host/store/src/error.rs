//! What can go wrong with storage.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use countersign_audit::{AppendError, ChainWriter};
use countersign_database::DatabaseError;
use countersign_model::Digest;
use countersign_private::FileError;
use countersign_text::path as shown;

use crate::ExistingRun;

/// Why something can't be stored or read back.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// A file or folder couldn't be read, written or made.
    #[error(transparent)]
    File(#[from] FileError),
    /// A record can't be appended.
    #[error(transparent)]
    Append(#[from] AppendError),
    /// Another writer has written since, or may have. Nothing was stored.
    #[error("expected to be the only writer, got {0}: stop the other process and start again")]
    Superseded(Overtaken),
    /// There is a run already, which may not be replaced.
    #[error("expected nothing at `{}`, got {run}: name another file, or replace it with `--replace`", shown(&run.audit))]
    Exists {
        /// The run.
        run: Box<ExistingRun>,
    },
    /// There is a file already that isn't an audit file, and so is never replaced.
    #[error("expected no file or an audit file at `{}`, got something else: name another file", shown(.0))]
    NotAnAuditFile(PathBuf),
    /// A folder of blobs has something else in it, and so is never replaced.
    #[error("expected only blobs in `{}`, got `{}`: move it, or name another file", shown(folder), shown(got))]
    NotOnlyBlobs {
        /// The folder.
        folder: PathBuf,
        /// What else is there.
        got: PathBuf,
    },
    /// A file is neither an audit file nor a store.
    #[error("expected an audit file or a store at `{}`, got something else", shown(.0))]
    Unrecognised(PathBuf),
    /// A store can't be opened, read or written.
    #[error(transparent)]
    Database(DatabaseError),
    /// Another process writes this audit file.
    #[error("expected `{}` to be free, got one that another process is writing", shown(.0))]
    Locked(PathBuf),
    /// A file is unfinished but has no journal to recover from.
    #[error("expected a journal at `{}` to recover an unfinished audit file, got none", shown(.0))]
    NoJournal(PathBuf),
    /// An earlier call failed while writing.
    #[error("expected a store without failures, got one that failed while writing: open it again to recover")]
    Broken,
    /// The audit file is finished.
    #[error("expected an unsealed audit file, got a sealed one")]
    Sealed,
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
    #[error("expected a blob named `{name}` in `{}`, got none", shown(place))]
    BlobMissing {
        /// Its name.
        name: Digest,
        /// The folder or store in which it should be.
        place: PathBuf,
    },
    /// A blob that a record names isn't stored.
    #[error("expected the blob `{name}` that line {line} names, got a store without it")]
    BlobNotStored {
        /// Its name.
        name: Digest,
        /// The record's line.
        line: u64,
    },
    /// The log isn't as it was written.
    #[error("expected a log that verifies, got one that was changed: {0}")]
    LogChanged(String),
    /// A blob doesn't have the digest that is its name.
    #[error("expected the blob `{name}` to have that keyed digest, got `{got}`: it was changed, or the key is another")]
    BlobChanged {
        /// Its name.
        name: Digest,
        /// Its keyed digest.
        got: Digest,
    },
    /// A value is larger than the maximum.
    #[error("expected a {what} of at most {limit} bytes, got {got}")]
    ValueTooLarge {
        /// What it is, such as `state entry`.
        what: &'static str,
        /// Maximum bytes.
        limit: usize,
        /// Its bytes.
        got: usize,
    },
    /// A journal is whole, but this version can't read it.
    #[error(
        "expected a journal that this version wrote at `{}`, got another: \
         use the countersign version that wrote it ({source})",
        shown(path)
    )]
    Journal {
        /// The journal.
        path: PathBuf,
        /// Why it can't be read.
        source: serde_json::Error,
    },
    /// Something has no JSON form.
    #[error("what is to be stored can't be written as JSON: {0}")]
    Unwritable(serde_json::Error),
}

/// By what it shows that there is another writer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Overtaken {
    /// The log ends elsewhere than the writer expects.
    Head {
        /// The end that the writer expects.
        expected: ChainWriter,
        /// The end as it is stored.
        got: ChainWriter,
    },
    /// The store was opened for writing again. Epochs count how often it was.
    Epoch {
        /// The writer's.
        ours: u64,
        /// The last.
        now: u64,
    },
}

impl fmt::Display for Overtaken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Overtaken::Head { expected, got } => {
                let (expected, got) = ((expected.records(), expected.link()), (got.records(), got.link()));
                write!(
                    f,
                    "a log that another has written: it ends after {} records with link `{}`, not after {} with `{}`",
                    got.0, got.1, expected.0, expected.1
                )
            }
            Overtaken::Epoch { ours, now } => {
                write!(f, "a store that another has opened for writing since: its epoch is {now}, not {ours}")
            }
        }
    }
}

impl From<DatabaseError> for StoreError {
    fn from(error: DatabaseError) -> StoreError {
        match error {
            DatabaseError::File(error) => StoreError::File(error),
            error => StoreError::Database(error),
        }
    }
}

impl StoreError {
    /// An I/O error with what was tried on which file.
    pub(crate) fn io(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> StoreError {
        let failed = FileError::of(action, path);
        move |source| failed(source).into()
    }
}
