//! What the gate decides, with every reason.

use countersign_vocabulary::Action;
use serde::{Deserialize, Serialize};

use crate::{Account, RuleId};

/// A decision on one proposal, or on an incident that nobody proposed anything for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Decision {
    /// What was decided.
    pub kind: DecisionKind,
    /// The response rule that asked; none for the host's own enrich-alert.
    pub response_rule: Option<RuleId>,
    /// What it asked for.
    pub requested_action: Option<Action>,
    /// What is granted, or would be once approved; none when denied or suppressed.
    pub action: Option<Action>,
    /// Index into the incident's subjects.
    pub subject: usize,
    /// The account acted on; none when the subject is unresolved.
    pub account: Option<Account>,
    /// Seconds; none for observe actions.
    pub lease: Option<u32>,
    /// The confidence that was held against the floors, 0–100.
    pub confidence: u8,
    /// The floor that applied, 0–100.
    pub floor: u8,
    /// Index of the anchor finding among the incident's.
    pub anchor: usize,
    /// Every reason; never empty.
    pub reasons: Vec<Reason>,
}

/// What can be decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DecisionKind {
    /// Done as asked.
    Execute,
    /// A person must agree first.
    AwaitApproval,
    /// A lower rung is done instead.
    Downgrade,
    /// Not told again.
    Suppress,
    /// Not done.
    Deny,
}

impl DecisionKind {
    /// Every kind.
    pub const ALL: [DecisionKind; 5] = [
        DecisionKind::Execute,
        DecisionKind::AwaitApproval,
        DecisionKind::Downgrade,
        DecisionKind::Suppress,
        DecisionKind::Deny,
    ];

    /// The word in JSON and audit.
    #[must_use]
    pub const fn id(self) -> &'static str {
        match self {
            DecisionKind::Execute => "execute",
            DecisionKind::AwaitApproval => "await-approval",
            DecisionKind::Downgrade => "downgrade",
            DecisionKind::Suppress => "suppress",
            DecisionKind::Deny => "deny",
        }
    }
}

/// One reason of a decision.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reason {
    /// Stable code.
    pub code: ReasonCode,
    /// The action it is about: a decision that was downgraded has reasons about more than one.
    pub action: Action,
    /// What it did to the answer.
    pub effect: Effect,
    /// In words, with the figures.
    pub detail: String,
}

/// What a reason does to an answer, from permissive to strict: the strictest of all reasons decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Effect {
    /// Lets it be automatic.
    Allow,
    /// Wants a person's word.
    Approval,
    /// Refuses it.
    Refuse,
}

/// Declares reason codes: the variants with their stable text.
macro_rules! reason_codes {
    ($($(#[$meta:meta])* $variant:ident = $id:literal,)+) => {
        /// Why. The codes are stable: scripts and dashboards may rely on them.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum ReasonCode { $($(#[$meta])* #[serde(rename = $id)] $variant,)+ }

        impl ReasonCode {
            /// Every code.
            pub const ALL: &'static [ReasonCode] = &[$(ReasonCode::$variant,)+];

            /// The stable text.
            #[must_use]
            pub const fn id(self) -> &'static str {
                match self { $(ReasonCode::$variant => $id,)+ }
            }
        }
    };
}

reason_codes! {
    /// The policy cell that answered, and what it said.
    PolicyCell = "policy-cell",
    /// No cell covers this: never.
    PolicyUnset = "policy-unset",
    /// An automatic cell is past its review-by date.
    PolicyReviewOverdue = "policy-review-overdue",
    /// The confidence reaches the floor.
    FloorMet = "floor-met",
    /// The confidence is below the detection's own floor.
    BelowDetectionFloor = "below-detection-floor",
    /// The confidence is below the response rule's floor.
    BelowResponseFloor = "below-response-floor",
    /// The confidence is below the policy's floor.
    BelowPolicyFloor = "below-policy-floor",
    /// The operator's cap lowered the confidence.
    ConfidenceCapped = "confidence-capped",
    /// Only combined confidence reaches the floor; no finding does alone.
    NoAnchor = "no-anchor",
    /// The detection didn't declare the action.
    DetectionActionUndeclared = "detection-action-undeclared",
    /// The response rule didn't declare the action.
    ResponseActionUndeclared = "response-action-undeclared",
    /// The detection isn't for this identity type.
    DetectionTypeUndeclared = "detection-type-undeclared",
    /// The response rule isn't for this identity type.
    ResponseTypeUndeclared = "response-type-undeclared",
    /// The detection's publisher isn't granted the action.
    DetectionActionNotGranted = "detection-action-not-granted",
    /// The response rule's publisher isn't granted the action.
    ResponseActionNotGranted = "response-action-not-granted",
    /// A publisher isn't granted the identity type.
    TypeNotGranted = "type-not-granted",
    /// A publisher isn't granted the signal class.
    ClassNotGranted = "class-not-granted",
    /// The response rule doesn't answer this class.
    ResponseClassUndeclared = "response-class-undeclared",
    /// An action of the remediation lane outside a case.
    RemediationOutsideCase = "remediation-outside-case",
    /// The action isn't in the identity type's written order.
    NotARung = "not-a-rung",
    /// No connector can do it here.
    ActionUnavailable = "action-unavailable",
    /// It can't be undone: never automatic.
    Irreversible = "irreversible",
    /// It heals by itself, but this isn't an interactive human.
    SelfHealingNotInteractive = "self-healing-not-interactive",
    /// The identity is protected: never automatic.
    ProtectedIdentity = "protected-identity",
    /// Break-glass: never automatic.
    BreakGlass = "break-glass",
    /// A member of the chain is stricter than the subject.
    StrictestInChain = "strictest-in-chain",
    /// The evidence merely names the subject: a challenge at most.
    MerelyNames = "merely-names",
    /// The subject is an end point: never contained.
    SourceNeverContained = "source-never-contained",
    /// The subject has no knowable account: notify at most.
    SubjectUnresolved = "subject-unresolved",
    /// The type is unknown: by approval only.
    UnknownType = "unknown-type",
    /// The principal is shared: contain needs approval.
    SharedPrincipal = "shared-principal",
    /// The connector's estimate is high or unknown.
    EstimateHigh = "estimate-high",
    /// Declared context was missing or too old: a challenge at most.
    ContextMissing = "context-missing",
    /// The evidence is too old to contain automatically, or dated as far ahead of the clock.
    EvidenceStale = "evidence-stale",
    /// A rule of the incident is in quarantine or not deterministic.
    RuleSuspect = "rule-suspect",
    /// Suppression said so.
    Suppressed = "suppressed",
    /// A window turns automatic into approval.
    WindowOpen = "window-open",
    /// A budget is used up.
    BudgetExhausted = "budget-exhausted",
    /// The rollout stage allows less.
    RolloutStage = "rollout-stage",
    /// The kill switch is on.
    KillSwitch = "kill-switch",
    /// Too few administrators would remain.
    LastAdministrator = "last-administrator",
    /// Another response rule that policy names asks for less.
    WeakerWins = "weaker-wins",
    /// A lower rung than the one asked for.
    Downgraded = "downgraded",
    /// No rung above observe is allowed.
    NoRungAllowed = "no-rung-allowed",
    /// Nobody proposed anything: the alert is enriched.
    NoProposal = "no-proposal",
    /// An observe action needs no cell.
    ObserveExempt = "observe-exempt",
}
