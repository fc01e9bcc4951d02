//! The store in files: `FILE` (audit), `FILE.bundles` (blobs), and while the run lasts `FILE.journal`, which makes a
//! commit atomic.
//!
//! A commit writes blobs, then audit lines, then the journal's lines. The last of them is the commit: whatever the files
//! have beyond it belongs to no commit and is dropped by [`FileStore::recover`]. Sealing writes the seal line and removes
//! the journal: a finished file can't be continued, so nothing is left to recover.
//!
//! The process may die at any point. Against a loss of power, [`Durability::Commit`] syncs at every commit; with
//! [`Durability::Seal`] commits and blobs may be lost, which recovering and recomputing detect.

use std::cell::RefCell;
use std::fs::{File, TryLockError};
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use countersign_audit::{ChainWriter, Head, Record, Verified, VerifyError, read, verify};
use countersign_database::beside;
use countersign_model::{Digest, Finding, Intent, StateChange, TimerChange};

use crate::bundles::{BundleReader, BundleWriter, PART};
use crate::disk::Disk;
use crate::existing::{Existing, Found, check_beginning, check_regular, journal_path};
use crate::fold::Fold;
use crate::journal::{End, Entries, MAX_PART, Part, write_fold};
use crate::prepare::prepare;
use crate::{Commit, KeyValue, StateKey, Store, StoreError, Stored, TimerKey};

/// When written bytes are made to survive a loss of power.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Durability {
    /// The audit file once, when it is sealed: for a replay, which can be run again. Blobs are left to the system.
    Seal,
    /// At every commit, before it returns: for a host that acts on what it committed.
    Commit,
}

/// The result of recovering.
#[derive(Debug)]
pub enum Recovered {
    /// A run that can continue after its last complete commit.
    Unfinished(Box<FileStore>),
    /// A finished file.
    Sealed(Head),
}

/// The journal is folded when it is longer than this, and twice as long as it was after the last fold.
const FOLD_PAST: u64 = 64 << 20;

/// An audit file that is being written, with its blobs and journal. Holds a lock on the audit file.
#[derive(Debug)]
pub struct FileStore {
    disk: Disk,
    durability: Durability,
    path: PathBuf,
    audit: File,
    journal_path: PathBuf,
    journal: File,
    bundles: BundleWriter,
    end: ChainWriter,
    length: u64,
    journal_length: u64,
    fold_past: u64,
    max_part: usize,
    condition: Condition,
    read: RefCell<ReadAhead>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Condition {
    Whole,
    Broken,
    Sealed,
}

/// What was read so far, so that reading page after page doesn't begin anew.
#[derive(Debug, Default)]
struct ReadAhead {
    /// The journal, up to an offset.
    fold: Fold,
    journal: u64,
    /// Where in the audit file the line with this sequence number begins.
    line: (u64, u64),
}

impl FileStore {
    /// Begins an audit file.
    ///
    /// # Errors
    /// When there is something that may not be replaced, another process writes it, or a file can't be made.
    pub fn create(path: &Path, existing: Existing, durability: Durability) -> Result<FileStore, StoreError> {
        FileStore::create_on(Disk::default(), path, existing, durability)
    }

    /// Continues an unfinished audit file after its last complete commit; drops what belongs to none.
    ///
    /// # Errors
    /// When there is no audit file, it is unfinished without a journal, another process writes it, or a file can't be
    /// read or cut.
    pub fn recover(path: &Path, durability: Durability) -> Result<Recovered, StoreError> {
        FileStore::recover_on(Disk::default(), path, durability)
    }

    /// Writes the seal and removes the journal. Nothing can be committed or read afterwards.
    ///
    /// # Errors
    /// When the log is empty or was sealed already, or the seal can't be written.
    pub fn seal(&mut self) -> Result<Head, StoreError> {
        self.whole()?;
        let (mut end, mut line) = (self.end, Vec::new());
        let head = end.seal(&mut line)?;
        self.condition = Condition::Broken;
        self.disk.append(&self.audit, &self.path, &line)?;
        self.disk.sync(&self.audit, &self.path)?;
        self.disk.remove(&self.journal_path)?;
        self.disk.sync_folder(self.path.parent().unwrap_or(&self.path))?;
        self.condition = Condition::Sealed;
        Ok(head)
    }

