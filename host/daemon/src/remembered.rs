//! The last checkpoint that a host has signed, in a file beside its key. What is signed next goes on from there, also where
//! somebody took checkpoints out of the store.

use std::path::{Path, PathBuf};

use countersign_private::FileError;
use countersign_signing::{Checkpoint, Envelope};

use crate::checkpoints::KeepError;

/// The file in the state folder.
const FILE: &str = "host.checkpoint";

/// Maximum bytes of it.
const MAX: u64 = 64 << 10;

/// The last checkpoint.
#[derive(Debug)]
pub(crate) struct Remembered {
    path: PathBuf,
    /// None before the first one.
    pub(crate) last: Option<Checkpoint>,
}

impl Remembered {
    /// Reads the one beside a store.
    ///
    /// # Errors
    /// When there is a file that can't be read, or isn't one.
    pub(crate) fn beside(store: &Path) -> Result<Remembered, KeepError> {
        let path = store.with_file_name(FILE);
        let not = |got: String| KeepError::NotAsSigned {
            expected: format!("the last checkpoint in `{}`", countersign_text::path(&path)),
            got,
        };
        let last = match countersign_document::read_capped(&path, MAX) {
            Ok(Some(bytes)) => {
                let envelope = Envelope::<Checkpoint>::verify(&bytes).map_err(|error| not(error.to_string()))?;
                Some(envelope.statement().clone())
            }
            Ok(None) => return Err(not(format!("more than {MAX} bytes"))),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
            Err(error) => return Err(FileError::of("read", &path)(error).into()),
        };
        Ok(Remembered { path, last })
    }

    /// Remembers another one, which is in the store already.
    ///
    /// # Errors
    /// When it can't be written.
    pub(crate) fn keep(&mut self, checkpoint: &Checkpoint, envelope: &[u8]) -> Result<(), KeepError> {
        countersign_private::replace(&self.path, envelope).map_err(FileError::of("write", &self.path))?;
        self.last = Some(checkpoint.clone());
        Ok(())
    }
}
