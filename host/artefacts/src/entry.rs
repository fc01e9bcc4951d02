//! An entry: what was compiled, then a MAC over its name and content. The MAC stands at the end, so that the file can be
//! mapped as it is from its first byte.

use std::fs::{File, Metadata};
use std::io::{self, Read, Write};
use std::os::fd::AsRawFd as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;

use crate::cache::Name;
use crate::directory::{is_private, ours};
use crate::secret::Secret;

/// Bytes of a MAC.
const MAC: usize = blake3::OUT_LEN;

/// What the MAC begins with: another form of entries is another text.
const FORM: &[u8] = b"countersign artefact 2\n";

/// Bytes read at once.
const CHUNK: usize = 64 << 10;

/// That an entry was used is noted no more often: each note is a write.
const NOTED: Duration = Duration::from_secs(3_600);

/// An open entry whose MAC held.
#[derive(Debug)]
pub struct Entry {
    file: File,
    seen: Stamp,
}

/// What changes when a file does.
#[derive(Debug, PartialEq, Eq)]
struct Stamp {
    inode: (u64, u64),
    length: u64,
    /// Changed by every write, and by no call of a user's to a time of choice.
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
    /// A path by which the open file is reached, and no other that may have taken its name: good while this lives. The
    /// file has [`Entry`]'s MAC at its end, behind what was compiled.
    #[must_use]
    pub fn path(&self) -> PathBuf {
        PathBuf::from(format!("/proc/self/fd/{}", self.file.as_raw_fd()))
    }

    /// Whether the file still is what the MAC was checked over. To be asked once it is mapped.
    #[must_use]
    pub fn is_unchanged(&self) -> bool {
        self.file.metadata().is_ok_and(|metadata| Stamp::of(&metadata) == self.seen)
    }

    /// Notes that the entry is in use, which keeps it from being evicted; to the hour.
    pub fn note_use(&self) {
        let now = SystemTime::now();
        let noted = self.file.metadata().and_then(|metadata| metadata.modified());
        if noted.is_ok_and(|noted| now.duration_since(noted).is_ok_and(|since| since > NOTED)) {
            // That the entry may be evicted early is the worst that comes of a failure.
            let _ = self.file.set_modified(now);
        }
    }
}

/// Opens and checks an entry. None if there is none; else what is wrong with it.
pub(crate) fn open(directory: &File, secret: &Secret, name: &Name, most: u64) -> Result<Option<Entry>, String> {
    // Not to wait for the other end of a pipe that somebody put there.
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::NONBLOCK;
    let file = match rustix::fs::openat(directory, name.file(), flags, Mode::empty()) {
        Ok(file) => File::from(file),
        Err(Errno::NOENT) => return Ok(None),
        Err(Errno::LOOP) => return Err("is a symbolic link".to_owned()),
        Err(error) => return Err(format!("can't be opened: {error}")),
    };
    let failed = |error: io::Error| format!("can't be read: {error}");
    let metadata = file.metadata().map_err(failed)?;
    let (owner, ours) = (metadata.uid(), ours().map_err(failed)?);
    if !metadata.is_file() {
        return Err("is no plain file".to_owned());
    }
    if owner != ours {
        return Err(format!("belongs to uid {owner}"));
    }
    if !is_private(&metadata) {
        return Err(format!("is open to others, with mode {:04o}", metadata.mode() & 0o7777));
    }
    let length = metadata.len();
    let content = length.checked_sub(MAC as u64).filter(|_| length <= most);
    let content = content.ok_or_else(|| format!("has {length} bytes, which no entry has"))?;
    let seen = Stamp::of(&metadata);
    if !is_authentic(&file, secret, name, content).map_err(failed)? {
        return Err("isn't what was written for this code: its MAC is wrong".to_owned());
    }
    Ok(Some(Entry { file, seen }))
}

fn is_authentic(mut file: &File, secret: &Secret, name: &Name, content: u64) -> io::Result<bool> {
    let mut mac = begin(secret, name, content);
    let mut buffer = vec![0; CHUNK];
    let mut left = content;
    while left > 0 {
        let most = usize::try_from(left).unwrap_or(usize::MAX).min(buffer.len());
        let chunk = buffer.get_mut(..most).unwrap_or_default();
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
    let mut mac = begin(secret, name, content.len() as u64);
    mac.update(content);
    file.write_all(content)?;
    file.write_all(mac.finalize().as_bytes())?;
    file.sync_all()
}

/// Bytes that an entry takes with such content.
pub(crate) fn length(content: usize) -> u64 {
    (content as u64).saturating_add(MAC as u64)
}

/// The name is in it, so that an entry which was moved to another's place is found; and the length, so that nothing can
/// be taken from the content to make a name of.
fn begin(secret: &Secret, name: &Name, content: u64) -> blake3::Hasher {
    let mut mac = secret.mac();
    mac.update(FORM);
    mac.update(name.bytes());
    mac.update(&content.to_le_bytes());
    mac
}
