//! An entry: compiled code, followed by a MAC over its name and content. The MAC is at the end, so that the code can be
//! mapped from the file's first byte.

use std::fs::{File, Metadata};
use std::io::{self, Read, Write};
use std::os::fd::AsRawFd as _;
use std::os::unix::fs::{FileExt as _, MetadataExt as _};
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;

use crate::cache::Name;
use crate::directory::{effective_uid, is_private};
use crate::secret::Secret;

/// Bytes of a MAC.
const MAC: usize = blake3::OUT_LEN;

/// The prefix of what the MAC covers; another format has another prefix.
const FORM: &[u8] = b"countersign artefact 2\n";

/// Bytes read at once.
const CHUNK: usize = 64 << 10;

/// The use of an entry is noted no more often than this: each note is a write.
const NOTE_INTERVAL: Duration = Duration::from_secs(3_600);

/// An open entry whose MAC is right.
#[derive(Debug)]
pub struct Entry {
    file: File,
    checked: Stamp,
}

/// The metadata that changes whenever a file does.
#[derive(Debug, PartialEq, Eq)]
struct Stamp {
    inode: (u64, u64),
    length: u64,
    /// Set by every write; a user can't set it to a time of choice.
    changed: (i64, i64),
}

impl Stamp {
    fn of(metadata: &Metadata) -> Stamp {
        Stamp {
            inode: (metadata.dev(), metadata.ino()),
            length: metadata.len(),
            changed: (metadata.ctime(), metadata.ctime_nsec()),
        }
    }
}

impl Entry {
    /// A path to the open file itself, even if its name was reused since; valid while this value lives. The file has a
    /// MAC at its end, after the compiled code.
    #[must_use]
    pub fn path(&self) -> PathBuf {
        PathBuf::from(format!("/proc/self/fd/{}", self.file.as_raw_fd()))
    }

    /// The content, if it has at most `max` bytes; none if the file was changed since its MAC was checked.
    ///
    /// # Errors
    /// When it can't be read.
    pub fn read(&self, max: u64) -> io::Result<Option<Vec<u8>>> {
        let length = self.checked.length.saturating_sub(MAC as u64);
        if length > max {
            return Ok(None);
        }
        let mut content = vec![0; usize::try_from(length).unwrap_or(usize::MAX)];
        self.file.read_exact_at(&mut content, 0)?;
        Ok(self.is_unchanged().then_some(content))
    }

    /// Whether the file is unchanged since its MAC was checked. Call it after mapping.
    #[must_use]
    pub fn is_unchanged(&self) -> bool {
        self.file.metadata().is_ok_and(|metadata| Stamp::of(&metadata) == self.checked)
    }

    /// Notes that the entry is used, to the hour: recently used entries are evicted last.
    pub fn note_use(&self) {
        let now = SystemTime::now();
        let noted = self.file.metadata().and_then(|metadata| metadata.modified());
        if noted.is_ok_and(|noted| now.duration_since(noted).is_ok_and(|since| since > NOTE_INTERVAL)) {
            // If this fails, the entry may be evicted early.
            let _ = self.file.set_modified(now);
        }
    }
}

/// Opens and checks an entry. None if there is none.
///
/// # Errors
/// What is wrong with it.
pub(crate) fn open(directory: &File, secret: &Secret, name: &Name, max_bytes: u64) -> Result<Option<Entry>, String> {
    // Non-blocking, in case a pipe was put there.
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::NONBLOCK;
    let file = match rustix::fs::openat(directory, name.file(), flags, Mode::empty()) {
        Ok(file) => File::from(file),
        Err(Errno::NOENT) => return Ok(None),
        Err(Errno::LOOP) => return Err("is a symbolic link".to_owned()),
        Err(error) => return Err(format!("can't be opened: {error}")),
    };
    let failed = |error: io::Error| format!("can't be read: {error}");
    let metadata = file.metadata().map_err(failed)?;
    let (owner, user) = (metadata.uid(), effective_uid().map_err(failed)?);
    if !metadata.is_file() {
        return Err("isn't a regular file".to_owned());
    }
    if owner != user {
        return Err(format!("belongs to uid {owner}"));
    }
    if !is_private(&metadata) {
        return Err(format!("is open to others, with mode {:04o}", metadata.mode() & 0o7777));
    }
    let length = metadata.len();
    let content = length.checked_sub(MAC as u64).filter(|_| length <= max_bytes);
    let content = content.ok_or_else(|| format!("has {length} bytes, which no entry has"))?;
    let checked = Stamp::of(&metadata);
    if !is_authentic(&file, secret, name, content).map_err(failed)? {
        return Err("isn't what was written for this code: its MAC is wrong".to_owned());
    }
    Ok(Some(Entry { file, checked }))
}

fn is_authentic(mut file: &File, secret: &Secret, name: &Name, content: u64) -> io::Result<bool> {
    let mut mac = begin_mac(secret, name, content);
    let mut buffer = vec![0; CHUNK];
    let mut left = content;
    while left > 0 {
        let max = usize::try_from(left).unwrap_or(usize::MAX).min(buffer.len());
        let chunk = buffer.get_mut(..max).unwrap_or_default();
        file.read_exact(chunk)?;
        mac.update(chunk);
        left -= chunk.len() as u64;
    }
    let mut written = [0; MAC];
    file.read_exact(&mut written)?;
    // Compares in constant time.
    Ok(mac.finalize() == blake3::Hash::from_bytes(written))
}

/// Writes an entry.
pub(crate) fn write(file: &mut File, secret: &Secret, name: &Name, content: &[u8]) -> io::Result<()> {
    let mut mac = begin_mac(secret, name, content.len() as u64);
    mac.update(content);
    file.write_all(content)?;
    file.write_all(mac.finalize().as_bytes())?;
    file.sync_all()
}

/// Bytes of an entry with so many bytes of content.
pub(crate) fn length(content: usize) -> u64 {
    (content as u64).saturating_add(MAC as u64)
}

/// The MAC covers the name, so that an entry renamed to another's name is detected, and the length, so that content can't
/// pass as part of a name.
fn begin_mac(secret: &Secret, name: &Name, content: u64) -> blake3::Hasher {
    let mut mac = secret.mac();
    mac.update(FORM);
    mac.update(name.bytes());
    mac.update(&content.to_le_bytes());
    mac
}
