//! The cache: what was compiled by name.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use countersign_model::Digest;

use crate::directory::{self, CacheError};
use crate::entry::{self, Entry};
use crate::eviction;
use crate::secret::{self, Secret};

/// What an entry is asked for by: everything that the compiled code depends on.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Name(Digest);

impl Name {
    /// Of code, of what made the artefact out of it, which is an engine's version, configuration, target and its
    /// features, and of what the code was checked against before: so that there is an entry says that it was.
    #[must_use]
    pub fn new(code: Digest, compiler: Digest, checks: &[&[u8]]) -> Name {
        let mut all = b"countersign artefact name 2\n".to_vec();
        all.extend(code.0);
        all.extend(compiler.0);
        for check in checks {
            all.extend((check.len() as u64).to_le_bytes());
            all.extend_from_slice(check);
        }
        Name(Digest::of(&all))
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.0.0
    }

    /// The file's name: 64 lower-case hexadecimal digits.
    pub(crate) fn file(&self) -> String {
        self.0.to_string()
    }

    /// Whether a file's name is one of an entry.
    pub(crate) fn is_file(file: &str) -> bool {
        file.parse::<Digest>().is_ok()
    }
}

/// What was found under a name.
#[derive(Debug)]
pub enum Found {
    /// An entry whose MAC held.
    Entry(Entry),
    /// Nothing.
    Nothing,
    /// Something that mustn't be used: what is wrong with it. It is gone.
    Refused(String),
}

/// A directory of compiled rules. Several threads and processes may use one at once.
pub struct Cache {
    directory: File,
    path: PathBuf,
    secret: Secret,
    most: u64,
}

impl std::fmt::Debug for Cache {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Cache").field("path", &self.path).field("most", &self.most).finish_non_exhaustive()
    }
}

impl Cache {
    /// The most bytes of all entries together, unless said otherwise: 1 GiB. A Rust rule takes about half a MiB.
    pub const MAX_BYTES: u64 = 1 << 30;

    /// Opens a directory's cache, and makes both if they aren't there. At most so many bytes of entries are kept.
    ///
    /// # Errors
    /// When the directory or the key in it can't be used, or mustn't be: each says what to do.
    pub fn open(path: &Path, most: u64) -> Result<Cache, CacheError> {
        if !cfg!(target_os = "linux") {
            return Err(CacheError::Platform);
        }
        let directory = directory::open(path)?;
        let secret = Secret::open(&directory, path)?;
        Ok(Cache { directory, path: path.to_owned(), secret, most })
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whether there is an entry whose MAC holds. One that mustn't be used is left for [`Cache::get`] to tell of.
    #[must_use]
    pub fn has(&self, name: &Name) -> bool {
        matches!(entry::open(&self.directory, &self.secret, name, self.most), Ok(Some(_)))
    }

    /// Looks for an entry. One that mustn't be used is removed.
    #[must_use]
    pub fn get(&self, name: &Name) -> Found {
        match entry::open(&self.directory, &self.secret, name, self.most) {
            Ok(Some(entry)) => Found::Entry(entry),
            Ok(None) => Found::Nothing,
            Err(why) => Found::Refused(self.refuse(name, &why)),
        }
    }

    /// Removes an entry that can't be used after all, and says so with the reason.
    #[must_use]
    pub fn refuse(&self, name: &Name, why: &str) -> String {
        let place = self.path.join(name.file());
        match eviction::remove(&self.directory, &name.file()) {
            Ok(()) => format!("`{}` {why}; it is removed", place.display()),
            Err(error) => format!("`{}` {why}; it can't be removed: {error}", place.display()),
        }
    }

    /// Keeps what was compiled, and evicts entries whose use was noted longest ago where there is no room. Content that is
    /// larger than all entries may be together isn't kept.
    ///
    /// # Errors
    /// When it can't be written. What was there before is there still.
    pub fn put(&self, name: &Name, content: &[u8]) -> io::Result<()> {
        if entry::length(content.len()) > self.most {
            return Ok(());
        }
        // Written once, never again: not even by its owner, short of changing its mode.
        let (temporary, mut file) = secret::temporary(&self.directory, 0o400)?;
        let placed = entry::write(&mut file, &self.secret, name, content)
            .and_then(|()| Ok(rustix::fs::renameat(&self.directory, &temporary, &self.directory, name.file())?));
        if let Err(error) = placed {
            // The first error is the one that matters.
            let _ = eviction::remove(&self.directory, &temporary);
            return Err(error);
        }
        self.directory.sync_all()?;
        eviction::make_room(&self.directory, self.most, name)
    }
}
