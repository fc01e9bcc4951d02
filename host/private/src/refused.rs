//! What is at a path in place of a regular file or a folder.

use std::fs::FileType;
use std::io;
use std::os::unix::fs::FileTypeExt as _;

/// There is something that is no regular file, or no folder where one was expected. It travels in an [`io::Error`]:
/// [`NotRegular::of`] finds it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected a {expected}, got {got}: {}", self.hint())]
pub struct NotRegular {
    /// What was expected: `regular file` or `folder`.
    pub expected: &'static str,
    /// What is there, such as `a symbolic link`.
    pub got: &'static str,
}

const FILE: &str = "regular file";
const FOLDER: &str = "folder";
const LINK: &str = "a symbolic link";

impl NotRegular {
    /// The one in an error, if it is one.
    #[must_use]
    pub fn of(error: &io::Error) -> Option<NotRegular> {
        error.get_ref().and_then(|inner| inner.downcast_ref()).copied()
    }

    fn hint(&self) -> &'static str {
        match (self.got, self.expected) {
            (LINK, _) => "name what it points to",
            (_, FOLDER) => "name another folder",
            _ => "name another file",
        }
    }

    pub(crate) fn file(got: FileType) -> io::Error {
        NotRegular { expected: FILE, got: name(got) }.into()
    }

    pub(crate) fn folder(got: FileType) -> io::Error {
        NotRegular { expected: FOLDER, got: name(got) }.into()
    }

    pub(crate) fn link() -> io::Error {
        NotRegular { expected: FILE, got: LINK }.into()
    }
}

impl From<NotRegular> for io::Error {
    fn from(refused: NotRegular) -> io::Error {
        io::Error::new(io::ErrorKind::InvalidInput, refused)
    }
}

fn name(kind: FileType) -> &'static str {
    if kind.is_symlink() {
        LINK
    } else if kind.is_dir() {
        "a folder"
    } else if kind.is_fifo() {
        "a pipe"
    } else if kind.is_socket() {
        "a socket"
    } else if kind.is_file() {
        "a file"
    } else {
        "a device"
    }
}
