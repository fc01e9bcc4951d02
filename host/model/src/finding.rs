//! A finding as the host keeps it: what a detection said, checked, and tied to the event it is about.

use countersign_vocabulary::{EvidenceRole, Severity, SignalClass, SubjectRole};
use serde::{Deserialize, Serialize};

use crate::call::ContextTable;
use crate::{Digest, Occasion, RuleId, Timestamp};

/// A finding, checked and sequenced.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Finding {
    /// The rule that found it.
    pub rule: RuleId,
    /// The position in the stream of the row it is about: ordinal among all events sequenced, from 0.
    pub position: u64,
    /// Its place among the findings of this rule at that position, from 0, in the order of the rule's rows there.
    pub index: u32,
    /// What brought the row about; left out for an event.
    #[serde(default, skip_serializing_if = "Occasion::is_event")]
    pub occasion: Occasion,
    /// The event that the row shows.
    pub event_id: String,
    /// The event's own time.
    pub event_time: Timestamp,
    /// Signal class.
    pub signal_class: SignalClass,
    /// As the rule gave it, 0–100.
    pub confidence: u8,
    /// Severity.
    pub severity: Severity,
    /// Whom it is about.
    pub role: SubjectRole,
    /// How the subject is tied to the evidence: the host's word, or weaker by the rule's.
    pub evidence_role: EvidenceRole,
    /// The events that show it; the row's own first.
    pub evidence: Vec<Evidence>,
    /// ATT&CK ids.
    pub techniques: Vec<String>,
    /// For people.
    pub message: String,
    /// What context the rule lacked.
    pub context: ContextState,
}

/// One event that shows a finding.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Evidence {
    /// The reference as the rule knows it.
    pub reference: u64,
    /// The event's id.
    pub event_id: String,
    /// The event's time.
    pub event_time: Timestamp,
    /// SHA-256 of the raw record. Audit keeps a keyed digest of it, never this.
    pub raw: Digest,
}

/// Whether the declared context was there when the finding was made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ContextState {
    /// All of it, or none was declared.
    #[default]
    Complete,
    /// Some was missing, too old, or still learning.
    Missing,
}

impl ContextState {
    /// Of the tables that a one-row call was given.
    #[must_use]
    pub fn of(tables: &[ContextTable]) -> ContextState {
        let complete = tables.iter().all(|table| table.availability.is_fresh());
        if complete { ContextState::Complete } else { ContextState::Missing }
    }
}