    pub(crate) fn create_on(
        disk: Disk,
        path: &Path,
        existing: Existing,
        durability: Durability,
    ) -> Result<FileStore, StoreError> {
        check_regular(path)?;
        // What is there is looked at under its lock, and nothing is made where it is refused.
        let audit = match countersign_private::append_as_it_is(path) {
            Ok(audit) => Some(audit),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(StoreError::io("open", path)(error)),
        };
        audit.iter().try_for_each(|audit| lock(audit, path))?;
        let found = Found::at(path)?.allow(existing)?;
        let audit = match audit {
            Some(audit) => {
                countersign_private::close_to_others(&audit).map_err(StoreError::io("open", path))?;
                audit
            }
            None => {
                let audit = countersign_private::create_new(path).map_err(StoreError::io("make", path))?;
                lock(&audit, path)?;
                audit
            }
        };
        found.remove(&disk, path, || disk.truncate(&audit, path, 0))?;
        let journal_path = journal_path(path);
        let journal = open_journal(&journal_path)?;
        if durability == Durability::Commit {
            disk.sync(&audit, path)?;
            disk.sync(&journal, &journal_path)?;
            disk.sync_folder(path.parent().unwrap_or(path))?;
        }
        Ok(FileStore {
            disk,
            durability,
            path: path.to_owned(),
            audit,
            journal_path,
            journal,
            bundles: BundleWriter::new(path),
            end: ChainWriter::new(),
            length: 0,
            journal_length: 0,
            fold_past: FOLD_PAST,
            max_part: MAX_PART,
            condition: Condition::Whole,
            read: RefCell::default(),
        })
    }

    pub(crate) fn recover_on(disk: Disk, path: &Path, durability: Durability) -> Result<Recovered, StoreError> {
        let mut audit = countersign_private::append_as_it_is(path).map_err(StoreError::io("open", path))?;
        lock(&audit, path)?;
        let journal_path = journal_path(path);
        check_beginning(&mut audit, path)?;
        countersign_private::close_to_others(&audit).map_err(StoreError::io("open", path))?;
        disk.remove(&beside(&journal_path, PART))?;
        if let Some(head) = sealed(&audit, path)? {
            disk.remove(&journal_path)?;
            return Ok(Recovered::Sealed(head));
        }
        let Some(entries) = Entries::open(&journal_path, 0)? else {
            let empty = audit.metadata().map_err(StoreError::io("read", path))?.len() == 0;
            if empty {
                drop(audit);
                return FileStore::create_on(disk, path, Existing::Refuse, durability)
                    .map(Box::new)
                    .map(Recovered::Unfinished);
            }
            return Err(StoreError::NoJournal(journal_path));
        };
        let found = last_commit(entries, &audit, path)?;
        let journal = open_journal(&journal_path)?;
        disk.truncate(&audit, path, found.length)?;
        disk.truncate(&journal, &journal_path, found.journal_length)?;
        if durability == Durability::Commit {
            disk.sync(&audit, path)?;
            disk.sync(&journal, &journal_path)?;
        }
        Ok(Recovered::Unfinished(Box::new(FileStore {
            disk,
            durability,
            path: path.to_owned(),
            audit,
            journal_path,
            journal,
            bundles: BundleWriter::new(path),
            end: found.end,
            length: found.length,
            journal_length: found.journal_length,
            fold_past: FOLD_PAST.max(found.journal_length * 2),
            max_part: MAX_PART,
            condition: Condition::Whole,
            read: RefCell::default(),
        })))
    }

    /// Fails unless the store can be used.
    fn whole(&self) -> Result<(), StoreError> {
        match self.condition {
            Condition::Whole => Ok(()),
            Condition::Broken => Err(StoreError::Broken),
            Condition::Sealed => Err(StoreError::Sealed),
        }
    }

