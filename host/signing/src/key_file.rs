//! Files of secret keys: only their owner may read them, and one is never written over.

use std::fs::File;
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;
use zeroize::Zeroizing;

use crate::key::{KeyError, SecretKey};

/// The most bytes of a key file: a key, its end of line, and some for one that was written by hand.
const MAX_BYTES: usize = 256;

/// What others may do to a file, in its mode.
const OTHERS: u32 = 0o077;

/// Why a key file can't be used.
#[derive(Debug, thiserror::Error)]
pub enum KeyFileError {
    /// It can't be read or written.
    #[error("{0}")]
    Io(#[from] io::Error),
    /// It is something else than a file.
    #[error("expected a file, got {0}")]
    NotAFile(&'static str),
    /// Others may read it.
    #[error("expected a file that only its owner can read, got mode {0:04o}: `chmod 600` it")]
    Open(u32),
    /// It is larger than any key.
    #[error("expected a key of at most {MAX_BYTES} bytes, got more")]
    TooLarge,
    /// It has no key.
    #[error(transparent)]
    Key(#[from] KeyError),
}

impl SecretKey {
    /// Reads a key file.
    ///
    /// # Errors
    /// When it is a symbolic link or no file, when others than its owner may read it, or when it has no key.
    pub fn read(path: &Path) -> Result<SecretKey, KeyFileError> {
        // A FIFO would be waited for.
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::NONBLOCK;
        let file = match rustix::fs::open(path, flags, Mode::empty()) {
            Ok(file) => File::from(file),
            Err(Errno::LOOP) => return Err(KeyFileError::NotAFile("a symbolic link")),
            Err(error) => return Err(KeyFileError::Io(error.into())),
        };
        let metadata = file.metadata()?;
        if !metadata.is_file() {
            return Err(KeyFileError::NotAFile("something else"));
        }
        if metadata.mode() & OTHERS != 0 {
            return Err(KeyFileError::Open(metadata.mode() & 0o7777));
        }
        // Of its final size: a vector that grows leaves copies behind.
        let mut bytes = Zeroizing::new(Vec::with_capacity(MAX_BYTES + 1));
        #[expect(clippy::disallowed_methods, reason = "limited by `take`")]
        file.take(MAX_BYTES as u64 + 1).read_to_end(&mut bytes)?;
        if bytes.len() > MAX_BYTES {
            return Err(KeyFileError::TooLarge);
        }
        Ok(SecretKey::parse(std::str::from_utf8(&bytes).unwrap_or_default())?)
    }

    /// Writes a new key file that only its owner can read.
    ///
    /// # Errors
    /// When there is anything at the path already, or it can't be written.
    pub fn create(&self, path: &Path) -> Result<(), KeyFileError> {
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let mut file = File::from(rustix::fs::open(path, flags, Mode::RUSR | Mode::WUSR).map_err(io::Error::from)?);
        file.write_all(self.text().as_bytes())?;
        file.write_all(b"\n")?;
        Ok(file.sync_all()?)
    }
}

#[cfg(test)]
#[path = "../tests/unit/key_file.rs"]
mod tests;
