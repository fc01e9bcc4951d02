//! The journal: one line a commit, written last. A commit is valid when its line is complete and everything that the line
//! lists is present; so the end of the file may be lost or torn at any byte.
//!
//! A line is an entry as JSON, a space, the SHA-256 of those bytes as 64 digits, and a newline. It has only what the
//! commit changed. When the lines outgrow the state that they describe, they are folded into one.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;

use countersign_model::{Digest, Finding, Position, StateChange, TimerChange};
use serde::{Deserialize, Serialize};

use crate::StoreError;
use crate::memory::{StateMap, TimerMap};

/// Maximum bytes of a line: 256 MiB. A commit has the changes of one chunk; a fold that would be longer isn't made.
pub(crate) const MAX_LINE: usize = 256 << 20;

/// The digest, the space before it and the newline after it.
const TAIL: usize = 1 + 64 + 1;

/// One commit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct JournalEntry {
    /// Audit records so far.
    pub(crate) records: u64,
    /// Bytes of the audit file so far.
    pub(crate) length: u64,
    /// The audit's next link.
    pub(crate) link: Digest,
    /// How far the stream is processed.
    pub(crate) position: Position,
    /// The commit's blobs with their lengths.
    pub(crate) blobs: Vec<(Digest, u64)>,
    /// The commit's findings.
    pub(crate) findings: Vec<Finding>,
    /// The commit's changes of state.
    pub(crate) state: Vec<StateChange>,
    /// The commit's changes of timers.
    pub(crate) timers: Vec<TimerChange>,
}

impl JournalEntry {
    /// Its line.
    pub(crate) fn line(&self) -> Result<Vec<u8>, StoreError> {
        let mut line = serde_json::to_vec(self).map_err(StoreError::Unwritable)?;
        let digest = Digest::of(&line);
        line.extend_from_slice(format!(" {digest}\n").as_bytes());
        if line.len() > MAX_LINE {
            return Err(StoreError::CommitTooLarge { limit: MAX_LINE, got: line.len() });
        }
        Ok(line)
    }

    fn parse(line: &[u8]) -> Option<JournalEntry> {
        let (json, tail) = line.split_at_checked(line.len().checked_sub(TAIL)?)?;
        let whole = tail == format!(" {}\n", Digest::of(json)).as_bytes();
        if whole { serde_json::from_slice(json).ok() } else { None }
    }
}

/// The entries of a journal up to the first incomplete one.
pub(crate) struct Entries<R> {
    reader: R,
    line: Vec<u8>,
}

impl Entries<BufReader<File>> {
    /// Of a file, if it exists.
    pub(crate) fn open(path: &Path) -> Result<Option<Self>, StoreError> {
        match File::open(path) {
            Ok(file) => Ok(Some(Entries { reader: BufReader::new(file), line: Vec::new() })),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(StoreError::io("read", path)(error)),
        }
    }
}

impl<R: BufRead> Entries<R> {
    /// The next entry with its line's length.
    pub(crate) fn next(&mut self, path: &Path) -> Result<Option<(JournalEntry, u64)>, StoreError> {
        self.line.clear();
        let read = (&mut self.reader).take(MAX_LINE as u64).read_until(b'\n', &mut self.line);
        let length = read.map_err(StoreError::io("read", path))? as u64;
        Ok(JournalEntry::parse(&self.line).map(|entry| (entry, length)))
    }
}

/// The entries of a journal applied one after another.
#[derive(Debug, Default)]
pub(crate) struct Fold {
    pub(crate) position: Position,
    pub(crate) records: u64,
    pub(crate) findings: Vec<Finding>,
    pub(crate) state: StateMap,
    pub(crate) timers: TimerMap,
}

impl Fold {
    /// Applies one more entry.
    pub(crate) fn apply(&mut self, entry: JournalEntry) {
        self.position = entry.position;
        self.records = entry.records;
        self.findings.extend(entry.findings);
        entry.state.into_iter().for_each(|change| self.state.apply(change));
        entry.timers.into_iter().for_each(|change| self.timers.apply(change));
    }
}
