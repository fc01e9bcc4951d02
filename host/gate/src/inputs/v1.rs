//! Format 1 of the gate's inputs, as gate version 1 wrote them: every circumstance a member of its own, and capabilities
//! without reach.

use countersign_model::format::Format;
use countersign_model::vocabulary::{Action, IdentityType, Reversibility, TargetLevel};
use countersign_model::{Incident, Proposal, Timestamp};
use countersign_policy::{PolicyView, Reach};
use serde::{Deserialize, Serialize};

use super::RuleAuthority;
use crate::circumstances::{
    Administrators, Approvals, Budgets, Circumstances, Estimates, KillSwitch, Leases, Sources, Stages, Suppression,
    Windows,
};

/// The version of the gate that wrote this format.
const GATE: u32 = 1;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct GateInputs {
    clock: Timestamp,
    incident: Incident,
    proposals: Vec<Proposal>,
    rules: Vec<RuleAuthority>,
    policy: PolicyView,
    capabilities: Vec<Capability>,
    estimates: Estimates,
    suppression: Suppression,
    kill_switch: KillSwitch,
    windows: Windows,
    budgets: Budgets,
    stages: Stages,
    administrators: Administrators,
    approvals: Approvals,
    leases: Leases,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Capability {
    provider: String,
    action: Action,
    #[serde(rename = "type")]
    identity_type: IdentityType,
    connector: String,
    levels: Vec<TargetLevel>,
    reversibility: Reversibility,
}

impl From<GateInputs> for super::GateInputs {
    fn from(stored: GateInputs) -> super::GateInputs {
        let GateInputs { clock, incident, proposals, rules, policy, capabilities, .. } = stored;
        let GateInputs { estimates, suppression, kill_switch, windows, budgets, .. } = stored;
        let GateInputs { stages, administrators, approvals, leases, .. } = stored;
        super::GateInputs {
            format: Format,
            gate: GATE,
            clock,
            incident,
            proposals,
            failed_responses: Vec::new(),
            rules,
            policy,
            capabilities: capabilities.into_iter().map(countersign_policy::Capability::from).collect(),
            circumstances: Circumstances {
                version: Format,
                estimates,
                suppression,
                kill_switch,
                windows,
                budgets,
                stages,
                administrators,
                approvals,
                leases,
                sources: Sources::Well,
            },
        }
    }
}

impl From<Capability> for countersign_policy::Capability {
    fn from(stored: Capability) -> countersign_policy::Capability {
        let Capability { provider, action, identity_type, connector, levels, reversibility } = stored;
        // A table that says nothing about it leaves it unknown, then as now.
        let (reach, one_session) = (Reach::Unknown, false);
        countersign_policy::Capability {
            provider,
            action,
            identity_type,
            connector,
            levels,
            reversibility,
            reach,
            one_session,
        }
    }
}
