//! The key of the MACs: 32 random bytes beside the entries, created at the first use. Processes that start at once agree
//! on one.

use std::fs::File;
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use rustix::fs::{AtFlags, Mode, OFlags};
use rustix::io::Errno;

use crate::directory::{CacheError, effective_uid, is_private};

/// The key's file.
pub(crate) const FILE: &str = "key";

const BYTES: usize = 32;

/// The key.
pub(crate) struct Secret([u8; BYTES]);

impl Secret {
    /// Reads the key of a directory, or creates it. `path` is the directory's, for messages.
    pub(crate) fn open(directory: &File, path: &Path) -> Result<Secret, CacheError> {
        let unusable = |source: io::Error| CacheError::Unusable { path: path.join(FILE), source };
        if let Some(secret) = read(directory, path)? {
            return Ok(secret);
        }
        create(directory).map_err(unusable)?;
        // This process's key, or that of one which was faster.
        read(directory, path)?.ok_or_else(|| unusable(io::ErrorKind::NotFound.into()))
    }

    /// A new keyed BLAKE3 hasher. Only this machine checks the MACs, so any keyed hash will do; every start checks those
    /// of all rules, for which SHA-256 in software takes longer than the rest of loading.
    pub(crate) fn mac(&self) -> blake3::Hasher {
        blake3::Hasher::new_keyed(&self.0)
    }
}

fn read(directory: &File, path: &Path) -> Result<Option<Secret>, CacheError> {
    let refused = |got: String| CacheError::Secret { path: path.join(FILE), got };
    let unusable = |source: io::Error| CacheError::Unusable { path: path.join(FILE), source };
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::NONBLOCK;
    let mut file = match rustix::fs::openat(directory, FILE, flags, Mode::empty()) {
        Ok(file) => File::from(file),
        Err(Errno::NOENT) => return Ok(None),
        Err(Errno::LOOP) => return Err(refused("a symbolic link".to_owned())),
        Err(error) => return Err(unusable(error.into())),
    };
    let metadata = file.metadata().map_err(unusable)?;
    let owner = metadata.uid();
    if !metadata.is_file() {
        return Err(refused("something else".to_owned()));
    }
    if owner != effective_uid().map_err(unusable)? {
        return Err(refused(format!("one of uid {owner}")));
    }
    if !is_private(&metadata) {
        return Err(refused(format!("mode {:04o}", metadata.mode() & 0o7777)));
    }
    if metadata.len() != BYTES as u64 {
        return Err(refused(format!("{} bytes", metadata.len())));
    }
    let mut secret = [0; BYTES];
    file.read_exact(&mut secret).map_err(unusable)?;
    Ok(Some(Secret(secret)))
}

/// Puts a complete new key in place, unless there is one by then.
fn create(directory: &File) -> io::Result<()> {
    let mut secret = [0; BYTES];
    getrandom::fill(&mut secret)?;
    let (name, mut file) = temporary(directory, 0o600)?;
    let placed = file.write_all(&secret).and_then(|()| file.sync_all()).and_then(|()| {
        // Unlike a rename, this doesn't replace the key of a process that was faster.
        match rustix::fs::linkat(directory, &name, directory, FILE, AtFlags::empty()) {
            Ok(()) | Err(Errno::EXIST) => Ok(()),
            Err(error) => Err(error.into()),
        }
    });
    let removed = rustix::fs::unlinkat(directory, &name, AtFlags::empty());
    placed?;
    removed?;
    directory.sync_all()
}

/// The prefix of temporary files' names.
pub(crate) const TEMPORARY: &str = "tmp-";

/// A new file in the directory, with a random name.
pub(crate) fn temporary(directory: &File, mode: u32) -> io::Result<(String, File)> {
    let mut random = [0; 16];
    getrandom::fill(&mut random)?;
    let name = format!("{TEMPORARY}{:032x}", u128::from_le_bytes(random));
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let file = rustix::fs::openat(directory, &name, flags, Mode::from_raw_mode(mode))?;
    Ok((name, File::from(file)))
}

#[cfg(test)]
mod tests {
    use std::fs::{self, Permissions};
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    use super::*;

    fn open(folder: &Path) -> Result<Secret, CacheError> {
        let path = folder.join("cache");
        Secret::open(&crate::directory::open(&path)?, &path)
    }

    #[test]
    fn the_key_is_created_once_and_differs_between_directories() {
        let folders = [(); 2].map(|()| tempfile::tempdir().unwrap());
        let keys = folders.each_ref().map(|folder| open(folder.path()).unwrap().0);
        assert_ne!(keys[0], keys[1]);
        assert_eq!(open(folders[0].path()).unwrap().0, keys[0]);
        assert_eq!(fs::metadata(folders[0].path().join("cache").join(FILE)).unwrap().mode() & 0o7777, 0o600);
        // No temporary file is left.
        assert_eq!(fs::read_dir(folders[0].path().join("cache")).unwrap().count(), 1);
    }

    #[test]
    fn processes_that_start_at_once_agree() {
        let folder = tempfile::tempdir().unwrap();
        let keys: Vec<_> = std::thread::scope(|scope| {
            let started: Vec<_> = (0..8).map(|_| scope.spawn(|| open(folder.path()).unwrap().0)).collect();
            started.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        assert!(keys.iter().all(|key| *key == keys[0]));
    }

    #[test]
    fn a_key_that_is_open_to_others_or_damaged_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("cache").join(FILE);
        let got = || match open(folder.path()).map(|_| ()).unwrap_err() {
            CacheError::Secret { got, .. } => got,
            other => panic!("{other}"),
        };
        open(folder.path()).unwrap();
        fs::set_permissions(&file, Permissions::from_mode(0o644)).unwrap();
        assert_eq!(got(), "mode 0644");
        fs::set_permissions(&file, Permissions::from_mode(0o600)).unwrap();
        open(folder.path()).unwrap();
        fs::write(&file, [0; 31]).unwrap();
        assert_eq!(got(), "31 bytes");
        fs::remove_file(&file).unwrap();
        symlink("/dev/zero", &file).unwrap();
        assert_eq!(got(), "a symbolic link");
        fs::remove_file(&file).unwrap();
        fs::create_dir(&file).unwrap();
        assert_eq!(got(), "something else");
    }
}
