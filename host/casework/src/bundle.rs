//! Evidence bundles: everything needed to make a finding or a proposal again, as the bytes whose digests the audit file has.

use countersign_model::call::{DetectionAnswer, DetectionCall};
use countersign_model::incident::{IncidentFinding, Subject};
use countersign_model::response::{ResponseAnswer, ResponseCall};
use countersign_model::{Finding, Incident, RuleIdentity, Timestamp};
use serde::{Deserialize, Serialize};

/// The bundle of a finding.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FindingBundle {
    /// The identity of its rule.
    pub rule: RuleIdentity,
    /// The engine that ran it.
    pub engine: String,
    /// The rule's input: one row, the state before, parameters, context. `data` is left out: the rule's component has it,
    /// and its digest is part of `rule`.
    pub call: DetectionCall,
    /// The rule's answer.
    pub answer: DetectionAnswer,
    /// The finding's index among those of the answer, from 0.
    pub place: u32,
    /// The finding that the host made of it.
    pub finding: Finding,
    /// Its subject, as of the generation.
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

/// The bundle of a response rule's proposals.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ResponseBundle {
    /// The identity of the rule.
    pub rule: RuleIdentity,
    /// The engine that ran it.
    pub engine: String,
    /// The rule's input, `data` left out as in [`FindingBundle::call`].
    pub call: ResponseCall,
    /// The rule's answer, or why there is none that can be used.
    pub answer: Result<ResponseAnswer, countersign_model::call::CallFailure>,
}

/// The bytes of a bundle: JSON with members in a fixed order, so that equal bundles have equal names.
///
/// # Errors
/// Never for the types of this module and gate inputs, whose members all have a JSON form.
pub fn to_bytes<T: Serialize>(bundle: &T) -> Result<Vec<u8>, serde_json::Error> {
    serde_json::to_vec(bundle)
}
