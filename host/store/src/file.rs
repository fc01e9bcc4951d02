//! The store in files: `FILE` (audit), `FILE.bundles` (blobs), and while the run lasts `FILE.journal`, which makes a
//! commit atomic.
//!
//! A commit writes blobs, then audit lines, then one journal line. The journal line is the commit: whatever the files
//! have beyond the last complete line belongs to no commit and is dropped by [`FileStore::recover`]. Sealing writes the
//! seal line and removes the journal: a finished file can't be continued, so nothing is left to recover.
//!
//! The process may die at any point. Against a loss of power, [`Durability::Commit`] syncs at every commit; with
//! [`Durability::Seal`] commits and blobs may be lost, which recovering and recomputing detect.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{BufRead, BufReader, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use countersign_audit::{BEGINNING, ChainWriter, Head, Record, VerifyError, read, verify};
use countersign_model::{HashSlot, Position, StateChange};

use crate::bundles::{BundleReader, BundleWriter, PART, beside};
use crate::disk::Disk;
use crate::journal::{Entries, Fold, JournalEntry};
use crate::memory::{append, check_blobs};
use crate::{Commit, Snapshot, Store, StoreError};

/// When written bytes are made to survive a loss of power.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Durability {
    /// The audit file once, when it is sealed: for a replay, which can be run again. Blobs are left to the system.
    Seal,
    /// At every commit, before it returns: for a host that acts on what it committed.
    Commit,
}

/// What to do about an existing file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Existing {
    /// Refuse it unless it is empty.
    Refuse,
    /// Replace it if it is an audit file, finished or not; refuse anything else.
    Replace,
}

/// The result of recovering.
#[derive(Debug)]
pub enum Recovered {
    /// A run that can continue after its last complete commit.
    Unfinished(FileStore),
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
    chain: ChainWriter,
    length: u64,
    journal_length: u64,
    fold_past: u64,
    condition: Condition,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Condition {
    Whole,
    Broken,
    Sealed,
}

impl FileStore {
    /// Begins an audit file. An existing folder of blobs is reused.
    ///
    /// # Errors
    /// When there is a file that may not be replaced, another process writes it, or a file can't be made.
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

