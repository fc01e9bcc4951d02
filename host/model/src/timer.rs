//! Timers as they are stored: enough to make their rows after a restart.

use countersign_vocabulary::{Severity, SignalClass, SubjectRole};
use serde::{Deserialize, Serialize};

use crate::{RawAddress, RuleId, Timestamp};

/// A timer of one key of one rule, set, moved or removed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TimerChange {
    /// The rule.
    pub rule: RuleId,
    /// The partition key's text.
    pub key: String,
    /// The timer's declared id.
    pub id: String,
    /// The timer; none when it fired, was cancelled or was dropped.
    pub entry: Option<TimerEntry>,
}

/// A pending timer and the row that set it, whose columns its row will have. The event isn't stored again: it is made
/// anew from its raw record, which is found by its address.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TimerEntry {
    /// When it is due: it fires at the first tick at or after this time.
    pub at: Timestamp,
    /// The source of the row's event.
    pub source: String,
    /// That event's id.
    pub event_id: String,
    /// When that event was received, by its record or else by the stream's clock.
    pub ingest_time: Timestamp,
    /// Where its raw record is.
    pub raw: RawAddress,
    /// The row's fields of a finding, if it came because of one.
    pub finding: Option<FindingFields>,
}

/// The fields `finding.…` of a row.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FindingFields {
    /// The rule that found it.
    pub rule: RuleId,
    /// Its class.
    pub class: SignalClass,
    /// Its confidence, 0–100.
    pub confidence: u8,
    /// Its severity.
    pub severity: Severity,
    /// Its subject's role.
    pub role: SubjectRole,
}
