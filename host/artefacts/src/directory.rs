//! The directory: made for this user alone, and refused if anybody else could have a hand in it.

use std::fs::{DirBuilder, File, Metadata};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};

use rustix::fs::{Mode, OFlags};

/// Why a cache can't be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CacheError {
    /// An opened file can't be mapped here.
    #[error("a cache of compiled rules needs Linux: rules are compiled at every start")]
    Platform,
    /// The path leads elsewhere.
    #[error("expected a directory at `{}`, got a symbolic link: name the directory that it leads to", path.display())]
    Link {
        /// The directory.
        path: PathBuf,
    },
    /// It is somebody else's.
    #[error("expected a directory of this user's (uid {ours}) at `{}`, got one of uid {owner}: name another", path.display())]
    Owner {
        /// The directory.
        path: PathBuf,
        /// Whose it is.
        owner: u32,
        /// Who asks.
        ours: u32,
    },
    /// Others could read or write in it.
    #[error(
        "expected a directory that is closed to all others at `{path}`, got mode {mode:04o}: if nobody else had access to \
         it, `chmod 700 {path}`, else name another", path = path.display()
    )]
    Mode {
        /// The directory.
        path: PathBuf,
        /// Its permissions.
        mode: u32,
    },
    /// The key beside the entries can't be used.
    #[error("expected a plain file of this user's with 32 bytes and mode 0600 at `{}`, got {got}: remove the directory, it is made anew", path.display())]
    Secret {
        /// The key's file.
        path: PathBuf,
        /// What is there.
        got: String,
    },
    /// It can't be made, opened or read.
    #[error("can't use `{}`: {source}", path.display())]
    Unusable {
        /// The directory.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
}

impl CacheError {
    /// Whether there merely is no cache to be had, rather than one that mustn't be trusted.
    #[must_use]
    pub fn is_absence(&self) -> bool {
        matches!(self, CacheError::Platform | CacheError::Unusable { .. })
    }
}

/// Who this process acts as.
pub(crate) fn ours() -> io::Result<u32> {
    // The kernel makes this link for the asking process, as its effective user.
    std::fs::metadata("/proc/self").map(|metadata| metadata.uid())
}

/// Nobody but the owner has any right.
pub(crate) fn is_private(metadata: &Metadata) -> bool {
    metadata.mode() & 0o077 == 0
}

/// Opens the directory, and makes it if it isn't there.
pub(crate) fn open(path: &Path) -> Result<File, CacheError> {
    // A slash at the end would make the kernel follow a link.
    let path: PathBuf = path.components().collect();
    let unusable = |source: io::Error| CacheError::Unusable { path: path.clone(), source };
    let made = DirBuilder::new().recursive(true).mode(0o700).create(&path);
    if path.symlink_metadata().is_ok_and(|metadata| metadata.is_symlink()) {
        return Err(CacheError::Link { path });
    }
    made.map_err(unusable)?;
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    // What was looked at so far may be another by now: this is the one that counts.
    let directory = File::from(rustix::fs::open(&path, flags, Mode::empty()).map_err(|error| unusable(error.into()))?);
    let metadata = directory.metadata().map_err(unusable)?;
    let (owner, ours) = (metadata.uid(), ours().map_err(unusable)?);
    if owner != ours {
        return Err(CacheError::Owner { path, owner, ours });
    }
    if !is_private(&metadata) {
        return Err(CacheError::Mode { path, mode: metadata.mode() & 0o7777 });
    }
    Ok(directory)
}

#[cfg(test)]
mod tests {
    use std::fs::{self, Permissions};
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    use super::*;

    #[test]
    fn a_directory_is_made_for_this_user_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a/b");
        open(&path).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o7777, 0o700);
        // And is taken as it is the next time.
        open(&path).unwrap();
    }

    #[test]
    fn a_link_is_refused_however_it_is_written() {
        let folder = tempfile::tempdir().unwrap();
        let (there, link) = (folder.path().join("there"), folder.path().join("link"));
        open(&there).unwrap();
        symlink(&there, &link).unwrap();
        for path in [link.clone(), link.join(""), link.join(".")] {
            let error = open(&path).unwrap_err();
            assert!(matches!(error, CacheError::Link { .. }), "{error}");
        }
        symlink(folder.path().join("nowhere"), folder.path().join("dangling")).unwrap();
        let error = open(&folder.path().join("dangling")).unwrap_err();
        assert!(matches!(error, CacheError::Link { .. }), "{error}");
    }

    #[test]
    fn a_directory_that_others_can_enter_is_refused_with_what_to_do() {
        let folder = tempfile::tempdir().unwrap();
        for mode in [0o750, 0o701, 0o777, 0o1777] {
            fs::set_permissions(folder.path(), Permissions::from_mode(mode)).unwrap();
            let error = open(folder.path()).unwrap_err();
            assert!(matches!(error, CacheError::Mode { mode: got, .. } if got == mode), "{error}");
            assert!(error.to_string().contains("chmod 700"), "{error}");
            assert!(!error.is_absence());
        }
        fs::set_permissions(folder.path(), Permissions::from_mode(0o700)).unwrap();
        open(folder.path()).unwrap();
    }

    #[test]
    fn a_directory_of_somebody_elses_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        // Only root can give a directory away.
        if std::os::unix::fs::chown(folder.path(), Some(12_345), None).is_err() {
            return;
        }
        let error = open(folder.path()).unwrap_err();
        assert!(matches!(error, CacheError::Owner { owner: 12_345, .. }), "{error}");
    }

    #[test]
    fn what_is_no_directory_cannot_be_used() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        fs::write(&path, "").unwrap();
        let error = open(&path).unwrap_err();
        assert!(matches!(error, CacheError::Unusable { .. }) && error.is_absence(), "{error}");
    }
}
