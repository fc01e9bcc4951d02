//! The storage trait: what is committed together, and what can be read back.

use countersign_audit::{Blob, ChainWriter, Record};
use countersign_model::{Digest, Finding, Intent, RuleId, StateChange, TimerChange};

use crate::{Beginning, StoreError};

/// What is committed together.
#[derive(Clone, Copy, Debug)]
pub struct Commit<'a> {
    /// The end of the log that the writer expects. Another one means that somebody else has written: nothing is stored.
    pub expected: ChainWriter,
    /// Audit records, in order. The first of a log is a header.
    pub records: &'a [Record],
    /// The blobs that these records name, unless stored already.
    pub blobs: &'a [Blob],
    /// Findings, in the stream's order.
    pub findings: &'a [Finding],
    /// Intents, in the order of their decisions.
    pub intents: &'a [Intent],
    /// Whether a tick lies between the commit before and this one: then all baselines stored before are removed first.
    pub tick: bool,
    /// The state as of the last tick of keys that changed for the first time since; no entry: the key had none. The
    /// first baseline of a key since a tick counts.
    pub baselines: &'a [StateChange],
    /// Changes of keyed state; the last change of a key counts.
    pub state: &'a [StateChange],
    /// Changes of timers; the last change of a timer counts.
    pub timers: &'a [TimerChange],
    /// Changes of memory; the last change of a key counts.
    pub memory: &'a [MemoryChange],
}

impl Commit<'_> {
    /// A commit of nothing, to be filled with `..Commit::empty(…)`.
    #[must_use]
    pub const fn empty(expected: ChainWriter) -> Commit<'static> {
        Commit {
            expected,
            records: &[],
            blobs: &[],
            findings: &[],
            intents: &[],
            tick: false,
            baselines: &[],
            state: &[],
            timers: &[],
            memory: &[],
        }
    }
}

/// A change of the host's own memory: what a session has to know again when it resumes, by space and key. What the bytes
/// mean is up to the session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MemoryChange {
    /// The space, such as `horizon`.
    pub space: &'static str,
    /// The key; rows of a space are read in the order of their keys' bytes.
    pub key: Vec<u8>,
    /// The value; none removes the key.
    pub value: Option<Vec<u8>>,
}

/// A key of memory with its value.
pub type KeyValue = (Vec<u8>, Vec<u8>);

/// The place of an entry of keyed state.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StateKey {
    /// The rule.
    pub rule: RuleId,
    /// The slot, by its declared name.
    pub slot: String,
    /// The partition key's text.
    pub key: String,
}

/// The place of a timer.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TimerKey {
    /// The rule.
    pub rule: RuleId,
    /// The partition key's text.
    pub key: String,
    /// The timer's declared id.
    pub id: String,
}

impl From<&StateChange> for StateKey {
    fn from(change: &StateChange) -> StateKey {
        StateKey { rule: change.rule.clone(), slot: change.slot.clone(), key: change.key.clone() }
    }
}

impl From<&TimerChange> for TimerKey {
    fn from(change: &TimerChange) -> TimerKey {
        TimerKey { rule: change.rule.clone(), key: change.key.clone(), id: change.id.clone() }
    }
}

/// What can be read of a store, as of its last commit. Every list is read in pages of at most `limit` members, each page
/// after the last member of the one before; a shorter page is the last.
pub trait Stored {
    /// The end of the log.
    ///
    /// # Errors
    /// When it can't be read back, or the store failed while writing; so for all others.
    fn head(&self) -> Result<ChainWriter, StoreError>;

    /// Where what is kept of the log begins; none if that is its first record.
    ///
    /// # Errors
    /// See [`Stored::head`].
    fn beginning(&self) -> Result<Option<Beginning>, StoreError> {
        Ok(None)
    }

    /// The exact bytes of the log's lines from a sequence number on, newlines included.
    ///
    /// # Errors
    /// See [`Stored::head`].
    fn lines(&self, from: u64, limit: usize) -> Result<Vec<Vec<u8>>, StoreError>;

    /// A blob's bytes; none if there is none of this name. The digest isn't checked.
    ///
    /// # Errors
    /// See [`Stored::head`].
    fn blob(&self, name: &Digest) -> Result<Option<Vec<u8>>, StoreError>;