    pub(crate) fn create_on(
        disk: Disk,
        path: &Path,
        existing: Existing,
        durability: Durability,
    ) -> Result<FileStore, StoreError> {
        let mut audit =
            OpenOptions::new().read(true).append(true).create(true).open(path).map_err(StoreError::io("open", path))?;
        lock(&audit, path)?;
        let length = audit.metadata().map_err(StoreError::io("read", path))?.len();
        if length > 0 {
            if existing == Existing::Refuse {
                return Err(StoreError::Exists(path.to_owned()));
            }
            check_beginning(&mut audit, path)?;
        }
        // The old journal is removed first: if it outlived its audit file, it would be taken for the new file's.
        let journal_path = beside(path, ".journal");
        disk.remove(&beside(&journal_path, PART))?;
        disk.remove(&journal_path)?;
        disk.truncate(&audit, path, 0)?;
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
            chain: ChainWriter::new(),
            length: 0,
            journal_length: 0,
            fold_past: FOLD_PAST,
            condition: Condition::Whole,
        })
    }

    pub(crate) fn recover_on(disk: Disk, path: &Path, durability: Durability) -> Result<Recovered, StoreError> {
        let mut audit = OpenOptions::new().read(true).append(true).open(path).map_err(StoreError::io("open", path))?;
        lock(&audit, path)?;
        let journal_path = beside(path, ".journal");
        check_beginning(&mut audit, path)?;
        disk.remove(&beside(&journal_path, PART))?;
        if let Some(head) = sealed(&audit, path)? {
            disk.remove(&journal_path)?;
            return Ok(Recovered::Sealed(head));
        }
        let Some(entries) = Entries::open(&journal_path)? else {
            let empty = audit.metadata().map_err(StoreError::io("read", path))?.len() == 0;
            if empty {
                drop(audit);
                return FileStore::create_on(disk, path, Existing::Refuse, durability).map(Recovered::Unfinished);
            }
            return Err(StoreError::NoJournal(journal_path));
        };
        let found = last_commit(entries, &journal_path, &audit, path)?;
        let journal = open_journal(&journal_path)?;
        disk.truncate(&audit, path, found.length)?;
        disk.truncate(&journal, &journal_path, found.journal_length)?;
        if durability == Durability::Commit {
            disk.sync(&audit, path)?;
            disk.sync(&journal, &journal_path)?;
        }
        Ok(Recovered::Unfinished(FileStore {
            disk,
            durability,
            path: path.to_owned(),
            audit,
            journal_path,
            journal,
            bundles: BundleWriter::new(path),
            chain: found.chain,
            length: found.length,
            journal_length: found.journal_length,
            fold_past: FOLD_PAST.max(found.journal_length * 2),
            condition: Condition::Whole,
        }))
    }

    /// Fails unless the store can be written. Marks it broken until the caller resets that.
    fn begin(&mut self) -> Result<(), StoreError> {
        match self.condition {
            Condition::Whole => {
                self.condition = Condition::Broken;
                Ok(())
            }
            Condition::Broken => Err(StoreError::Broken),
            Condition::Sealed => Err(StoreError::Sealed),
        }
    }

    fn write(&mut self, commit: Commit<'_>, chain: ChainWriter, lines: &[u8]) -> Result<(), StoreError> {
        let sync = self.durability == Durability::Commit;
        self.bundles.put(&self.disk, commit.blobs, sync)?;
        let length = self.length + lines.len() as u64;
        if !lines.is_empty() {
            self.disk.append(&mut self.audit, &self.path, lines)?;
            if sync {
                self.disk.sync(&self.audit, &self.path)?;
            }
        }
        let entry = JournalEntry {
            records: chain.records(),
            length,
            link: chain.link(),
            position: commit.position.clone(),
            blobs: commit.blobs.iter().map(|blob| (blob.name(), blob.bytes().len() as u64)).collect(),
            findings: commit.findings.to_vec(),
            state: commit.state.to_vec(),
            timers: commit.timers.to_vec(),
        };
        let line = entry.line()?;
        self.disk.append(&mut self.journal, &self.journal_path, &line)?;
        if sync {
            self.disk.sync(&self.journal, &self.journal_path)?;
        }
        self.chain = chain;
        self.length = length;
        self.journal_length += line.len() as u64;
        if self.journal_length > self.fold_past { self.fold(commit.position) } else { Ok(()) }
    }

    /// Replaces the journal by one equivalent entry.
    fn fold(&mut self, position: &Position) -> Result<(), StoreError> {
        let fold = self.read_journal()?;
        // If that fails, the journal just keeps growing.
        self.fold_past = self.journal_length * 2;
        let entry = JournalEntry {
            records: self.chain.records(),
            length: self.length,
            link: self.chain.link(),
            position: position.clone(),
            blobs: Vec::new(),
            findings: fold.findings,
            state: fold.state.changes(),
            timers: fold.timers.into_changes(),
        };
        let line = match entry.line() {
            Err(StoreError::CommitTooLarge { .. }) => return Ok(()),
            line => line?,
        };
        // Only once the audit file is durable: there is no going back to earlier entries afterwards.
        self.disk.sync(&self.audit, &self.path)?;
        let part = beside(&self.journal_path, PART);
        self.disk.remove(&part)?;
        let mut file = open_journal(&part)?;
        self.disk.append(&mut file, &part, &line)?;
        self.disk.sync(&file, &part)?;
        self.disk.rename(&part, &self.journal_path)?;
        self.disk.sync_folder(self.path.parent().unwrap_or(&self.path))?;
        self.journal = file;
        self.journal_length = line.len() as u64;
        self.fold_past = FOLD_PAST.max(self.journal_length * 2);
        Ok(())
    }

    /// What is committed, unless the store is broken or sealed.
    fn committed(&self) -> Result<Fold, StoreError> {
        match self.condition {
            Condition::Whole => self.read_journal(),
            Condition::Broken => Err(StoreError::Broken),
            Condition::Sealed => Err(StoreError::Sealed),
        }
    }

    fn read_journal(&self) -> Result<Fold, StoreError> {
        let mut fold = Fold::default();
        if let Some(mut entries) = Entries::open(&self.journal_path)? {
            while let Some((entry, _)) = entries.next(&self.journal_path)? {
                fold.apply(entry);
            }
        }
        Ok(fold)
    }

    #[cfg(test)]
    pub(crate) fn fold_past(&mut self, bytes: u64) {
        self.fold_past = bytes;
    }
}

