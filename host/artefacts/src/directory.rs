//! The directory: created for this user alone, and refused if other users could change it.

use std::fs::{DirBuilder, File, Metadata};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};

use rustix::fs::{Mode, OFlags};

/// Why a cache can't be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CacheError {
    /// An opened file can't be mapped on this platform.
    #[error("a cache of compiled rules needs Linux: rules are compiled at every start")]
    Platform,
    /// The path is a symbolic link.
    #[error("expected a directory at `{}`, got a symbolic link: name the directory that it points to", path.display())]
    Link {
        /// The directory.
        path: PathBuf,
    },
    /// It belongs to another user.
    #[error("expected a directory of this user (uid {user}) at `{}`, got one of uid {owner}: name another", path.display())]
    Owner {
        /// The directory.
        path: PathBuf,
        /// Its owner.
        owner: u32,
        /// The user of this process.
        user: u32,
    },
    /// Other users could read or write in it.
    #[error(
        "expected a directory that is closed to all others at `{path}`, got mode {mode:04o}: if no one else had access to \
         it, `chmod 700 {path}`, otherwise name another", path = path.display()
    )]
    Mode {
        /// The directory.
        path: PathBuf,
        /// Its permissions.
        mode: u32,
    },
    /// The key beside the entries can't be used.
    #[error("expected a regular file of this user with 32 bytes and mode 0600 at `{}`, got {got}: remove the directory, it is created again", path.display())]
    Secret {
        /// The key's file.
        path: PathBuf,
        /// What is there.
        got: String,
    },
    /// It can't be created, opened or read.
    #[error("can't use `{}`: {source}", path.display())]
    Unusable {
        /// The directory.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
}

impl CacheError {
    /// Whether there is just no cache, rather than one that mustn't be trusted.
    #[must_use]
    pub fn is_absence(&self) -> bool {
        matches!(self, CacheError::Platform | CacheError::Unusable { .. })
    }
}

/// The effective user of this process.
pub(crate) fn effective_uid() -> io::Result<u32> {
    // The kernel makes this link for the calling process, owned by its effective user.
    std::fs::metadata("/proc/self").map(|metadata| metadata.uid())
}

/// Whether only the owner has access.
pub(crate) fn is_private(metadata: &Metadata) -> bool {
    metadata.mode() & 0o077 == 0
}

/// Opens the directory, and creates it if it doesn't exist.
pub(crate) fn open(path: &Path) -> Result<File, CacheError> {
    // With a trailing slash the kernel would follow a link.
    let path: PathBuf = path.components().collect();
    let unusable = |source: io::Error| CacheError::Unusable { path: path.clone(), source };
    let created = DirBuilder::new().recursive(true).mode(0o700).create(&path);
    if path.symlink_metadata().is_ok_and(|metadata| metadata.is_symlink()) {
        return Err(CacheError::Link { path });
    }
    created.map_err(unusable)?;
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    // The path may have been exchanged since: only what is opened here counts.
    let directory = File::from(rustix::fs::open(&path, flags, Mode::empty()).map_err(|error| unusable(error.into()))?);
    let metadata = directory.metadata().map_err(unusable)?;
    let (owner, user) = (metadata.uid(), effective_uid().map_err(unusable)?);
    if owner != user {
        return Err(CacheError::Owner { path, owner, user });
    }
    if !is_private(&metadata) {
        return Err(CacheError::Mode { path, mode: metadata.mode() & 0o7777 });
    }
    Ok(directory)
}

#[cfg(test)]
#[path = "../tests/unit/directory.rs"]
mod tests;