    /// Findings from an ordinal on, in the stream's order.
    ///
    /// # Errors
    /// See [`Stored::head`].
    fn findings(&self, from: u64, limit: usize) -> Result<Vec<Finding>, StoreError>;

    /// Intents from an ordinal on, in the order of their decisions.
    ///
    /// # Errors
    /// See [`Stored::head`].
    fn intents(&self, from: u64, limit: usize) -> Result<Vec<Intent>, StoreError>;

    /// Keyed state by rule, slot and key; every entry is `Some`.
    ///
    /// # Errors
    /// See [`Stored::head`].
    fn state(&self, after: Option<&StateKey>, limit: usize) -> Result<Vec<StateChange>, StoreError>;

    /// Baselines by rule, slot and key.
    ///
    /// # Errors
    /// See [`Stored::head`].
    fn baselines(&self, after: Option<&StateKey>, limit: usize) -> Result<Vec<StateChange>, StoreError>;

    /// Pending timers by rule, key and id; every entry is `Some`.
    ///
    /// # Errors
    /// See [`Stored::head`].
    fn timers(&self, after: Option<&TimerKey>, limit: usize) -> Result<Vec<TimerChange>, StoreError>;

    /// The keys of a space with their values, in the order of the keys' bytes.
    ///
    /// # Errors
    /// See [`Stored::head`].
    fn memory(&self, space: &str, after: Option<&[u8]>, limit: usize) -> Result<Vec<KeyValue>, StoreError>;
}

/// Storage for everything that must survive the process, open for writing.
///
/// ```
/// use countersign_audit::record::Header;
/// use countersign_audit::Record;
/// use countersign_model::DigestKey;
/// use countersign_store::{Commit, MemoryChange, MemoryStore, Store, Stored};
///
/// let mut store = MemoryStore::new();
/// let records = [Record::Header(Header::new("0.1.0", &DigestKey::public()))];
/// let memory = [MemoryChange { space: "session", key: Vec::new(), value: Some(b"at 3".to_vec()) }];
/// let expected = store.head()?;
/// let head = store.commit(Commit { records: &records, memory: &memory, ..Commit::empty(expected) })?;
/// assert_eq!((head.records(), store.head()?), (1, head));
/// assert_eq!(store.memory("session", None, 10)?, [(Vec::new(), b"at 3".to_vec())]);
/// // Somebody who still expects the log's beginning is too late.
/// assert!(store.commit(Commit { records: &records, ..Commit::empty(expected) }).is_err());
/// # Ok::<(), countersign_store::StoreError>(())
/// ```
pub trait Store: Stored {
    /// Whether what is committed can be read back, so that a later session can go on. Otherwise only the log's end is known,
    /// and the rest of a commit may be left out.
    fn keeps(&self) -> bool {
        true
    }

    /// Commits all of it or nothing, and returns the new end of the log. The log doesn't depend on how records are
    /// grouped into commits.
    ///
    /// # Errors
    /// When it can't be stored: then nothing that depends on it may happen. [`StoreError::Superseded`] when somebody else
    /// has written since; [`StoreError::BlobTooLarge`] or [`StoreError::ValueTooLarge`] for a single value of more than
    /// 64 MiB, where a commit as a whole has no maximum; in these cases the store can be used further. After an I/O error it may be stored or not; the store refuses further calls and has to be opened
    /// again, which finds out.
    fn commit(&mut self, commit: Commit<'_>) -> Result<ChainWriter, StoreError>;
}

/// Entries that [`for_each_entry`] reads at once.
const PAGE: usize = 1_024;

/// Calls `each` with every entry of a list, page by page, as long as it returns true. `page` reads the list (see
/// [`Stored`]), `key` is the key of an entry, and the first entry is the one after `after`.
///
/// # Errors
/// When a page can't be read, or `each` fails.
pub fn for_each_entry<K, C, E: From<StoreError>>(
    mut after: Option<K>,
    page: impl Fn(Option<&K>, usize) -> Result<Vec<C>, StoreError>,
    key: impl Fn(&C) -> K,
    mut each: impl FnMut(C) -> Result<bool, E>,
) -> Result<(), E> {
    loop {
        let entries = page(after.as_ref(), PAGE)?;
        let is_last = entries.len() < PAGE;
        after = entries.last().map(&key);
        for entry in entries {
            if !each(entry)? {
                return Ok(());
            }
        }
        if is_last {
            return Ok(());
        }
    }
}
