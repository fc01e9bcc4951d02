//! The store that keeps nothing but the end of the log.

use countersign_audit::ChainWriter;
use countersign_model::{Digest, Finding, Intent, StateChange, TimerChange};

use crate::prepare::prepare;
use crate::{Commit, KeyValue, StateKey, Store, StoreError, Stored, TimerKey};

/// Keeps nothing but the end of the log, for a run that leaves no record: its head equals that of a run that does. Every
/// page that is read of it is empty.
#[derive(Clone, Copy, Debug, Default)]
pub struct HeadStore {
    end: ChainWriter,
}

impl HeadStore {
    /// An empty one.
    #[must_use]
    pub fn new() -> HeadStore {
        HeadStore::default()
    }
}

impl Stored for HeadStore {
    fn head(&self) -> Result<ChainWriter, StoreError> {
        Ok(self.end)
    }

    fn lines(&self, _: u64, _: usize) -> Result<Vec<Vec<u8>>, StoreError> {
        Ok(Vec::new())
    }

    fn blob(&self, _: &Digest) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(None)
    }

    fn findings(&self, _: u64, _: usize) -> Result<Vec<Finding>, StoreError> {
        Ok(Vec::new())
    }

    fn intents(&self, _: u64, _: usize) -> Result<Vec<Intent>, StoreError> {
        Ok(Vec::new())
    }

    fn state(&self, _: Option<&StateKey>, _: usize) -> Result<Vec<StateChange>, StoreError> {
        Ok(Vec::new())
    }

    fn baselines(&self, _: Option<&StateKey>, _: usize) -> Result<Vec<StateChange>, StoreError> {
        Ok(Vec::new())
    }

    fn timers(&self, _: Option<&TimerKey>, _: usize) -> Result<Vec<TimerChange>, StoreError> {
        Ok(Vec::new())
    }

    fn memory(&self, _: &str, _: Option<&[u8]>, _: usize) -> Result<Vec<KeyValue>, StoreError> {
        Ok(Vec::new())
    }
}

impl Store for HeadStore {
    fn keeps(&self) -> bool {
        false
    }

    fn commit(&mut self, commit: Commit<'_>) -> Result<ChainWriter, StoreError> {
        self.end = prepare(self.end, &commit)?.0;
        Ok(self.end)
    }
}
