//! How a finding's subject is tied to the evidence: the host's word.

use countersign_model::Event;
use countersign_model::vocabulary::{EvidenceRole, SubjectRole};

/// The actor of an act whose authentication succeeded is `authenticated-as`; everyone else is `merely-names`.
#[must_use]
pub fn evidence_role(role: SubjectRole, event: &Event) -> EvidenceRole {
    if role == SubjectRole::Actor && event.actor.authenticated && event.actor.account.is_some() {
        EvidenceRole::AuthenticatedAs
    } else {
        EvidenceRole::MerelyNames
    }
}
