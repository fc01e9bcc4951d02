//! What a store tells of the sessions that wrote it, for commands that read it without going on with it.

use std::collections::BTreeMap;

use countersign_model::vocabulary::PartitionKey;
use countersign_model::{RuleId, Timestamp};
use countersign_store::Stored;

use crate::chunk::Silence;
use crate::error::SessionError;
use crate::memory::RuleMemory;
use crate::resume::{read_rules, read_session};

/// How far the last session of a store came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StoredSession {
    /// Whether its inputs' ends are on record, and nothing came since. If not, it was interrupted or goes on.
    pub finished: bool,
    /// The position of the next event.
    pub position: u64,
    /// The number of the generation that serves.
    pub generation: u64,
}

/// What is known of a rule that judged in a store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StoredRule {
    /// What its state is kept by; none for a response rule, which keeps nothing.
    pub partition_key: Option<PartitionKey>,
    /// Why it judges nothing more, if it doesn't.
    pub silenced: Option<Silence>,
    /// Since when it is gone, if the generation that serves doesn't have it.
    pub absent_since: Option<Timestamp>,
}

/// The last session of a store; none if it has no record.
///
/// # Errors
/// When the store can't be read, or its memory isn't a session's.
pub fn stored_session(store: &dyn Stored) -> Result<Option<StoredSession>, SessionError> {
    if store.head()?.records() == 0 {
        return Ok(None);
    }
    let memory = read_session(store)?;
    Ok(Some(StoredSession { finished: memory.finished, position: memory.position, generation: memory.generation }))
}

/// The rules that judged in a store, and haven't been forgotten.
///
/// # Errors
/// See [`stored_session`].
pub fn stored_rules(store: &dyn Stored) -> Result<BTreeMap<RuleId, StoredRule>, SessionError> {
    let rule =
        |RuleMemory { partition_key, silenced, absent_since, .. }| StoredRule { partition_key, silenced, absent_since };
    Ok(read_rules(store)?.into_iter().map(|(id, memory)| (id, rule(memory))).collect())
}
