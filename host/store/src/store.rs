//! The storage trait.

use countersign_audit::{Blob, Head, Record};
use countersign_model::{Finding, HashSlot, Position, StateChange, TimerChange};

use crate::StoreError;

/// What is committed together.
#[derive(Clone, Copy, Debug)]
pub struct Commit<'a> {
    /// Audit records, in order. The first of a file is a header.
    pub records: &'a [Record],
    /// The blobs that these records name, unless stored already.
    pub blobs: &'a [Blob],
    /// Findings, in the stream's order.
    pub findings: &'a [Finding],
    /// Changes of keyed state; the last change of a key counts.
    pub state: &'a [StateChange],
    /// Changes of timers; the last change of a timer counts.
    pub timers: &'a [TimerChange],
    /// How far the stream is processed with this commit.
    pub position: &'a Position,
}

/// The content of a store as of its last commit.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Snapshot {
    /// How far the stream was processed.
    pub position: Position,
    /// The number of audit records.
    pub records: u64,
    /// The state of every key that has one, by hash slot, rule, slot and key; every entry is `Some`.
    pub state: Vec<StateChange>,
    /// Every pending timer, by rule, key and id; every entry is `Some`.
    pub timers: Vec<TimerChange>,
    /// Every finding, in the stream's order.
    pub findings: Vec<Finding>,
}

/// Storage for everything that must survive the process.
///
/// ```
/// use countersign_audit::record::Header;
/// use countersign_audit::{Record, verify};
/// use countersign_model::{DigestKey, Position};
/// use countersign_store::{Commit, MemoryStore, Store};
///
/// let mut store = MemoryStore::new();
/// let records = [Record::Header(Header::new("0.1.0", &DigestKey::public()))];
/// let position = Position { sequenced: 3, inputs: vec![3] };
/// store.commit(Commit { records: &records, blobs: &[], findings: &[], state: &[], timers: &[], position: &position })?;
/// assert_eq!(store.snapshot()?.position, position);
///
/// let head = store.seal()?;
/// assert_eq!(verify(store.audit(), Some(head.digest)).unwrap(), head);
/// # Ok::<(), countersign_store::StoreError>(())
/// ```
pub trait Store {
    /// Commits all of it or nothing. The audit file doesn't depend on how records are grouped into commits.
    ///
    /// # Errors
    /// When it can't be stored: then nothing that depends on it may happen. After an I/O error it may be stored or not; the
    /// store refuses further calls and has to be opened again, which finds out.
    fn commit(&mut self, commit: Commit<'_>) -> Result<(), StoreError>;

    /// Seals the audit file. Nothing can be committed afterwards.
    ///
    /// # Errors
    /// As for [`Store::commit`]; the file is then not sealed.
    fn seal(&mut self) -> Result<Head, StoreError>;

    /// The content as of the last commit, from which an interrupted run continues.
    ///
    /// # Errors
    /// When it can't be read back, this store doesn't keep it, or the file is sealed.
    fn snapshot(&self) -> Result<Snapshot, StoreError>;

    /// The state in one hash slot as of the last commit, by rule, slot and key; every entry is `Some`.
    ///
    /// # Errors
    /// As for [`Store::snapshot`].
    fn state(&self, hash_slot: HashSlot) -> Result<Vec<StateChange>, StoreError>;
}
