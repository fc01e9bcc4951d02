//! What a session remembers beside the log, state and timers: the spaces of the store's memory and the forms of what is in
//! them.

use std::collections::BTreeMap;

use countersign_formats::Occurrence;
use countersign_model::vocabulary::PartitionKey;
use countersign_model::{Digest, Hold, Place, RuleId, SourceId, Timestamp, Unwell};
use countersign_store::{MemoryChange, Stored, for_each_entry};
use countersign_stream::{Clock, CountKey, Forgotten, Spending};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::error::SessionError;
use crate::ledger::HeldResponse;

/// The format of what is remembered.
///
/// 2: fingerprints are of contents, no longer of bytes. 3: rules that miss a deadline are stopped for a source alone.
pub(crate) const FORMAT: u32 = 3;

/// One entry with an empty key: [`SessionMemory`].
pub(crate) const SESSION: &str = "session";
/// [`InputMemory`] by the input's ordinal.
pub(crate) const INPUT: &str = "input";
/// [`RuleMemory`] by the rule's id.
pub(crate) const RULE: &str = "rule";
/// The fingerprints of the last events, by the number of the first of an entry among all.
pub(crate) const HORIZON: &str = "horizon";
/// A `Count` of the rows on which a rule fails, by the rule's id, a zero byte and the `CountKey` as JSON.
pub(crate) const COUNT: &str = "count";
/// [`OccurrenceMemory`] by the input's ordinal and the record's digest.
pub(crate) const OCCURRENCE: &str = "occurrence";
/// Lines that observers haven't received yet, by the number of their record.
pub(crate) const LINE: &str = "line";

/// A list of callers with their counts, by the day (4 bytes), the account's text and a byte 1.
pub(crate) const ACTIVITY: &str = "activity";
/// How many accounts `activity` has, by the day (4 bytes) and the source in which they came first.
pub(crate) const ACTIVITY_ACCOUNTS: &str = "activity-accounts";

/// What is remembered of the session as a whole.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SessionMemory {
    pub(crate) format: u32,
    /// The fingerprint of the key of digests.
    pub(crate) key: Digest,
    pub(crate) clock: Clock,
    /// The position of the next event.
    pub(crate) position: u64,
    /// How many inputs of any kind had their turn.
    pub(crate) taken: u64,
    /// Where a recorder goes on after the last of them that came of one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) place: Option<Place>,
    /// The number of the generation that serves.
    pub(crate) generation: u64,
    /// What makes it another than one before.
    pub(crate) configuration: Digest,
    /// How many fingerprints were taken so far.
    pub(crate) fingerprints: u64,
    pub(crate) events: u64,
    pub(crate) set_aside: u64,
    pub(crate) duplicates: u64,
    pub(crate) id_reused: u64,
    pub(crate) findings: u64,
    pub(crate) decisions: BTreeMap<String, u64>,
    pub(crate) observing: u64,
    /// With the digest of the code that was found wanting.
    pub(crate) suspect: BTreeMap<RuleId, Digest>,
    pub(crate) held_responses: BTreeMap<RuleId, HeldResponse>,
    /// The sources that aren't well.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) unwell: BTreeMap<SourceId, Vec<Unwell>>,
    /// Whether the inputs' ends are on record, and nothing came since.
    pub(crate) finished: bool,
}

/// What is remembered of an input.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct InputMemory {
    pub(crate) records: u64,
    pub(crate) duplicates: u64,
    pub(crate) bytes: u64,
    /// The running digest over the records that became events, as in the audit record.
    pub(crate) events: Digest,
    /// The digest over all records.
    pub(crate) content: Digest,
    /// Where it goes on.
    pub(crate) bookmark: String,
    /// The time at which its last record had its turn.
    pub(crate) time: Option<Timestamp>,
    /// Whether it is read from its end.
    pub(crate) turned: bool,
}