impl Store for FileStore {
    fn commit(&mut self, commit: Commit<'_>) -> Result<(), StoreError> {
        self.begin()?;
        // Nothing is written before the whole commit is known to be writable.
        let prepared = check_blobs(commit.blobs).and_then(|()| append(self.chain, commit.records));
        let (chain, lines) = match prepared {
            Ok(prepared) => prepared,
            Err(error) => {
                self.condition = Condition::Whole;
                return Err(error);
            }
        };
        self.write(commit, chain, &lines)?;
        self.condition = Condition::Whole;
        Ok(())
    }

    fn seal(&mut self) -> Result<Head, StoreError> {
        self.begin()?;
        let (mut chain, mut line) = (self.chain, Vec::new());
        let head = match chain.seal(&mut line) {
            Ok(head) => head,
            Err(error) => {
                self.condition = Condition::Whole;
                return Err(error.into());
            }
        };
        self.disk.append(&mut self.audit, &self.path, &line)?;
        self.disk.sync(&self.audit, &self.path)?;
        self.disk.remove(&self.journal_path)?;
        self.disk.sync_folder(self.path.parent().unwrap_or(&self.path))?;
        self.chain = chain;
        self.condition = Condition::Sealed;
        Ok(head)
    }

    fn state(&self, hash_slot: HashSlot) -> Result<Vec<StateChange>, StoreError> {
        Ok(self.committed()?.state.hash_slot(hash_slot))
    }

    fn snapshot(&self) -> Result<Snapshot, StoreError> {
        let fold = self.committed()?;
        Ok(Snapshot {
            position: fold.position,
            records: fold.records,
            state: fold.state.changes(),
            timers: fold.timers.into_changes(),
            findings: fold.findings,
        })
    }
}

fn lock(file: &File, path: &Path) -> Result<(), StoreError> {
    file.try_lock().map_err(|error| match error {
        TryLockError::WouldBlock => StoreError::Locked(path.to_owned()),
        TryLockError::Error(source) => StoreError::io("lock", path)(source),
    })
}

fn open_journal(path: &Path) -> Result<File, StoreError> {
    OpenOptions::new().append(true).create(true).open(path).map_err(StoreError::io("open", path))
}

/// Refuses a file that doesn't begin as an audit file does. One whose first line is torn passes.
fn check_beginning(file: &mut File, path: &Path) -> Result<(), StoreError> {
    let mut beginning = Vec::new();
    let mut read = || {
        file.seek(SeekFrom::Start(0))?;
        BufReader::new(&mut *file).take(BEGINNING.len() as u64).read_until(b'\n', &mut beginning)
    };
    read().map_err(StoreError::io("read", path))?;
    if BEGINNING.as_bytes().starts_with(&beginning) { Ok(()) } else { Err(StoreError::NotAnAuditFile(path.to_owned())) }
}

/// The head of an audit file, if it is sealed and verifies.
fn sealed(file: &File, path: &Path) -> Result<Option<Head>, StoreError> {
    let mut reader = BufReader::new(file);
    reader.seek(SeekFrom::Start(0)).map_err(StoreError::io("read", path))?;
    match verify(reader, None) {
        Ok(head) => Ok(Some(head)),
        Err(VerifyError::Faults(_)) => Ok(None),
        Err(VerifyError::Unreadable(error)) => Err(StoreError::io("read", path)(error)),
    }
}

/// The last complete commit.
struct LastCommit {
    chain: ChainWriter,
    length: u64,
    journal_length: u64,
}

fn last_commit<R: BufRead>(
    mut entries: Entries<R>,
    journal_path: &Path,
    audit: &File,
    path: &Path,
) -> Result<LastCommit, StoreError> {
    let mut reader = BufReader::new(audit);
    reader.seek(SeekFrom::Start(0)).map_err(StoreError::io("read", path))?;
    let mut records = read(reader);
    let bundles = BundleReader::open(path);
    let mut last = LastCommit { chain: ChainWriter::new(), length: 0, journal_length: 0 };
    let mut journal_length = 0;
    while let Some((entry, length)) = entries.next(journal_path)? {
        while records.bytes() < entry.length {
            let Some(Ok(read)) = records.next() else { return Ok(last) };
            if matches!(read.record, Record::Seal(_)) {
                return Ok(last);
            }
        }
        let chain = ChainWriter::resume(entry.records, entry.link);
        let blobs = entry.blobs.iter().all(|(name, length)| bundles.length(name) == Some(*length));
        if records.bytes() != entry.length || records.writer() != chain || !blobs {
            return Ok(last);
        }
        journal_length += length;
        last = LastCommit { chain, length: entry.length, journal_length };
    }
    Ok(last)
}
