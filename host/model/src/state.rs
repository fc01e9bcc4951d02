//! Keyed state and source positions as they are stored: what survives between calls is here and nowhere else.

use serde::{Deserialize, Serialize};

use crate::digest::hex_bytes;
use crate::{Evidence, RuleId, Timestamp};

/// New state of one key of one slot of one rule.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StateChange {
    /// The rule.
    pub rule: RuleId,
    /// The slot, by its place in declared order.
    pub slot: u32,
    /// The partition key's text.
    pub key: String,
    /// The state; none forgets the key.
    pub entry: Option<StateEntry>,
}

/// State of one key of one slot.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StateEntry {
    /// The slot's version that wrote the blob.
    pub version: u32,
    /// The rule's bytes, not empty.
    #[serde(with = "hex_bytes")]
    pub blob: Vec<u8>,
    /// The events that the rule asked to keep a reference to.
    pub kept: Vec<Evidence>,
    /// When it was changed last: the stream's clock at the first row that the rule was given between the same two
    /// ticks. One time for all changes between two ticks, so that the size of batches doesn't show.
    pub changed: Timestamp,
}

/// How far the stream has been worked off.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Position {
    /// Events sequenced: the next one's position.
    pub sequenced: u64,
    /// For each input, in argument order, how many of its records were read, dead letters included.
    pub inputs: Vec<u64>,
}