    fn write(&mut self, commit: &Commit<'_>, end: ChainWriter, lines: &[u8]) -> Result<(), StoreError> {
        let sync = self.durability == Durability::Commit;
        self.bundles.put(&self.disk, commit.blobs, sync)?;
        let length = self.length + lines.len() as u64;
        if !lines.is_empty() {
            self.disk.append(&self.audit, &self.path, lines)?;
            if sync {
                self.disk.sync(&self.audit, &self.path)?;
            }
        }
        let mut journal_length = self.journal_length;
        Part::new(commit, End { records: end.records(), length, link: end.link() }).write(
            self.max_part,
            &mut |line| {
                journal_length += line.len() as u64;
                self.disk.append(&self.journal, &self.journal_path, line)
            },
        )?;
        if sync {
            self.disk.sync(&self.journal, &self.journal_path)?;
        }
        self.end = end;
        self.length = length;
        self.journal_length = journal_length;
        if self.journal_length > self.fold_past { self.fold() } else { Ok(()) }
    }

    /// Replaces the journal by one equivalent commit.
    fn fold(&mut self) -> Result<(), StoreError> {
        let mut fold = std::mem::take(self.read.get_mut());
        self.catch_up(&mut fold)?;
        // Only once the audit file is durable: there is no going back to earlier commits afterwards.
        self.disk.sync(&self.audit, &self.path)?;
        let part = beside(&self.journal_path, PART);
        self.disk.remove(&part)?;
        let (file, mut length) = (open_journal(&part)?, 0);
        let end = End { records: self.end.records(), length: self.length, link: self.end.link() };
        write_fold(&fold.fold, end, self.max_part, &mut |line| {
            length += line.len() as u64;
            self.disk.append(&file, &part, line)
        })?;
        self.disk.sync(&file, &part)?;
        self.disk.rename(&part, &self.journal_path)?;
        self.disk.sync_folder(self.path.parent().unwrap_or(&self.path))?;
        self.journal = file;
        self.journal_length = length;
        self.fold_past = FOLD_PAST.max(length * 2);
        Ok(())
    }

    /// Reads the rest of the journal.
    fn catch_up(&self, read: &mut ReadAhead) -> Result<(), StoreError> {
        if read.journal < self.journal_length
            && let Some(mut entries) = Entries::open(&self.journal_path, read.journal)?
        {
            while read.journal < self.journal_length
                && let Some(entry) = entries.next()?
            {
                read.fold.apply(entry.changes);
                read.journal += entry.bytes;
            }
        }
        Ok(())
    }

    /// Reads from all that is committed.
    fn folded<T>(&self, page: impl FnOnce(&Fold) -> T) -> Result<T, StoreError> {
        self.whole()?;
        let mut read = self.read.borrow_mut();
        self.catch_up(&mut read)?;
        Ok(page(&read.fold))
    }

    #[cfg(test)]
    pub(crate) fn limits(&mut self, fold_past: u64, max_part: usize) {
        (self.fold_past, self.max_part) = (fold_past, max_part);
    }
}

impl Stored for FileStore {
    fn head(&self) -> Result<ChainWriter, StoreError> {
        self.whole()?;
        Ok(self.end)
    }

    fn lines(&self, from: u64, limit: usize) -> Result<Vec<Vec<u8>>, StoreError> {
        self.whole()?;
        let mut read = self.read.borrow_mut();
        let (mut seq, mut offset) = if read.line.0 <= from { read.line } else { (0, 0) };
        let mut audit = &self.audit;
        // Writing isn't affected: it always happens at the file's end.
        audit.seek(SeekFrom::Start(offset)).map_err(StoreError::io("read", &self.path))?;
        let mut reader = BufReader::new(audit.take(self.length.saturating_sub(offset)));
        let mut lines = Vec::new();
        while lines.len() < limit {
            let mut line = Vec::new();
            reader.read_until(b'\n', &mut line).map_err(StoreError::io("read", &self.path))?;
            if line.is_empty() {
                break;
            }
            offset += line.len() as u64;
            if seq >= from {
                lines.push(line);
            }
            seq += 1;
        }
        read.line = (seq, offset);
        Ok(lines)
    }

