//! Stores that begin with what another one had at one moment, and keep nothing of their own: for judging aside from copied
//! state.

use std::cell::RefCell;
use std::rc::Rc;

use countersign_audit::ChainWriter;
use countersign_model::{Digest, Finding, Intent, StateChange, TimerChange};

use crate::prepare::prepare;
use crate::{Commit, KeyValue, SqliteReader, StateKey, Store, StoreError, Stored, TimerKey};

/// What a store had at one moment, until it is let go: as long as it is held, the store's file beside it only grows.
#[derive(Clone, Debug)]
pub struct Snapshot(Rc<RefCell<Option<SqliteReader>>>);

impl Snapshot {
    /// Holds what a store has now.
    ///
    /// # Errors
    /// When it can't be read.
    pub fn of(reader: SqliteReader) -> Result<Snapshot, StoreError> {
        reader.hold()?;
        Ok(Snapshot(Rc::new(RefCell::new(Some(reader)))))
    }

    /// A store that begins with it.
    ///
    /// # Errors
    /// When it can't be read, or was let go.
    pub fn fork(&self) -> Result<ForkStore, StoreError> {
        let end = self.0.borrow().as_ref().map(Stored::head).transpose()?;
        Ok(ForkStore { base: self.clone(), end: end.ok_or(StoreError::Broken)? })
    }

    /// Lets it go, once what was forked has been read.
    pub fn release(&self) {
        self.0.replace(None);
    }

    /// A page of what it holds; empty once it was let go.
    fn page<T>(&self, read: impl FnOnce(&SqliteReader) -> Result<T, StoreError>) -> Result<T, StoreError>
    where
        T: Default,
    {
        self.0.borrow().as_ref().map_or_else(|| Ok(T::default()), read)
    }
}

/// Reads what a [`Snapshot`] holds, and keeps nothing but the end of the log: its head equals that of a store that went on.
#[derive(Debug)]
pub struct ForkStore {
    base: Snapshot,
    end: ChainWriter,
}

impl Stored for ForkStore {
    fn head(&self) -> Result<ChainWriter, StoreError> {
        Ok(self.end)
    }

    fn lines(&self, from: u64, limit: usize) -> Result<Vec<Vec<u8>>, StoreError> {
        self.base.page(|base| base.lines(from, limit))
    }

    fn blob(&self, name: &Digest) -> Result<Option<Vec<u8>>, StoreError> {
        self.base.page(|base| base.blob(name))
    }

    fn findings(&self, from: u64, limit: usize) -> Result<Vec<Finding>, StoreError> {
        self.base.page(|base| base.findings(from, limit))
    }

    fn intents(&self, from: u64, limit: usize) -> Result<Vec<Intent>, StoreError> {
        self.base.page(|base| base.intents(from, limit))
    }

    fn state(&self, after: Option<&StateKey>, limit: usize) -> Result<Vec<StateChange>, StoreError> {
        self.base.page(|base| base.state(after, limit))
    }

    fn baselines(&self, after: Option<&StateKey>, limit: usize) -> Result<Vec<StateChange>, StoreError> {
        self.base.page(|base| base.baselines(after, limit))
    }

    fn timers(&self, after: Option<&TimerKey>, limit: usize) -> Result<Vec<TimerChange>, StoreError> {
        self.base.page(|base| base.timers(after, limit))
    }

    fn memory(&self, space: &str, after: Option<&[u8]>, limit: usize) -> Result<Vec<KeyValue>, StoreError> {
        self.base.page(|base| base.memory(space, after, limit))
    }
}

impl Store for ForkStore {
    fn keeps(&self) -> bool {
        false
    }

    fn commit(&mut self, commit: Commit<'_>) -> Result<ChainWriter, StoreError> {
        self.end = prepare(self.end, &commit)?.0;
        Ok(self.end)
    }
}
