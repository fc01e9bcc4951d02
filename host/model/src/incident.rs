//! Incidents, their subjects, and what response rules propose.

use std::collections::BTreeSet;

use countersign_vocabulary::{Action, EvidenceRole, SubjectRole, Usage};
use serde::{Deserialize, Serialize};

use crate::event::ChainRole;
use crate::response::ActionValue;
use crate::{Account, Finding, Identity, RuleId, SourceId};

/// Findings about one identity, joined. Built by the host; rules see a part of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Incident {
    /// The findings, in the stream's order; at least one. Each is about one subject.
    pub findings: Vec<IncidentFinding>,
    /// The subjects of the findings. One that can't be resolved is listed without an account.
    pub subjects: Vec<Subject>,
}

/// A finding in an incident.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IncidentFinding {
    /// The finding.
    pub finding: Finding,
    /// Index into the incident's subjects.
    pub subject: usize,
    /// Whether its rule is in quarantine or not deterministic: what depends on it needs approval.
    pub rule_suspect: bool,
    /// The sources that it rests on: that of its row, and those of the rows that what its rule remembers may be made of. Left
    /// out where that isn't known.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub sources: BTreeSet<SourceId>,
}

/// The subject of a finding, as of the generation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Subject {
    /// Its role in the finding.
    pub role: SubjectRole,
    /// How it is tied to the evidence.
    pub evidence_role: EvidenceRole,
    /// Its account; none when unresolved: then notify at most.
    pub account: Option<Account>,
    /// What is known about it.
    pub identity: Identity,
    /// How it was used in the event; none of a subject that didn't act in it.
    pub usage: Option<Usage>,
    /// Session in evidence.
    pub session: Option<String>,
    /// Whether an identity provider gave the session its name, so that it is one person's.
    #[serde(default, skip_serializing_if = "is_false")]
    pub named_by_provider: bool,
    /// Token or access key in evidence.
    pub token: Option<String>,
    /// Whether that token is a temporary credential, which can't be disabled alone.
    #[serde(default, skip_serializing_if = "is_false")]
    pub temporary: bool,
    /// Grant in evidence.
    pub grant: Option<String>,
    /// The trust in evidence: what others come through. Only `restrict-federation` acts on it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trust: Option<String>,
    /// A principal that several may use (role, client, group): containing it, or what it holds, needs approval.
    pub shared: bool,
    /// The other members of the chain of the act that authenticated it: the strictest counts.
    pub chain: Vec<ChainIdentity>,
}

fn is_false(flag: &bool) -> bool {
    !flag
}

/// A member of the actor chain with what is known about it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChainIdentity {
    /// Its part in the act.
    pub role: ChainRole,
    /// Its account, where known.
    pub account: Option<Account>,
    /// What is known about it.
    pub identity: Identity,
}

/// A response rule's proposal, checked for form: the action is in the catalogue, the subject is in the incident.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Proposal {
    /// The response rule.
    pub rule: RuleId,
    /// The action.
    pub action: Action,
    /// Its parameters, by name.
    pub parameters: Vec<(String, ActionValue)>,
    /// Index into the incident's subjects.
    pub subject: usize,
    /// Seconds; none for observe actions.
    pub lease: Option<u32>,
    /// For people.
    pub reason: String,
}
