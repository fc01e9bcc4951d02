//! The gate's inputs, by value: stored with a decision, they are enough to recompute it.

use std::collections::BTreeSet;

use countersign_declaration::Declaration;
use countersign_model::format::{Format, FormatError, format_of, read_canonical};
use countersign_model::vocabulary::{Action, IdentityType, RuleKind, SignalClass, Tier};
use countersign_model::{Incident, Proposal, RuleId, Timestamp};
use countersign_policy::{Capabilities, Capability, Grant, Policy, PolicyView, Trust};
use serde::{Deserialize, Serialize};

use crate::circumstances::Circumstances;
use crate::version::VERSION;

mod v1;

/// The gate's inputs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct GateInputs {
    /// The format of these inputs in a blob.
    pub format: Format<{ GateInputs::FORMAT }>,
    /// The version of the gate that decides on them: [`crate::VERSION`], or that of the writer of a stored blob.
    pub gate: u32,
    /// The gate's clock.
    pub clock: Timestamp,
    /// The incident to decide.
    pub incident: Incident,
    /// What response rules propose; empty while [`crate::incident_view`] shows them the incident.
    pub proposals: Vec<Proposal>,
    /// Response rules that should have answered and gave no answer that can be used, in order of their ids; left out where
    /// there are none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub failed_responses: Vec<RuleId>,
    /// The authority of every rule of the incident: detections, those whose findings fed them, and response rules.
    pub rules: Vec<RuleAuthority>,
    /// The part of the policy that the incident needs.
    pub policy: PolicyView,
    /// What connectors can do to the incident's subjects.
    pub capabilities: Vec<Capability>,
    /// What may have changed when a decision is taken up.
    pub circumstances: Circumstances,
}

impl GateInputs {
    /// The newest format, which is written. Format 1 had the circumstances one by one, and no reach.
    pub const FORMAT: u32 = 2;

    /// The inputs of an incident, with the part of policy and capabilities that its classes, identities and providers
    /// need. Proposals are empty.
    #[must_use]
    pub fn new(
        clock: Timestamp,
        circumstances: Circumstances,
        incident: Incident,
        mut rules: Vec<RuleAuthority>,
        policy: &Policy,
        capabilities: &Capabilities,
    ) -> GateInputs {
        let classes: BTreeSet<SignalClass> = incident.findings.iter().map(|found| found.finding.signal_class).collect();
        let identities: BTreeSet<(IdentityType, Tier)> = incident
            .subjects
            .iter()
            .flat_map(|subject| {
                std::iter::once(&subject.identity).chain(subject.chain.iter().map(|member| &member.identity))
            })
            .map(|identity| (identity.identity_type, identity.tier))
            .collect();
        let reached: BTreeSet<(&str, IdentityType)> = incident
            .subjects
            .iter()
            .filter_map(|subject| Some((subject.account.as_ref()?.provider.as_str(), subject.identity.identity_type)))
            .collect();
        let capabilities =
            reached.into_iter().flat_map(|(provider, ty)| capabilities.of(provider, ty)).cloned().collect();
        rules.sort_by(|a, b| a.rule.cmp(&b.rule));
        rules.dedup_by(|a, b| a.rule == b.rule);
        GateInputs {
            format: Format,
            gate: VERSION,
            clock,
            policy: policy.view(&classes, &identities),
            capabilities,
            incident,
            proposals: Vec::new(),
            failed_responses: Vec::new(),
            rules,
            circumstances,
        }
    }

    /// The bytes of these inputs in a blob: JSON with members in a fixed order.
    ///
    /// # Errors
    /// Never: all members have a JSON form.
    pub fn to_bytes(&self) -> Result<Vec<u8>, serde_json::Error> {
        serde_json::to_vec(self)
    }

    /// Reads a blob of any format.
    ///
    /// # Errors
    /// When the bytes aren't those that inputs of the format that they name are written as.
    pub fn read(bytes: &[u8]) -> Result<GateInputs, FormatError> {
        match format_of(bytes)? {
            1 => read_canonical::<v1::GateInputs>(bytes, 1).map(GateInputs::from),
            GateInputs::FORMAT => read_canonical(bytes, GateInputs::FORMAT),
            got => Err(FormatError::Unknown { newest: GateInputs::FORMAT, got }),
        }
    }

    /// The authority of a rule. Without one the rule leads to nothing.
    #[must_use]
    pub fn authority(&self, rule: &RuleId) -> Option<&RuleAuthority> {
        self.rules.iter().find(|authority| authority.rule == *rule)
    }
}

/// What a rule declared, what its publisher is granted and what the operator caps it at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct RuleAuthority {
    /// The rule.
    pub rule: RuleId,
    /// Detection or response.
    pub kind: RuleKind,
    /// Declared floor, 0–100.
    pub floor: u8,
    /// Declared actions.
    pub actions: BTreeSet<Action>,
    /// Declared identity types.
    pub identity_types: BTreeSet<IdentityType>,
    /// Declared signal classes: those it emits or answers.
    pub signal_classes: BTreeSet<SignalClass>,
    /// The rules whose findings feed it, directly or through others, each once, in order of their ids. Their authority
    /// is among the inputs too, and limits this rule as well.
    pub lineage: Vec<RuleId>,
    /// The operator's cap on its confidence: the least of the rule's, the publisher's and what the publisher is granted,
    /// 0–100.
    pub cap: u8,
    /// What its publisher is granted.
    pub grant: Grant,
    /// Whether the publisher's findings count each on its own in the combined confidence.
    pub exempt_from_grouping: bool,
}

impl RuleAuthority {
    /// From a declaration under a policy and the trust in its publisher. `lineage` lists the rules whose findings feed it,
    /// directly or through others.
    #[must_use]
    pub fn new(declaration: &Declaration, lineage: BTreeSet<RuleId>, policy: &Policy, trust: &Trust) -> RuleAuthority {
        let publisher = declaration.id.publisher();
        RuleAuthority {
            rule: declaration.id.clone(),
            kind: declaration.kind,
            floor: declaration.confidence_floor,
            actions: declaration.actions.iter().copied().collect(),
            identity_types: declaration.identity_types.iter().copied().collect(),
            signal_classes: declaration.signal_classes.iter().copied().collect(),
            lineage: lineage.into_iter().collect(),
            cap: policy.cap(&declaration.id).min(trust.scope(publisher).confidence),
            grant: trust.grant(publisher),
            exempt_from_grouping: policy.publisher(publisher).is_some_and(|settings| settings.exempt_from_grouping),
        }
    }
}
