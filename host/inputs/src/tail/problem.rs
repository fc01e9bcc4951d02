//! What went wrong while files were looked for and read.

use std::path::PathBuf;

/// What went wrong with one file or folder. The others are read, and this one is tried again; what lasts is reported once.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, thiserror::Error)]
pub enum Problem {
    /// It can't be opened, or read.
    #[error("can't read `{}`: {error}", countersign_text::path(path))]
    Unreadable {
        /// The file or folder.
        path: PathBuf,
        /// The system's error.
        error: String,
    },
    /// A link leads to a folder that contains it.
    #[error("`{}`: expected another folder, got a link to one that contains it", countersign_text::path(path))]
    Loop {
        /// The link.
        path: PathBuf,
    },
    /// It is neither a regular file nor a folder.
    #[error("`{}`: expected a file or a folder, got something else", countersign_text::path(path))]
    NotAFile {
        /// Its path.
        path: PathBuf,
    },
    /// There are more files than are followed.
    #[error("expected at most {most} files, got more: name fewer by `path`, or remove old ones")]
    TooMany {
        /// How many are followed.
        most: usize,
    },
    /// It was truncated, or another one was written over it, before all of it is known to have been read.
    #[error(
        "`{}` was truncated or written anew: it was read up to byte {offset}, and what was written after that is lost, if \
         anything was",
        countersign_text::path(path)
    )]
    Truncated {
        /// The file.
        path: PathBuf,
        /// Up to where it was read, bytes of its text.
        offset: u64,
    },
    /// It was removed before it was read to its end.
    #[error("`{}` was removed before it was read to its end: {unread} bytes are lost", countersign_text::path(path))]
    Removed {
        /// The file.
        path: PathBuf,
        /// How many bytes weren't read.
        unread: u64,
    },
}
