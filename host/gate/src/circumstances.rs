//! The circumstances: what may change between judging and executing. One value, so that both ask the gate the same
//! question at another moment.

use std::collections::{BTreeMap, BTreeSet};

use countersign_model::format::Format;
use countersign_model::response::{LeaseView, OutcomeView};
use countersign_model::vocabulary::{Action, text_ids};
use countersign_model::{Account, Ailment, RuleId, SourceId, Unwell};
use serde::{Deserialize, Serialize};

/// The present circumstances of an incident. What isn't served yet has an explicit `unconfigured`, which restricts
/// nothing. The gate's clock isn't one of them: it is set by whoever asks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Circumstances {
    /// The version of this form: another one isn't read.
    pub version: Format<1>,
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
    /// How the sources of telemetry stand; left out where all are well.
    #[serde(default, skip_serializing_if = "Sources::are_well")]
    pub sources: Sources,
}

impl Circumstances {
    /// Nothing is configured: restricts nothing.
    #[must_use]
    pub const fn unconfigured() -> Circumstances {
        Circumstances {
            version: Format,
            estimates: Estimates::Unconfigured,
            suppression: Suppression::Unconfigured,
            kill_switch: KillSwitch::Unconfigured,
            windows: Windows::Unconfigured,
            budgets: Budgets::Unconfigured,
            stages: Stages::Unconfigured,
            administrators: Administrators::Unconfigured,
            approvals: Approvals::Unconfigured,
            leases: Leases::Unconfigured,
            sources: Sources::Well,
        }
    }
}

/// What an action would hit, by the connectors' estimates.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Estimates {
    /// No connector is attached that could be asked: the reach in the capability table counts.
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
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Approvals {
    /// Approvals aren't served: what needs one waits.
    Unconfigured,
    /// Those that count now. That they do (by whom, of what, signed by which key) was looked at before.
    Given(Vec<GivenApproval>),
}

/// One action that as many people approved as must. It lifts what asks for approval, and no refusal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct GivenApproval {
    /// Index into the incident's subjects.
    pub subject: usize,
    /// The action.
    pub action: Action,
    /// The number of the record of the decision that asked.
    pub approval: u64,
    /// Who approved: identities.
    pub by: Vec<String>,
    /// How many principals they were told that it would hit; none where they were told that it isn't known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub principals: Option<u32>,
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

/// How the sources of telemetry stand.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Sources {
    /// All are well, as far as anybody watches them: restricts nothing.
    #[default]
    Well,
    /// These aren't, with all that is wrong with each: what rests on them needs approval.
    Unwell(BTreeMap<SourceId, BTreeSet<Ailment>>),
}

impl Sources {
    /// How they stand where these aren't well.
    #[must_use]
    pub fn of(unwell: &BTreeMap<SourceId, Vec<Unwell>>) -> Sources {
        let unwell = unwell.iter().filter(|(_, all)| !all.is_empty());
        let unwell: BTreeMap<SourceId, BTreeSet<Ailment>> =
            unwell.map(|(source, all)| (source.clone(), all.iter().map(|one| one.what).collect())).collect();
        if unwell.is_empty() { Sources::Well } else { Sources::Unwell(unwell) }
    }

    /// Whether nothing is wrong with any.
    #[must_use]
    pub fn are_well(&self) -> bool {
        *self == Sources::Well
    }
}
