//! What was tried on a file or folder, and why it failed.

use std::io;
use std::path::{Path, PathBuf};

use countersign_text::path as shown;

use crate::NotRegular;

/// Why a file or folder couldn't be read, written or made.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// The system refused.
    #[error("can't {action} `{}`: {source}", shown(path))]
    Io {
        /// What was tried, such as `write`.
        action: &'static str,
        /// On which file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// There is something that is no regular file, or no folder.
    #[error("can't use `{}`: {got}", shown(path))]
    NotRegular {
        /// Where.
        path: PathBuf,
        /// What is there.
        got: NotRegular,
    },
}

impl FileError {
    /// An I/O error with what was tried on which file.
    pub fn of(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> FileError + use<> {
        let path = path.to_owned();
        move |source| match NotRegular::of(&source) {
            Some(got) => FileError::NotRegular { path, got },
            None => FileError::Io { action, path, source },
        }
    }
}
