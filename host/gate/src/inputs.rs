//! The gate's inputs, by value: stored with a decision, they are enough to recompute it.

use std::collections::BTreeSet;

use countersign_declaration::Declaration;
use countersign_model::response::{LeaseView, OutcomeView};
use countersign_model::vocabulary::{Action, IdentityType, RuleKind, SignalClass, Tier, text_ids};
use countersign_model::{Account, Incident, Proposal, RuleId, Timestamp};
use countersign_policy::{Capabilities, Capability, Grant, Policy, PolicyView};
use serde::{Deserialize, Serialize};

/// The gate's inputs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct GateInputs {
    /// The gate's clock.
    pub clock: Timestamp,
    /// The incident to decide.
    pub incident: Incident,
    /// What response rules propose; empty while [`crate::incident_view`] shows them the incident.
    pub proposals: Vec<Proposal>,
    /// The authority of every rule of the incident: detections, those whose findings fed them, and response rules.
    pub rules: Vec<RuleAuthority>,
    /// The part of the policy that the incident needs.
    pub policy: PolicyView,
    /// What connectors can do to the incident's subjects.
    pub capabilities: Vec<Capability>,
    /// What an action would hit.
    pub estimates: Estimates,
    /// Whether the incident has been reported already.
    pub suppression: Suppression,
    /// Whether new intents are stopped.
    pub kill_switch: KillSwitch,
    /// Whether a change window is open.
    pub windows: Windows,
    /// What is left of the blast-radius budgets.
    pub budgets: Budgets,
    /// How far rules are rolled out.
    pub stages: Stages,
    /// How many administrators would remain.
    pub administrators: Administrators,
    /// Approvals that people gave.
    pub approvals: Approvals,
    /// What is contained already, and what became of earlier steps.
    pub leases: Leases,
}

impl GateInputs {
    /// The inputs of an incident, with the part of policy and capabilities that its classes, identities and providers
    /// need. What isn't served yet is unconfigured, and proposals are empty.
    #[must_use]
    pub fn new(
        clock: Timestamp,
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
            clock,
            policy: policy.view(&classes, &identities),
            capabilities,
            incident,
            proposals: Vec::new(),
            rules,
            estimates: Estimates::Unconfigured,
            suppression: Suppression::Unconfigured,
            kill_switch: KillSwitch::Unconfigured,
            windows: Windows::Unconfigured,
            budgets: Budgets::Unconfigured,
            stages: Stages::Unconfigured,
            administrators: Administrators::Unconfigured,
            approvals: Approvals::Unconfigured,
            leases: Leases::Unconfigured,
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
    /// The operator's cap on its confidence: the lesser of the rule's and the publisher's, 0–100.
    pub cap: u8,
    /// What its publisher is granted.
    pub grant: Grant,
    /// Whether the publisher's findings count each on its own in the combined confidence.
    pub exempt_from_grouping: bool,
}

impl RuleAuthority {
    /// From a declaration under a policy. `lineage` lists the rules whose findings feed it, directly or through others.
    #[must_use]
    pub fn new(declaration: &Declaration, lineage: BTreeSet<RuleId>, policy: &Policy) -> RuleAuthority {
        let publisher = declaration.id.publisher();
        RuleAuthority {
            rule: declaration.id.clone(),
            kind: declaration.kind,
            floor: declaration.confidence_floor,
            actions: declaration.actions.iter().copied().collect(),
            identity_types: declaration.identity_types.iter().copied().collect(),
            signal_classes: declaration.signal_classes.iter().copied().collect(),
            lineage: lineage.into_iter().collect(),
            cap: policy.cap(&declaration.id),
            grant: policy.grant(publisher),
            exempt_from_grouping: policy.publisher(publisher).is_some_and(|settings| settings.exempt_from_grouping),
        }
    }
}

/// What an action would hit, by the connectors' estimates.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Estimates {
    /// No connector is attached that could be asked: restricts nothing.
    Unconfigured,
    /// The connectors' estimates. An action without one counts as high.
    Asked(Vec<Estimate>),
}

/// What one action would hit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Estimate {
    /// Index into the incident's subjects.
    pub subject: usize,
    /// The action.
    pub action: Action,
    /// How many principals it would hit; more than one is high.
    pub principals: u32,
    /// How many sessions it would end.
    pub sessions: u32,
    /// How many callers it would cut off; more than one is high.
    pub callers: u32,
}

/// Whether the incident has been reported already.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Suppression {
    /// No suppression is configured: restricts nothing.
    Unconfigured,
    /// It is to be reported.
    #[serde(rename = "tell")]
    Report,
    /// It isn't to be reported again, for the reason given. Classes federation, credential and evasion, and incidents
    /// with break-glass in the chain, are reported regardless.
    Suppress(String),
}

text_ids! {
    /// Whether new intents are stopped.
    pub enum KillSwitch {
        /// There is none: restricts nothing.
        Unconfigured = "unconfigured",
        /// It is off.
        Off = "off",
        /// It is on: nothing past observe begins.
        On = "on",
    }
}

/// Whether a change window is open.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Windows {
    /// None are configured: restricts nothing.
    Unconfigured,
    /// None is open.
    Closed,
    /// The named one is open: automatic becomes approval.
    Open(String),
}

/// What is left of the blast-radius budgets.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Budgets {
    /// None are configured: restricts nothing.
    Unconfigured,
    /// Enough is left.
    Left,
    /// The named one is used up: automatic becomes approval.
    Exhausted(String),
}

/// How far rules are rolled out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Stages {
    /// None are configured: restricts nothing.
    Unconfigured,
    /// By detection rule; a rule that isn't named is in shadow.
    Rules(Vec<(RuleId, Stage)>),
}

text_ids! {
    /// A rollout stage, from least to most.
    pub enum Stage {
        /// Only the alert is enriched.
        Shadow = "shadow",
        /// Observe only.
        Notify = "notify",
        /// By approval.
        Approve = "approve",
        /// As policy answers.
        Automatic = "automatic",
    }
}

/// How many administrators would remain.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Administrators {
    /// They aren't counted: restricts nothing.
    Unconfigured,
    /// The accounts that are administrators, and how many of them would remain if one were contained.
    Counted {
        /// The administrators.
        accounts: BTreeSet<Account>,
        /// How many would remain.
        remaining: u32,
        /// How many must.
        least: u32,
    },
}

/// Approvals that people gave.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Approvals {
    /// Approvals aren't served: what needs one waits.
    Unconfigured,
}

/// What is contained already, and what became of earlier steps: shown to response rules.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Leases {
    /// Nothing executes yet, so nothing is contained: restricts nothing.
    Unconfigured,
    /// As they stand.
    Known {
        /// What is contained.
        live: Vec<LeaseView>,
        /// What became of earlier steps, oldest first.
        outcomes: Vec<OutcomeView>,
    },
}
