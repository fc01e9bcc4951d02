//! Every change of a file goes through here, in small steps that each either happen or don't; tests simulate a loss of
//! power between any two of them, and within a write at any byte.

use std::cell::Cell;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::Path;

use crate::StoreError;

/// File operations, with simulated loss of power for tests.
#[derive(Debug, Default)]
pub(crate) struct Disk {
    /// How many more bytes and steps happen before the power fails; none for no limit. Set by tests only, which then skip
    /// real syncs.
    left: Cell<Option<u64>>,
}

impl Disk {
    /// A disk whose power fails after this many bytes and steps.
    #[cfg(test)]
    pub(crate) fn failing_after(steps: u64) -> Disk {
        Disk { left: Cell::new(Some(steps)) }
    }

    /// How many of the `wanted` bytes or steps still happen.
    fn spend(&self, wanted: u64) -> u64 {
        match self.left.get() {
            None => wanted,
            Some(left) => {
                self.left.set(Some(left.saturating_sub(wanted)));
                left.min(wanted)
            }
        }
    }

    fn step(&self) -> io::Result<()> {
        if self.spend(1) == 1 { Ok(()) } else { Err(io::Error::other("the power failed")) }
    }

    /// Writes at the file's end.
    pub(crate) fn append(&self, mut file: &File, path: &Path, bytes: &[u8]) -> Result<(), StoreError> {
        let happens = usize::try_from(self.spend(bytes.len() as u64)).unwrap_or(usize::MAX);
        let mut write = || {
            file.write_all(bytes.get(..happens).unwrap_or(bytes))?;
            if happens < bytes.len() { Err(io::Error::other("the power failed")) } else { Ok(()) }
        };
        write().map_err(StoreError::io("write", path))
    }

    /// Cuts a file to a length.
    pub(crate) fn truncate(&self, file: &File, path: &Path, length: u64) -> Result<(), StoreError> {
        self.step().and_then(|()| file.set_len(length)).map_err(StoreError::io("cut", path))
    }

    /// Makes what was written survive a loss of power.
    pub(crate) fn sync(&self, file: &File, path: &Path) -> Result<(), StoreError> {
        self.step()
            .and_then(|()| if self.left.get().is_some() { Ok(()) } else { file.sync_data() })
            .map_err(StoreError::io("sync", path))
    }

    /// Makes a folder's names survive a loss of power. Does nothing where folders can't be synced.
    pub(crate) fn sync_folder(&self, folder: &Path) -> Result<(), StoreError> {
        let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
        let sync = || if cfg!(unix) { File::open(folder)?.sync_all() } else { Ok(()) };
        self.step()
            .and_then(|()| if self.left.get().is_some() { Ok(()) } else { sync() })
            .map_err(StoreError::io("sync", folder))
    }

    /// Renames a file over another.
    pub(crate) fn rename(&self, from: &Path, to: &Path) -> Result<(), StoreError> {
        self.step().and_then(|()| fs::rename(from, to)).map_err(StoreError::io("rename", from))
    }

    /// Removes a file if it exists.
    pub(crate) fn remove(&self, path: &Path) -> Result<(), StoreError> {
        let result = self.step().and_then(|()| fs::remove_file(path));
        match result {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            other => other.map_err(StoreError::io("remove", path)),
        }
    }

    /// Removes a folder if it exists. One that isn't empty, or is a link to a folder, stays.
    pub(crate) fn remove_folder(&self, path: &Path) -> Result<(), StoreError> {
        use io::ErrorKind::{DirectoryNotEmpty, NotADirectory, NotFound};
        let result = self.step().and_then(|()| fs::remove_dir(path));
        match result {
            Err(error) if matches!(error.kind(), NotFound | DirectoryNotEmpty | NotADirectory) => Ok(()),
            other => other.map_err(StoreError::io("remove", path)),
        }
    }

    /// Makes a folder that only its owner may enter, if it doesn't exist.
    pub(crate) fn make_folder(&self, path: &Path) -> Result<(), StoreError> {
        self.step().and_then(|()| countersign_private::make_folder(path)).map_err(StoreError::io("make", path))
    }
}
