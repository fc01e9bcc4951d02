//! What the system says about a file, and opening it.

use std::fs::{self, File, Metadata, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::{FileExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustix::fs::OFlags;

/// Which file it is, whatever its name is. Another one may have the same once it is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct FileId {
    pub(super) device: u64,
    pub(super) inode: u64,
}

/// What changes with a file's content, or its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stamp {
    /// Bytes as stored.
    pub(super) length: u64,
    /// When it was written to last, seconds and nanoseconds of the system's clock.
    pub(super) modified: (i64, i64),
    changed: (i64, i64),
}

/// A regular file where it was found.
#[derive(Clone, Debug)]
pub(super) struct Found {
    pub(super) path: PathBuf,
    pub(super) id: FileId,
    pub(super) stamp: Stamp,
}

impl Found {
    /// A file by what the system says about it; none of anything but a regular file.
    pub(super) fn of(path: PathBuf, metadata: &Metadata) -> Option<Found> {
        let stamp = Stamp {
            length: metadata.len(),
            modified: (metadata.mtime(), metadata.mtime_nsec()),
            changed: (metadata.ctime(), metadata.ctime_nsec()),
        };
        let id = FileId { device: metadata.dev(), inode: metadata.ino() };
        metadata.is_file().then_some(Found { path, id, stamp })
    }

    /// The file at a path, if there is a regular one. Links are followed.
    pub(super) fn at(path: &Path) -> Option<Found> {
        Found::of(path.to_owned(), &fs::metadata(path).ok()?)
    }

    /// The files in a folder, as far as they can be looked at, in no order.
    pub(super) fn in_folder(folder: &Path, most: usize) -> impl Iterator<Item = Found> {
        let entries = fs::read_dir(folder).into_iter().flatten().take(most);
        entries.filter_map(|entry| Found::at(&entry.ok()?.path()))
    }

    /// Opens it. Doesn't wait, should it have become a pipe meanwhile.
    ///
    /// # Errors
    /// When it can't be opened, or another file is there now.
    pub(super) fn open(&self) -> io::Result<Arc<File>> {
        let flags = i32::try_from(OFlags::NONBLOCK.bits()).unwrap_or(0);
        let file = OpenOptions::new().read(true).custom_flags(flags).open(&self.path)?;
        match Found::of(PathBuf::new(), &file.metadata()?) {
            Some(opened) if opened.id == self.id => Ok(Arc::new(file)),
            _ => {
                Err(io::Error::new(io::ErrorKind::NotFound, "expected the file that was there before, got another one"))
            }
        }
    }
}

/// Reads a file from an offset on, apart from others that read it.
pub(super) struct Reading {
    pub(super) file: Arc<File>,
    pub(super) offset: u64,
}

impl Read for Reading {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.file.read_at(buffer, self.offset)?;
        self.offset += count as u64;
        Ok(count)
    }
}
