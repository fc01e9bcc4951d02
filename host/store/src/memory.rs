//! The store in memory.

use std::collections::BTreeMap;

use countersign_audit::{ChainWriter, Head};
use countersign_model::{Digest, Finding, Intent, StateChange, TimerChange};

use crate::fold::{Changes, Fold};
use crate::prepare::prepare;
use crate::{Commit, KeyValue, StateKey, Store, StoreError, Stored, TimerKey};

/// Keeps everything in memory, for tests.
#[derive(Clone, Debug, Default)]
pub struct MemoryStore {
    end: ChainWriter,
    log: Vec<u8>,
    /// Where each line begins.
    offsets: Vec<usize>,
    blobs: BTreeMap<Digest, Vec<u8>>,
    without_blobs: bool,
    fold: Fold,
}

impl MemoryStore {
    /// An empty one.
    #[must_use]
    pub fn new() -> MemoryStore {
        MemoryStore::default()
    }

    /// One that keeps no blobs.
    #[must_use]
    pub fn without_blobs() -> MemoryStore {
        MemoryStore { without_blobs: true, ..MemoryStore::default() }
    }

    /// The log's bytes.
    #[must_use]
    pub fn audit(&self) -> &[u8] {
        &self.log
    }

    /// The audit file that the log gives when it is sealed here, and its head.
    ///
    /// # Errors
    /// When the log is empty.
    pub fn sealed(&self) -> Result<(Vec<u8>, Head), StoreError> {
        let (mut end, mut file) = (self.end, self.log.clone());
        let head = end.seal(&mut file)?;
        Ok((file, head))
    }
}

impl Stored for MemoryStore {
    fn head(&self) -> Result<ChainWriter, StoreError> {
        Ok(self.end)
    }

    fn lines(&self, from: u64, limit: usize) -> Result<Vec<Vec<u8>>, StoreError> {
        let offset = usize::try_from(from).ok().and_then(|from| self.offsets.get(from));
        let rest = offset.and_then(|offset| self.log.get(*offset..)).unwrap_or_default();
        Ok(rest.split_inclusive(|byte| *byte == b'\n').take(limit).map(<[u8]>::to_vec).collect())
    }

    fn blob(&self, name: &Digest) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(self.blobs.get(name).cloned())
    }

    fn findings(&self, from: u64, limit: usize) -> Result<Vec<Finding>, StoreError> {
        Ok(self.fold.findings(from, limit))
    }

    fn intents(&self, from: u64, limit: usize) -> Result<Vec<Intent>, StoreError> {
        Ok(self.fold.intents(from, limit))
    }

    fn state(&self, after: Option<&StateKey>, limit: usize) -> Result<Vec<StateChange>, StoreError> {
        Ok(self.fold.state(after, limit))
    }

    fn baselines(&self, after: Option<&StateKey>, limit: usize) -> Result<Vec<StateChange>, StoreError> {
        Ok(self.fold.baselines(after, limit))
    }

    fn timers(&self, after: Option<&TimerKey>, limit: usize) -> Result<Vec<TimerChange>, StoreError> {
        Ok(self.fold.timers(after, limit))
    }

    fn memory(&self, space: &str, after: Option<&[u8]>, limit: usize) -> Result<Vec<KeyValue>, StoreError> {
        Ok(self.fold.memory(space, after, limit))
    }
}

impl Store for MemoryStore {
    fn commit(&mut self, commit: Commit<'_>) -> Result<ChainWriter, StoreError> {
        let (end, lines) = prepare(self.end, &commit)?;
        let mut offset = self.log.len();
        for line in lines.split_inclusive(|byte| *byte == b'\n') {
            self.offsets.push(offset);
            offset += line.len();
        }
        self.log.extend_from_slice(&lines);
        for blob in commit.blobs.iter().filter(|_| !self.without_blobs) {
            self.blobs.entry(blob.name()).or_insert_with(|| blob.bytes().to_vec());
        }
        self.fold.apply(Changes::from(&commit));
        self.end = end;
        Ok(end)
    }
}
