//! Evidence bundles: everything needed to make a finding or a proposal again, as the bytes that audit names.

use countersign_model::call::{DetectionAnswer, DetectionCall};
use countersign_model::incident::{IncidentFinding, Subject};
use countersign_model::response::{ResponseAnswer, ResponseCall};
use countersign_model::{Finding, Incident, RuleIdentity, Timestamp};
use serde::{Deserialize, Serialize};

/// What a finding is made of.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FindingBundle {
    /// Exactly which rule.
    pub rule: RuleIdentity,
    /// What ran it.
    pub engine: String,
    /// What it was given: one row, the state before, parameters, context. Its `data` is left out: the rule's component
    /// has it, and its digest is part of `rule`.
    pub call: DetectionCall,
    /// What it said.
    pub answer: DetectionAnswer,
    /// The finding's place among those of the answer, from 0.
    pub place: u32,
    /// What the host made of it.
    pub finding: Finding,
    /// Whom it is about, as of the generation.
    pub subject: Subject,
    /// Whether its rule, or one that feeds it, was in quarantine or not deterministic.
    pub rule_suspect: bool,
    /// The gate's clock at its row.
    pub clock: Timestamp,
}

impl FindingBundle {
    /// The incident of this finding. Incidents are single findings in this version.
    #[must_use]
    pub fn incident(&self) -> Incident {
        Incident {
            subjects: vec![self.subject.clone()],
            findings: vec![IncidentFinding {
                finding: self.finding.clone(),
                subject: 0,
                rule_suspect: self.rule_suspect,
            }],
        }
    }
}

/// What a response rule's proposals are made of.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ResponseBundle {
    /// Exactly which rule.
    pub rule: RuleIdentity,
    /// What ran it.
    pub engine: String,
    /// What it was given, `data` left out as in [`FindingBundle::call`].
    pub call: ResponseCall,
    /// What it said, or why it said nothing that could be used.
    pub answer: Result<ResponseAnswer, countersign_model::call::CallFailure>,
}

/// The bytes of a bundle: JSON with members in a fixed order, so that equal bundles have equal names.
///
/// # Errors
/// Never for the types of this module and gate inputs, whose members all have a JSON form.
pub fn to_bytes<T: Serialize>(bundle: &T) -> Result<Vec<u8>, serde_json::Error> {
    serde_json::to_vec(bundle)
}
