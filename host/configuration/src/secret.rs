//! Secrets: where one is, and how it is read. Nothing here shows one.

use std::ffi::OsString;
use std::fmt;
use std::fs::File;
use std::io::{self, Read as _};
use std::os::unix::ffi::OsStringExt as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

/// The permission of everybody to read.
const EVERYBODY: u32 = 0o004;

/// Where a secret is.
#[derive(Clone)]
pub struct Secret(Place);

#[derive(Clone)]
enum Place {
    File(PathBuf),
    Environment(Zeroizing<Vec<u8>>),
}

/// Why a secret can't be used. A path isn't named: who writes a secret where its file should be named would have it printed.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// Its file can't be read.
    #[error(
        "expected the path of a file with the secret (which never stands here itself), got one that can't be read: {0}"
    )]
    Unreadable(#[from] io::Error),
    /// It is no file.
    #[error("expected the path of a file with the secret, got something else than a file")]
    NotAFile,
    /// Everybody on the machine may read it.
    #[error("expected a file that not everybody can read, got mode {0:04o}: `chmod o-rwx` it")]
    Open(u32),
    /// It is larger than any secret.
    #[error("expected at most {0} bytes, got more")]
    TooLarge(u64),
    /// It is shorter than it has to be.
    #[error("expected at least {min} bytes, got {got}; `openssl rand -out FILE 32` makes 32")]
    TooShort {
        /// Minimum bytes.
        min: usize,
        /// Its bytes.
        got: usize,
    },
}

impl Secret {
    /// One in a file.
    #[must_use]
    pub fn file(path: PathBuf) -> Secret {
        Secret(Place::File(path))
    }

    /// One that a variable of the environment had.
    #[must_use]
    pub fn environment(value: OsString) -> Secret {
        Secret(Place::Environment(Zeroizing::new(value.into_vec())))
    }

    /// The file that it is in; none if it was in the environment.
    #[must_use]
    pub fn path(&self) -> Option<&Path> {
        match &self.0 {
            Place::File(path) => Some(path),
            Place::Environment(_) => None,
        }
    }

    /// Reads it, as it is: a line end at the end of a file is part of it.
    ///
    /// # Errors
    /// When its file can't be read or everybody may read it, or when it has more than `max` bytes.
    pub fn read(&self, max: u64) -> Result<Zeroizing<Vec<u8>>, SecretError> {
        let bytes = match &self.0 {
            Place::Environment(value) => value.clone(),
            Place::File(path) => read_file(path, max)?,
        };
        if bytes.len() as u64 > max { Err(SecretError::TooLarge(max)) } else { Ok(bytes) }
    }
}

fn read_file(path: &Path, max: u64) -> Result<Zeroizing<Vec<u8>>, SecretError> {
    // A pipe would be waited for.
    if !path.metadata()?.is_file() {
        return Err(SecretError::NotAFile);
    }
    let file = File::open(path)?;
    let metadata = file.metadata()?;
    if metadata.mode() & EVERYBODY != 0 {
        return Err(SecretError::Open(metadata.mode() & 0o7777));
    }
    // Of its final size: a vector that grows leaves copies behind.
    let size = usize::try_from(metadata.len().min(max)).unwrap_or_default().saturating_add(1);
    let mut bytes = Zeroizing::new(Vec::with_capacity(size));
    #[expect(clippy::disallowed_methods, reason = "limited by `take`; one byte more shows that it is longer")]
    file.take(max.saturating_add(1)).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Where it is, without what it is.
impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.path().is_some() { "Secret(in a file)" } else { "Secret(in the environment)" })
    }
}

#[cfg(test)]
#[path = "../tests/unit/secret.rs"]
mod tests;
