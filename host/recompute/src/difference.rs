//! What came out otherwise, and what may be the cause.

use countersign_model::vocabulary::text_ids;
use serde::Serialize;

text_ids! {
    /// What may be the cause of a difference.
    pub enum Cause {
        /// Nothing but a change of the record.
        Tampering = "tampering",
        /// Another version of the engine ran the rule. Whether that is the cause can't be told.
        EngineVersion = "engine-version",
        /// Another version of the gate decided. Whether that is the cause can't be told.
        GateVersion = "gate-version",
    }
}

impl Cause {
    /// Whether the difference is one *by version*: the record names other versions than the running ones, and this is what
    /// may differ with them. A forger can claim an older version.
    #[must_use]
    pub fn is_version(self) -> bool {
        self != Cause::Tampering
    }
}

/// A difference between a record and its recomputation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// The record's line, from 1.
    pub line: u64,
    /// What differs.
    pub what: String,
    /// What the record has.
    pub expected: String,
    /// What was recomputed.
    pub got: String,
    /// What may be the cause.
    pub cause: Cause,
    /// How another version decides, for people; none for tampering.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub explanation: Option<String>,
}

text_ids! {
    /// What has a version of its own that a generation names.
    pub enum Versioned {
        /// The engine that runs rules.
        Engine = "engine",
        /// The interface that the engine gives rules.
        Interface = "interface",
        /// The gate.
        Gate = "gate",
    }
}

/// A generation that was judged by another version than the running one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct OtherVersion {
    /// The line of the generation's record, from 1.
    pub line: u64,
    /// Its number.
    pub generation: u64,
    /// Which version.
    pub what: Versioned,
    /// The version on record.
    pub recorded: String,
    /// The running one.
    pub running: String,
}
