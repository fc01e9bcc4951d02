//! The storage trait.

use countersign_audit::{Blob, Head, Record};
use countersign_model::{Finding, HashSlot, Position, StateChange, TimerChange};

use crate::StoreError;

/// What is committed together.
#[derive(Clone, Copy, Debug)]
pub struct Commit<'a> {
    /// Audit records, in order. The first of a file is a header.
    pub records: &'a [Record],
    /// The blobs that these records name, as far as they aren't stored already.
    pub blobs: &'a [Blob],
    /// Findings, in the stream's order.
    pub findings: &'a [Finding],
    /// Changes of keyed state; the last change of a key counts.
    pub state: &'a [StateChange],
    /// Changes of timers; the last change of a timer counts.
    pub timers: &'a [TimerChange],
    /// How far the stream is worked off with this commit.
    pub position: &'a Position,
}

/// What a store holds as of its last commit.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Snapshot {
    /// How far the stream was worked off.
    pub position: Position,
    /// How many audit records there are.
    pub records: u64,
    /// The state of every key that has one, by hash slot, rule, slot and key; every entry is `Some`.
    pub state: Vec<StateChange>,
    /// Every timer that is yet to come, by rule, key and id; every entry is `Some`.
    pub timers: Vec<TimerChange>,
    /// Every finding, in the stream's order.
    pub findings: Vec<Finding>,
}

/// Where everything goes that must outlive the process.
pub trait Store {
    /// Commits all of it or nothing. How records are grouped into commits never shows in the audit file.
    ///
    /// # Errors
    /// When it can't be stored: then nothing that depends on it may happen. After an I/O error it may be stored or not; the
    /// store takes nothing more and must be opened again, which tells.
    fn commit(&mut self, commit: Commit<'_>) -> Result<(), StoreError>;

    /// Seals the audit file. Nothing can be committed afterwards.
    ///
    /// # Errors
    /// When it isn't sealed, as for [`Store::commit`].
    fn seal(&mut self) -> Result<Head, StoreError>;

    /// What is stored as of the last commit: where an interrupted run goes on.
    ///
    /// # Errors
    /// When it can't be read back, or this store doesn't keep it, or the file is sealed.
    fn snapshot(&self) -> Result<Snapshot, StoreError>;

    /// The state that one hash slot holds as of the last commit, by rule, slot and key; every entry is `Some`.
    ///
    /// # Errors
    /// As for [`Store::snapshot`].
    fn state(&self, hash_slot: HashSlot) -> Result<Vec<StateChange>, StoreError>;
}
