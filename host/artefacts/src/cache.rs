//! The cache: compiled code and verdicts by name.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use countersign_model::Digest;

use crate::directory::{self, CacheError};
use crate::entry::{self, Entry};
use crate::eviction;
use crate::secret::{self, Secret};

/// The name of an entry: a digest of everything that the compiled code depends on.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Name(Digest);

impl Name {
    /// The name for a digest of the code, a digest of its compiler (the engine's version, configuration, target and
    /// features), and the checks that the code has passed: an entry exists only for code that has passed them.
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

    /// The name for what was found out about bytes: a digest of them, and of the rules by which it was found out. No code
    /// has such a name.
    #[must_use]
    pub fn of_verdict(bytes: Digest, rules: Digest) -> Name {
        let mut all = b"countersign verdict name 1\n".to_vec();
        all.extend(bytes.0);
        all.extend(rules.0);
        Name(Digest::of(&all))
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.0.0
    }

    /// The file's name: 64 lower-case hexadecimal digits.
    pub(crate) fn file(&self) -> String {
        self.0.to_string()
    }

    /// Whether a file's name is that of an entry.
    pub(crate) fn is_file(file: &str) -> bool {
        file.parse::<Digest>().is_ok()
    }
}

/// The result of a lookup.
#[derive(Debug)]
pub enum Lookup {
    /// An entry whose MAC is right.
    Entry(Entry),
    /// There is none.
    Missing,
    /// An entry that mustn't be used, with what is wrong. It is removed.
    Refused(String),
}

/// A directory of compiled rules. Several threads and processes may use one at once.
pub struct Cache {
    directory: File,
    path: PathBuf,
    secret: Secret,
    max_bytes: u64,
}

impl std::fmt::Debug for Cache {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Cache").field("path", &self.path).field("max_bytes", &self.max_bytes).finish_non_exhaustive()
    }
}

impl Cache {
    /// Default maximum of bytes of all entries together: 1 GiB. A Rust rule takes about half a MiB.
    pub const MAX_BYTES: u64 = 1 << 30;

    /// Opens the cache in a directory, and creates both if they don't exist. At most `max_bytes` of entries are kept.
    ///
    /// # Errors
    /// When the directory or the key in it can't be used, or mustn't be; the message says what to do.
    pub fn open(path: &Path, max_bytes: u64) -> Result<Cache, CacheError> {
        if !cfg!(target_os = "linux") {
            return Err(CacheError::Platform);
        }
        let directory = directory::open(path)?;
        let secret = Secret::open(&directory, path)?;
        Ok(Cache { directory, path: path.to_owned(), secret, max_bytes })
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Looks up an entry. One that mustn't be used is removed.
    #[must_use]
    pub fn get(&self, name: &Name) -> Lookup {
        match entry::open(&self.directory, &self.secret, name, self.max_bytes) {
            Ok(Some(entry)) => Lookup::Entry(entry),
            Ok(None) => Lookup::Missing,
            Err(why) => Lookup::Refused(self.refuse(name, &why)),
        }
    }

    /// Removes an entry that can't be used, and returns a message with the reason.
    #[must_use]
    pub fn refuse(&self, name: &Name, why: &str) -> String {
        let place = self.path.join(name.file());
        match eviction::remove(&self.directory, &name.file()) {
            Ok(()) => format!("`{}` {why}; it is removed", place.display()),
            Err(error) => format!("`{}` {why}; it can't be removed: {error}", place.display()),
        }
    }

    /// Stores compiled code, and evicts the least recently used entries where there isn't enough room. Content that is
    /// larger than the whole cache may be isn't stored.
    ///
    /// # Errors
    /// When it can't be written. Then the cache is unchanged.
    pub fn put(&self, name: &Name, content: &[u8]) -> io::Result<()> {
        if entry::length(content.len()) > self.max_bytes {
            return Ok(());
        }
        // Read-only even for its owner: entries are never written again.
        let (temporary, mut file) = secret::temporary(&self.directory, 0o400)?;
        let placed = entry::write(&mut file, &self.secret, name, content)
            .and_then(|()| Ok(rustix::fs::renameat(&self.directory, &temporary, &self.directory, name.file())?));
        if let Err(error) = placed {
            // The first error is the one to report.
            let _ = eviction::remove(&self.directory, &temporary);
            return Err(error);
        }
        self.directory.sync_all()?;
        eviction::make_room(&self.directory, self.max_bytes, name)
    }
}
