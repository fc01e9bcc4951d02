//! A finding as the host keeps it: what a detection returned, checked, and tied to the event it is about.

use countersign_vocabulary::{EvidenceRole, Severity, SignalClass, SubjectRole, text_ids};
use serde::{Deserialize, Serialize};

use crate::call::ContextTable;
use crate::{Digest, Line, Occasion, RuleId, Timestamp};

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
    /// Why the row came to the rule; left out for an event.
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
    /// Which party to the event it is about.
    pub role: SubjectRole,
    /// How the subject is tied to the evidence: as the host computed it, or weaker where the rule asked for that.
    pub evidence_role: EvidenceRole,
    /// The events that show it; the row's own first.
    pub evidence: Vec<Evidence>,
    /// ATT&CK ids.
    pub techniques: Vec<String>,
    /// For people.
    pub message: String,
    /// Whether the rule lacked context.
    pub context: ContextState,
    /// The weakest of all that it was made of; left out where nothing weakens it.
    #[serde(default, skip_serializing_if = "Line::is_strongest")]
    pub line: Line,
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

text_ids! {
    /// Whether the declared context was available when the finding was made.
    #[derive(Default)]
    pub enum ContextState {
        /// All of it, or none was declared.
        #[default]
        Complete = "complete",
        /// Some was missing, too old, or still learning.
        Missing = "missing",
    }
}

impl ContextState {
    /// Of the tables that a one-row call was given.
    #[must_use]
    pub fn of(tables: &[ContextTable]) -> ContextState {
        let complete = tables.iter().all(|table| table.availability.is_fresh());
        if complete { ContextState::Complete } else { ContextState::Missing }
    }
}
