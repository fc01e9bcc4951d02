//! The catalogue of actions: each one's class, levels and parameters, and the order of rungs of each identity type.

use crate::{Action, ActionClass, IdentityType, TargetLevel};

/// The type of an action's parameter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ActionParameterType {
    /// A whole number within a range, ends included.
    Integer {
        /// The lowest.
        min: i64,
        /// The highest.
        max: i64,
    },
    /// Text of at most so many bytes.
    Text {
        /// The maximum of bytes.
        max_bytes: usize,
    },
}

/// A parameter that the catalogue names for an action.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ActionParameter {
    /// Its name.
    pub name: &'static str,
    /// Its type and range.
    pub ty: ActionParameterType,
    /// What it sets.
    pub meaning: &'static str,
}

use Action::{
    BlockSignIn, DisableCredential, EnrichAlert, Notify, QuarantineWorkload, RaiseRiskScore, RequireMfa,
    RequireReauthentication, RestrictAccess, RestrictFederation, RevokeSessions, RevokeToken, SuspendAccount,
    SuspendPrivilege,
};

const HUMAN: &[Action] = &[
    EnrichAlert,
    RaiseRiskScore,
    Notify,
    RequireMfa,
    RequireReauthentication,
    RevokeToken,
    RevokeSessions,
    SuspendPrivilege,
    RestrictAccess,
    DisableCredential,
    BlockSignIn,
    SuspendAccount,
];
const SERVICE_ACCOUNT: &[Action] = &[
    EnrichAlert,
    RaiseRiskScore,
    Notify,
    RevokeToken,
    RestrictAccess,
    SuspendPrivilege,
    DisableCredential,
    SuspendAccount,
];
const WORKLOAD: &[Action] =
    &[EnrichAlert, RaiseRiskScore, Notify, RevokeSessions, RestrictAccess, SuspendPrivilege, QuarantineWorkload];
const AI_AGENT: &[Action] = &[
    EnrichAlert,
    RaiseRiskScore,
    Notify,
    RevokeToken,
    RevokeSessions,
    SuspendPrivilege,
    RestrictAccess,
    DisableCredential,
    SuspendAccount,
];
const TRUST: &[Action] = &[EnrichAlert, RaiseRiskScore, Notify, RestrictFederation];

impl Action {
    /// The action's class.
    #[must_use]
    pub const fn class(self) -> ActionClass {
        match self {
            EnrichAlert | RaiseRiskScore | Notify => ActionClass::Observe,
            RequireMfa | RequireReauthentication => ActionClass::Challenge,
            RevokeToken | RevokeSessions | SuspendPrivilege | RestrictAccess | DisableCredential | BlockSignIn
            | SuspendAccount | QuarantineWorkload | RestrictFederation => ActionClass::Contain,
            Action::DisableAccount
            | Action::ResetCredential
            | Action::RotateSecret
            | Action::RemovePrivilege
            | Action::RemoveConsent => ActionClass::Remediate,
        }
    }

    /// The levels at which the action can act, narrow first: it takes the narrowest that the target has.
    #[must_use]
    pub const fn levels(self) -> &'static [TargetLevel] {
        match self {
            RevokeToken | DisableCredential => &[TargetLevel::Token, TargetLevel::Account],
            SuspendPrivilege => &[TargetLevel::Grant, TargetLevel::Account],
            RevokeSessions | RequireReauthentication | RaiseRiskScore => &[TargetLevel::Session, TargetLevel::Account],
            RestrictFederation => &[TargetLevel::Trust],
            _ => &[TargetLevel::Account],
        }
    }

    /// The parameters that a proposal of this action may carry.
    #[must_use]
    pub const fn parameters(self) -> &'static [ActionParameter] {
        match self {
            RaiseRiskScore => &[ActionParameter {
                name: "points",
                ty: ActionParameterType::Integer { min: 1, max: 100 },
                meaning: "points to add to the risk score",
            }],
            Notify => &[ActionParameter {
                name: "audience",
                ty: ActionParameterType::Text { max_bytes: 64 },
                meaning: "who is notified: a group that the operator has named",
            }],
            RestrictAccess => &[ActionParameter {
                name: "mode",
                ty: ActionParameterType::Text { max_bytes: 64 },
                meaning: "how to restrict: a mode that the connector knows",
            }],
            SuspendPrivilege => &[ActionParameter {
                name: "reference",
                ty: ActionParameterType::Text { max_bytes: 512 },
                meaning: "which privilege, as the events name it",
            }],
            _ => &[],
        }
    }
}

impl IdentityType {
    /// The order of rungs for this type, weak to strong. An action that isn't among them is never available.
    /// `unknown` has those of `human`, from `revoke-token` on by approval only.
    #[must_use]
    pub const fn rungs(self) -> &'static [Action] {
        match self {
            IdentityType::Human | IdentityType::Unknown => HUMAN,
            IdentityType::ServiceAccount => SERVICE_ACCOUNT,
            IdentityType::Workload => WORKLOAD,
            IdentityType::AiAgent => AI_AGENT,
        }
    }

    /// The rungs on a trust, for every type.
    #[must_use]
    pub const fn trust_rungs() -> &'static [Action] {
        TRUST
    }
}
