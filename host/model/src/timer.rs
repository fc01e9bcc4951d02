//! Timers as they are stored: enough to bring their rows after a restart.

use countersign_vocabulary::{Severity, SignalClass, SubjectRole};
use serde::{Deserialize, Serialize};

use crate::{RawAddress, RuleId, Timestamp};

/// A timer of one key of one rule, set, moved or gone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TimerChange {
    /// The rule.
    pub rule: RuleId,
    /// The partition key's text.
    pub key: String,
    /// The timer's declared id.
    pub id: String,
    /// The timer; none when it came, was cancelled or was dropped.
    pub entry: Option<TimerEntry>,
}

/// A timer that is yet to come, and the row that set it, whose columns it will show. The event isn't stored again: its
/// raw record can be had by its address, and makes the same event.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TimerEntry {
    /// When it is due: it comes at the first tick at or after.
    pub at: Timestamp,
    /// The source of the event that the row shows.
    pub source: String,
    /// That event's id.
    pub event_id: String,
    /// When that event was received: where the record doesn't say, the stream's clock has.
    pub ingest_time: Timestamp,
    /// Where its raw record is.
    pub raw: RawAddress,
    /// What the row says of a finding, if a finding brought it about.
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