    fn blob(&self, name: &Digest) -> Result<Option<Vec<u8>>, StoreError> {
        self.whole()?;
        self.bundles.reader().bytes(name)
    }

    fn findings(&self, from: u64, limit: usize) -> Result<Vec<Finding>, StoreError> {
        self.folded(|fold| fold.findings(from, limit))
    }

    fn intents(&self, from: u64, limit: usize) -> Result<Vec<Intent>, StoreError> {
        self.folded(|fold| fold.intents(from, limit))
    }

    fn state(&self, after: Option<&StateKey>, limit: usize) -> Result<Vec<StateChange>, StoreError> {
        self.folded(|fold| fold.state(after, limit))
    }

    fn baselines(&self, after: Option<&StateKey>, limit: usize) -> Result<Vec<StateChange>, StoreError> {
        self.folded(|fold| fold.baselines(after, limit))
    }

    fn timers(&self, after: Option<&TimerKey>, limit: usize) -> Result<Vec<TimerChange>, StoreError> {
        self.folded(|fold| fold.timers(after, limit))
    }

    fn memory(&self, space: &str, after: Option<&[u8]>, limit: usize) -> Result<Vec<KeyValue>, StoreError> {
        self.folded(|fold| fold.memory(space, after, limit))
    }
}

impl Store for FileStore {
    fn commit(&mut self, commit: Commit<'_>) -> Result<ChainWriter, StoreError> {
        self.whole()?;
        // Nothing is written before the whole commit is known to be writable.
        let (end, lines) = prepare(self.end, &commit)?;
        self.condition = Condition::Broken;
        self.write(&commit, end, &lines)?;
        self.condition = Condition::Whole;
        Ok(end)
    }
}

pub(crate) fn lock(file: &File, path: &Path) -> Result<(), StoreError> {
    file.try_lock().map_err(|error| match error {
        TryLockError::WouldBlock => StoreError::Locked(path.to_owned()),
        TryLockError::Error(source) => StoreError::io("lock", path)(source),
    })
}

fn open_journal(path: &Path) -> Result<File, StoreError> {
    countersign_private::append_or_create(path).map_err(StoreError::io("open", path))
}

/// The head of an audit file, if it is sealed and verifies.
fn sealed(file: &File, path: &Path) -> Result<Option<Head>, StoreError> {
    let mut reader = BufReader::new(file);
    reader.seek(SeekFrom::Start(0)).map_err(StoreError::io("read", path))?;
    match verify(reader, None) {
        Ok(Verified::Sealed(head)) => Ok(Some(head)),
        Ok(Verified::Unsealed(_)) | Err(VerifyError::Faults(_)) => Ok(None),
        Err(VerifyError::Unreadable(error)) => Err(StoreError::io("read", path)(error)),
    }
}

/// The last complete commit.
struct LastCommit {
    end: ChainWriter,
    length: u64,
    journal_length: u64,
}

fn last_commit<R: BufRead>(mut entries: Entries<'_, R>, audit: &File, path: &Path) -> Result<LastCommit, StoreError> {
    let mut reader = BufReader::new(audit);
    reader.seek(SeekFrom::Start(0)).map_err(StoreError::io("read", path))?;
    let mut records = read(reader);
    let bundles = BundleReader::open(path);
    let mut last = LastCommit { end: ChainWriter::new(), length: 0, journal_length: 0 };
    while let Some(entry) = entries.next()? {
        while records.bytes() < entry.end.length {
            let Some(Ok(read)) = records.next() else { return Ok(last) };
            if matches!(read.record, Record::Seal(_)) {
                return Ok(last);
            }
        }
        let end = ChainWriter::resume(entry.end.records, entry.end.link);
        let blobs = entry.blobs.iter().all(|(name, length)| bundles.length(name) == Some(*length));
        if records.bytes() != entry.end.length || records.writer() != end || !blobs {
            return Ok(last);
        }
        last = LastCommit { end, length: entry.end.length, journal_length: last.journal_length + entry.bytes };
    }
    Ok(last)
}
