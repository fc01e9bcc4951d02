//! Stores without files.

use std::collections::BTreeMap;

use countersign_audit::{Blob, ChainWriter, Head};
use countersign_model::{
    Digest, Finding, HashSlot, Position, RuleId, StateChange, StateEntry, TimerChange, TimerEntry,
};

use crate::{Commit, Snapshot, Store, StoreError};

/// State by hash slot, then by rule, slot and key.
#[derive(Clone, Debug, Default)]
pub(crate) struct StateMap(BTreeMap<HashSlot, BTreeMap<(RuleId, u32, String), StateEntry>>);

impl StateMap {
    pub(crate) fn apply(&mut self, change: StateChange) {
        let hash_slot = change.hash_slot();
        let StateChange { rule, slot, key, entry } = change;
        let part = self.0.entry(hash_slot).or_default();
        match entry {
            Some(entry) => part.insert((rule, slot, key), entry),
            None => part.remove(&(rule, slot, key)),
        };
    }

    /// The state in one hash slot.
    pub(crate) fn hash_slot(&self, hash_slot: HashSlot) -> Vec<StateChange> {
        self.0.get(&hash_slot).into_iter().flat_map(changes).collect()
    }

    /// Everything, hash slot by hash slot.
    pub(crate) fn changes(&self) -> Vec<StateChange> {
        self.0.values().flat_map(changes).collect()
    }
}

fn changes(part: &BTreeMap<(RuleId, u32, String), StateEntry>) -> impl Iterator<Item = StateChange> {
    part.iter().map(|((rule, slot, key), entry)| StateChange {
        rule: rule.clone(),
        slot: *slot,
        key: key.clone(),
        entry: Some(entry.clone()),
    })
}

/// Timers by rule, key and id.
#[derive(Clone, Debug, Default)]
pub(crate) struct TimerMap(BTreeMap<(RuleId, String, String), TimerEntry>);

impl TimerMap {
    pub(crate) fn apply(&mut self, change: TimerChange) {
        let TimerChange { rule, key, id, entry } = change;
        match entry {
            Some(entry) => self.0.insert((rule, key, id), entry),
            None => self.0.remove(&(rule, key, id)),
        };
    }

    pub(crate) fn into_changes(self) -> Vec<TimerChange> {
        self.0.into_iter().map(|((rule, key, id), entry)| TimerChange { rule, key, id, entry: Some(entry) }).collect()
    }
}

/// Keeps everything in memory, for tests.
#[derive(Clone, Debug, Default)]
pub struct MemoryStore {
    chain: ChainWriter,
    sealed: bool,
    audit: Vec<u8>,
    blobs: BTreeMap<Digest, Vec<u8>>,
    findings: Vec<Finding>,
    state: StateMap,
    timers: TimerMap,
    position: Position,
}

impl MemoryStore {
    /// An empty one.
    #[must_use]
    pub fn new() -> MemoryStore {
        MemoryStore::default()
    }

    /// The audit file's bytes.
    #[must_use]
    pub fn audit(&self) -> &[u8] {
        &self.audit
    }

    /// A blob by its name.
    #[must_use]
    pub fn blob(&self, name: &Digest) -> Option<&[u8]> {
        self.blobs.get(name).map(Vec::as_slice)
    }
}

impl Store for MemoryStore {
    fn commit(&mut self, commit: Commit<'_>) -> Result<(), StoreError> {
        check_blobs(commit.blobs)?;
        let (chain, lines) = append(self.chain, commit.records)?;
        self.chain = chain;
        self.audit.extend_from_slice(&lines);
        self.blobs.extend(commit.blobs.iter().map(|blob| (blob.name(), blob.bytes().to_vec())));
        self.findings.extend_from_slice(commit.findings);
        commit.state.iter().cloned().for_each(|change| self.state.apply(change));
        commit.timers.iter().cloned().for_each(|change| self.timers.apply(change));
        self.position = commit.position.clone();
        Ok(())
    }

    fn seal(&mut self) -> Result<Head, StoreError> {
        let head = self.chain.seal(&mut self.audit)?;
        self.sealed = true;
        Ok(head)
    }

    fn snapshot(&self) -> Result<Snapshot, StoreError> {
        if self.sealed {
            return Err(StoreError::Sealed);
        }
        Ok(Snapshot {
            position: self.position.clone(),
            records: self.chain.records(),
            state: self.state.changes(),
            timers: self.timers.clone().into_changes(),
            findings: self.findings.clone(),
        })
    }

    fn state(&self, hash_slot: HashSlot) -> Result<Vec<StateChange>, StoreError> {
        if self.sealed { Err(StoreError::Sealed) } else { Ok(self.state.hash_slot(hash_slot)) }
    }
}

/// Keeps nothing but the end of the chain, for a run without an audit file. Its head equals that of a run with one.
#[derive(Clone, Copy, Debug, Default)]
pub struct HeadStore {
    chain: ChainWriter,
}

impl HeadStore {
    /// An empty one.
    #[must_use]
    pub fn new() -> HeadStore {
        HeadStore::default()
    }

    /// The number of committed records.
    #[must_use]
    pub const fn records(&self) -> u64 {
        self.chain.records()
    }
}

impl Store for HeadStore {
    fn commit(&mut self, commit: Commit<'_>) -> Result<(), StoreError> {
        check_blobs(commit.blobs)?;
        self.chain = append(self.chain, commit.records)?.0;
        Ok(())
    }

    fn seal(&mut self) -> Result<Head, StoreError> {
        Ok(self.chain.seal(&mut Vec::new())?)
    }

    fn snapshot(&self) -> Result<Snapshot, StoreError> {
        Err(StoreError::NotKept("state and findings"))
    }

    fn state(&self, _: HashSlot) -> Result<Vec<StateChange>, StoreError> {
        Err(StoreError::NotKept("state and findings"))
    }
}

/// The lines of some records, and the chain after them.
pub(crate) fn append(
    mut chain: ChainWriter,
    records: &[countersign_audit::Record],
) -> Result<(ChainWriter, Vec<u8>), StoreError> {
    let mut lines = Vec::new();
    for record in records {
        chain.append(record, &mut lines)?;
    }
    Ok((chain, lines))
}

/// Refuses blobs that a reader would refuse.
pub(crate) fn check_blobs(blobs: &[Blob]) -> Result<(), StoreError> {
    match blobs.iter().find(|blob| blob.bytes().len() > Blob::MAX_BYTES) {
        Some(blob) => {
            Err(StoreError::BlobTooLarge { name: blob.name(), limit: Blob::MAX_BYTES, got: blob.bytes().len() as u64 })
        }
        None => Ok(()),
    }
}