/// What is remembered of a rule.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RuleMemory {
    pub(crate) partition_key: Option<PartitionKey>,
    pub(crate) code: Option<Digest>,
    /// Whether its bytes are on record for the generation that serves.
    pub(crate) on_record: bool,
    pub(crate) delivered: u64,
    /// Rows that were held.
    #[serde(default)]
    pub(crate) held: u64,
    #[serde(default)]
    pub(crate) holds: Vec<Hold>,
    /// How many holds began.
    #[serde(default)]
    pub(crate) holds_begun: u64,
    /// Rows given to its code; 0 in a store that was written before there was a sample.
    #[serde(default)]
    pub(crate) judged: u64,
    pub(crate) findings: u64,
    /// The gate's clock at the last of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) last_finding: Option<Timestamp>,
    pub(crate) rows_set_aside: u64,
    pub(crate) dropped_timers: u64,
    pub(crate) withheld: u64,
    pub(crate) migrated_keys: u64,
    pub(crate) lost_keys: u64,
    pub(crate) forgotten: BTreeMap<String, Forgotten>,
    /// The clock at its first row since the last tick.
    pub(crate) stamp: Option<Timestamp>,
    /// The sources of rows that what it keeps may be made of, each with the position of its first one.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) sources: BTreeMap<SourceId, u64>,
    /// What it has put on record since the last tick; left out where that is nothing.
    #[serde(default, skip_serializing_if = "Spending::is_empty")]
    pub(crate) spending: Spending,
    /// Since when it is gone.
    pub(crate) absent_since: Option<Timestamp>,
    /// Since when it has state that it doesn't declare.
    pub(crate) undeclared_since: Option<Timestamp>,
}

/// What is remembered of a record without an id.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct OccurrenceMemory {
    pub(crate) source: String,
    pub(crate) number: u64,
    pub(crate) first: u64,
}

/// Sets an entry.
pub(crate) fn set<T: Serialize>(space: &'static str, key: Vec<u8>, value: &T) -> Result<MemoryChange, SessionError> {
    Ok(MemoryChange { space, key, value: Some(serde_json::to_vec(value)?) })
}

/// Removes an entry.
pub(crate) fn remove(space: &'static str, key: Vec<u8>) -> MemoryChange {
    MemoryChange { space, key, value: None }
}

/// Calls `each` with every entry of a space, in the order of the keys.
pub(crate) fn for_each(
    store: &dyn Stored,
    space: &'static str,
    mut each: impl FnMut(Vec<u8>, Vec<u8>) -> Result<(), SessionError>,
) -> Result<(), SessionError> {
    for_each_entry(
        None,
        |after: Option<&Vec<u8>>, limit| store.memory(space, after.map(Vec::as_slice), limit),
        |(key, _)| key.clone(),
        |(key, value)| each(key, value).map(|()| true),
    )
}

/// Reads a value.
pub(crate) fn parse<T: DeserializeOwned>(space: &'static str, value: &[u8]) -> Result<T, SessionError> {
    serde_json::from_slice(value).map_err(|error| wrong(space, error))
}

/// What a space has isn't what a session writes there.
pub(crate) fn wrong(space: &'static str, reason: impl ToString) -> SessionError {
    SessionError::Memory { space, reason: reason.to_string() }
}

/// The key of a count of a rule.
pub(crate) fn count_key(rule: &RuleId, key: &CountKey) -> Result<Vec<u8>, SessionError> {
    Ok([rule.as_str().as_bytes(), &[0], &serde_json::to_vec(key)?].concat())
}

/// The rule and what is counted, of a key.
pub(crate) fn read_count_key(key: &[u8]) -> Option<(RuleId, CountKey)> {
    let end = key.iter().position(|byte| *byte == 0)?;
    let (rule, counted) = key.split_at_checked(end)?;
    let rule = std::str::from_utf8(rule).ok()?.parse().ok()?;
    Some((rule, serde_json::from_slice(counted.get(1..)?).ok()?))
}

/// The key of a record without an id.
pub(crate) fn occurrence_key(input: u32, digest: &Digest) -> Vec<u8> {
    [&input.to_be_bytes()[..], &digest.0].concat()
}

/// The input and the occurrence of an entry.
pub(crate) fn read_occurrence(key: &[u8], memory: &OccurrenceMemory) -> Option<(u32, Occurrence)> {
    let (input, digest) = key.split_first_chunk::<4>()?;
    let digest = Digest(digest.try_into().ok()?);
    let occurrence = Occurrence { digest, number: memory.number, first: memory.first, forgotten: None };
    Some((u32::from_be_bytes(*input), occurrence))
}
