//! Timers as they are stored: enough to make their rows after a restart.

use serde::{Deserialize, Serialize};

use crate::{Event, RuleId, Timestamp};

/// A timer of one key of one rule, set, moved or removed.
#[derive(Clone, Debug, Serialize, Deserialize)]
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

/// A pending timer and the event of the row that set it, whose columns its row will have.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TimerEntry {
    /// When it is due: it fires at the first tick at or after this time.
    pub at: Timestamp,
    /// The event, with the fields `finding.…` where the row came because of a finding.
    pub event: Event,
}
