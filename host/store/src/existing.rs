//! What is at a path where an audit file is to be written, and removing it.

use std::fmt;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use countersign_audit::{BEGINNING, MAX_LINE, Record, begins, parse};
use countersign_database::{BESIDE, beside};
use countersign_text::path as shown;

use crate::StoreError;
use crate::bundles::{BundleReader, Contents, PART};
use crate::disk::Disk;

/// What to do about a run that is there already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Existing {
    /// Refuse it.
    Refuse,
    /// Remove all that belongs to it: the audit file, its journal and its blobs. Anything else is refused.
    Replace,
}

/// A run that is there already.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExistingRun {
    /// The audit file.
    pub audit: PathBuf,
    /// Its bytes; 0 if there is none.
    pub bytes: u64,
    /// Its records, by its last complete line; none if that isn't a record.
    pub records: Option<u64>,
    /// Whether it ends with a seal. If not, the run was interrupted.
    pub sealed: bool,
    /// The folder of its blobs.
    pub bundles: PathBuf,
    /// How many blobs are in it.
    pub blobs: u64,
    /// Bytes of the blobs.
    pub blob_bytes: u64,
}

impl fmt::Display for ExistingRun {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let condition = if self.sealed { "a finished" } else { "an interrupted" };
        match self.records {
            _ if self.bytes == 0 => f.write_str("what is left of a run")?,
            Some(records) => write!(f, "{condition} audit file of {records} records")?,
            None => write!(f, "{condition} audit file of {} bytes", self.bytes)?,
        }
        match self.blobs {
            0 => Ok(()),
            blobs => write!(f, " with {blobs} blobs in `{}`", shown(&self.bundles)),
        }
    }
}

/// The run at a path, if there is one. Files without content are none.
///
/// # Errors
/// When a file can't be read, or there is something that isn't a run's: that is never replaced.
pub fn existing(audit: &Path) -> Result<Option<ExistingRun>, StoreError> {
    check_regular(audit)?;
    Ok(Found::at(audit)?.run)
}

/// Refuses what is there and no regular file: a device would be replaced, a pipe waits for somebody at its other end, and a
/// link leads elsewhere.
pub(crate) fn check_regular(audit: &Path) -> Result<(), StoreError> {
    countersign_private::check(audit).map(|_| ()).map_err(StoreError::io("read", audit))
}

/// A run with all its files.
pub(crate) struct Found {
    pub(crate) run: Option<ExistingRun>,
    contents: Contents,
}

impl Found {
    pub(crate) fn at(audit: &Path) -> Result<Found, StoreError> {
        let tail = Tail::of(audit)?;
        let bundles = BundleReader::open(audit).folder().to_owned();
        let contents = Contents::of(&bundles)?;
        if let Some(got) = contents.foreign.clone() {
            return Err(StoreError::NotOnlyBlobs { folder: bundles, got });
        }
        let journal = journal_path(audit);
        check_regular(&journal)?;
        let journal = match journal.symlink_metadata() {
            Ok(metadata) => metadata.len(),
            Err(error) if error.kind() == io::ErrorKind::NotFound => 0,
            Err(error) => return Err(StoreError::io("read", &journal)(error)),
        };
        let run = (tail.bytes > 0 || journal > 0 || !contents.blobs.is_empty()).then(|| ExistingRun {
            audit: audit.to_owned(),
            bytes: tail.bytes,
            records: tail.records,
            sealed: tail.sealed,
            bundles,
            blobs: contents.blobs.len() as u64,
            blob_bytes: contents.bytes,
        });
        Ok(Found { run, contents })
    }

    /// Refuses the run unless it may be replaced.
    pub(crate) fn allow(self, existing: Existing) -> Result<Found, StoreError> {
        match self.run {
            Some(run) if existing == Existing::Refuse => Err(StoreError::Exists { run: Box::new(run) }),
            _ => Ok(self),
        }
    }

    /// Removes all of the run but the audit file itself, which `empty` has to cut or remove.
    pub(crate) fn remove(
        &self,
        disk: &Disk,
        audit: &Path,
        empty: impl FnOnce() -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        // The journal is first: if it outlived its audit file, it would be taken for the next one's. The blobs are last:
        // an audit file without them would look whole.
        let journal = journal_path(audit);
        disk.remove(&beside(&journal, PART))?;
        disk.remove(&journal)?;
        empty()?;
        if self.run.is_some() {
            self.contents.remove(disk)?;
            disk.remove_folder(BundleReader::open(audit).folder())?;
        }
        Ok(())
    }
}

/// Whether a path is that of an audit file or a store, or in what is made beside it.
///
/// # Errors
/// When the current folder is unknown.
pub fn belongs_to(path: &Path, kept: &Path) -> io::Result<bool> {
    let (path, kept) = (std::path::absolute(path)?, std::path::absolute(kept)?);
    let journal = journal_path(&kept);
    let folder = BundleReader::open(&kept).folder().to_owned();
    let mut files = vec![beside(&journal, PART), journal, folder];
    files.extend(BESIDE.map(|ending| beside(&kept, ending)));
    files.push(kept);
    Ok(files.iter().any(|file| path.starts_with(file)))
}

/// The journal's path.
pub(crate) fn journal_path(audit: &Path) -> PathBuf {
    beside(audit, ".journal")
}

/// How an audit file ends.
struct Tail {
    bytes: u64,
    records: Option<u64>,
    sealed: bool,
}

impl Tail {
    fn of(audit: &Path) -> Result<Tail, StoreError> {
        let unreadable = || StoreError::io("read", audit);
        let mut file = match countersign_private::read(audit) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Ok(Tail { bytes: 0, records: None, sealed: false });
            }
            Err(error) => return Err(unreadable()(error)),
        };
        check_beginning(&mut file, audit)?;
        let bytes = file.metadata().map_err(unreadable())?.len();
        // The last complete line, and what was torn after it.
        let length = 2 * MAX_LINE as u64;
        let tail = read_tail(&mut file, bytes.saturating_sub(length), length).map_err(unreadable())?;
        let complete = tail.iter().rposition(|byte| *byte == b'\n').and_then(|end| tail.get(..=end));
        let last = complete.and_then(|lines| lines.split_inclusive(|byte| *byte == b'\n').next_back()).and_then(parse);
        Ok(match last.map(|entry| (entry.line, entry.record)) {
            Some((_, Record::Seal(seal))) => Tail { bytes, records: Some(seal.records), sealed: true },
            last => Tail { bytes, records: last.map(|(line, _)| line), sealed: false },
        })
    }
}

#[expect(clippy::disallowed_methods, reason = "capped at two lines")]
fn read_tail(file: &mut File, from: u64, length: u64) -> io::Result<Vec<u8>> {
    let mut tail = Vec::new();
    file.seek(SeekFrom::Start(from))?;
    file.take(length).read_to_end(&mut tail)?;
    Ok(tail)
}

/// Refuses a file that doesn't begin as an audit file does. One whose first line is torn passes.
#[expect(clippy::disallowed_methods, reason = "capped at the beginning's length")]
pub(crate) fn check_beginning(file: &mut File, audit: &Path) -> Result<(), StoreError> {
    let mut beginning = Vec::new();
    let mut read = || {
        file.seek(SeekFrom::Start(0))?;
        file.take(BEGINNING.len() as u64).read_to_end(&mut beginning)
    };
    read().map_err(StoreError::io("read", audit))?;
    if begins(&beginning) { Ok(()) } else { Err(StoreError::NotAnAuditFile(audit.to_owned())) }
}
