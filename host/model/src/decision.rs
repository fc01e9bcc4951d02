//! What the gate decides, with every reason.

use countersign_vocabulary::{Action, text_ids};
use serde::{Deserialize, Serialize};

use crate::{Account, RuleId};

/// A decision on one proposal, or on an incident without any.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Decision {
    /// What was decided.
    pub kind: DecisionKind,
    /// The response rule that proposed it; none for the host's own enrich-alert.
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
    /// The confidence that was compared with the floors, 0–100.
    pub confidence: u8,
    /// The floor that applied, 0–100.
    pub floor: u8,
    /// Index of the anchor finding among the incident's.
    pub anchor: usize,
    /// Every reason; never empty.
    pub reasons: Vec<Reason>,
}

text_ids! {
    /// What can be decided.
    pub enum DecisionKind {
        /// Done as asked.
        Execute = "execute",
        /// A person must agree first.
        AwaitApproval = "await-approval",
        /// A lower rung is done instead.
        Downgrade = "downgrade",
        /// Not reported again.
        Suppress = "suppress",
        /// Not done.
        Deny = "deny",
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
    /// In plain text, with the figures.
    pub detail: String,
}

text_ids! {
    /// What a reason does to an answer, from permissive to strict: the strictest of all reasons decides.
    pub enum Effect {
        /// Lets it be automatic.
        Allow = "allow",
        /// Requires a person's approval.
        Approval = "approval",
        /// Refuses it.
        Refuse = "refuse",
    }
}

text_ids! {
    /// Why. The codes are stable: scripts and dashboards may rely on them.
    pub enum ReasonCode {
        /// The policy cell that applies, and its answer.
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
        /// The action isn't among the identity type's rungs.
        NotARung = "not-a-rung",
        /// No connector can do it to the subject's account.
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
        /// The finding was made of acts too that authenticated nobody: by approval only.
        EvidenceUnproved = "evidence-unproved",
        /// The source isn't bound to the tenant of the account: a challenge at most.
        SourceNotBound = "source-not-bound",
        /// The operator lets the source lead to no action of this class.
        SourceLimited = "source-limited",
        /// The subject is a source address: never contained.
        SourceNeverContained = "source-never-contained",
        /// The subject has no known account: notify at most.
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
        /// A source that the finding rests on is silent, lags, or tells far less than usual: by approval only.
        SourceUnwell = "source-unwell",
        /// Suppression applies; or it would, and the incident is exempt from it.
        Suppressed = "suppressed",
        /// A window turns automatic into approval.
        WindowOpen = "window-open",
        /// A budget is used up.
        BudgetExhausted = "budget-exhausted",
        /// The rollout stage allows less.
        RolloutStage = "rollout-stage",
        /// As many people approved it as must.
        Approved = "approved",
        /// What people approved hits fewer than it would now: they are asked again.
        ApprovalExceeded = "approval-exceeded",
        /// The kill switch is on.
        KillSwitch = "kill-switch",
        /// Too few administrators would remain.
        LastAdministrator = "last-administrator",
        /// A response rule that policy names gave no answer: by approval only.
        ResponseFailed = "response-failed",
        /// A trust concerns everyone who comes through it: by approval only.
        TrustShared = "trust-shared",
        /// Another response rule that policy names asks for less.
        WeakerWins = "weaker-wins",
        /// A lower rung than the one asked for.
        Downgraded = "downgraded",
        /// No rung above observe is allowed.
        NoRungAllowed = "no-rung-allowed",
        /// No response rule proposed anything: the alert is enriched.
        NoProposal = "no-proposal",
        /// An observe action needs no cell.
        ObserveExempt = "observe-exempt",
    }
}
