//! A call of a response rule as plain data: the shapes of `wit/response.wit`, where units and ranges stand.

use countersign_vocabulary::{
    Action, ActionClass, EvidenceRole, IdentityType, Reversibility, Severity, SignalClass, SubjectRole, Tier, Usage,
    text_ids,
};
use serde::{Deserialize, Serialize};

use crate::call::{CallFailure, Level, Parameter};
use crate::digest::hex_bytes;
use crate::{Account, RuleId};

/// The arguments of a response rule's call.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ResponseCall {
    /// The incident as the rule may see it.
    pub incident: IncidentView,
    /// One a declared parameter, in declared order.
    pub parameters: Vec<Parameter>,
    /// What the rule was built with.
    #[serde(with = "hex_bytes")]
    pub data: Vec<u8>,
}

/// An incident as a response rule may see it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct IncidentView {
    /// The gate's clock, microseconds.
    pub now: i64,
    /// At least one.
    pub findings: Vec<FindingView>,
    /// 0–100.
    pub combined_confidence: u8,
    /// Each once.
    pub identities: Vec<IdentityView>,
    /// The subjects that proposals may name.
    pub subjects: Vec<SubjectView>,
    /// The available actions, by subject, weak to strong.
    pub actions: Vec<AvailableAction>,
    /// What is contained already.
    #[serde(default)]
    pub leases: Vec<LeaseView>,
    /// What became of earlier steps, oldest first.
    #[serde(default)]
    pub outcomes: Vec<OutcomeView>,
}

/// A finding of an incident.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct FindingView {
    /// The rule.
    pub rule: RuleId,
    /// Its class.
    pub signal_class: SignalClass,
    /// Effective confidence, 0–100.
    pub confidence: u8,
    /// Severity.
    pub severity: Severity,
    /// Index into the subjects.
    pub subject: u32,
    /// ATT&CK ids.
    pub techniques: Vec<String>,
    /// Event time, microseconds.
    pub event_time: i64,
    /// For people.
    pub message: String,
}

/// The facts about an identity.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct IdentityView {
    /// The account.
    pub account: Account,
    /// The operator's stable id.
    #[serde(default)]
    pub directory_id: Option<String>,
    /// Its type.
    pub identity_type: IdentityType,
    /// Its tier.
    pub tier: Tier,
    /// Its environment.
    #[serde(default)]
    pub environment: Option<String>,
    /// Its owner.
    #[serde(default)]
    pub owner: Option<String>,
    /// Never automatically contained.
    #[serde(default)]
    pub protected: bool,
    /// Emergency access.
    #[serde(default)]
    pub break_glass: bool,
}

/// A subject that a proposal may name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct SubjectView {
    /// Index into the identities.
    pub identity: u32,
    /// Its role.
    pub role: SubjectRole,
    /// How it is tied to the evidence.
    pub evidence_role: EvidenceRole,
    /// How it was used.
    pub usage: Usage,
    /// A session is in evidence.
    pub has_session: bool,
    /// A token or key is in evidence.
    pub has_token: bool,
    /// A grant is in evidence.
    pub has_grant: bool,
}

/// An action that is available for a subject.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct AvailableAction {
    /// The action.
    pub action: Action,
    /// Index into the subjects.
    pub subject: u32,
    /// Its place among the rungs of the identity type.
    pub rung: u32,
    /// Its class: observe, challenge or contain.
    pub class: ActionClass,
    /// What undoing takes.
    pub reversibility: Reversibility,
}

/// A containment in force.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct LeaseView {
    /// The action.
    pub action: Action,
    /// Index into the subjects.
    pub subject: u32,
    /// Microseconds.
    pub since: i64,
    /// Microseconds.
    pub until: i64,
}

/// What became of an earlier step.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct OutcomeView {
    /// The action.
    pub action: Action,
    /// Index into the subjects.
    pub subject: u32,
    /// Microseconds.
    pub at: i64,
    /// What became of it.
    pub result: StepResult,
}

text_ids! {
    /// What became of a step.
    pub enum StepResult {
        /// It was done.
        Done = "done",
        /// It was tried without success.
        Failed = "failed",
        /// The gate or a person refused.
        Refused = "refused",
        /// It was done and undone.
        Undone = "undone",
        /// It waits for a person.
        Waiting = "waiting",
    }
}

/// What a response rule returned, after validation.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ResponseAnswer {
    /// In order of preference.
    pub proposals: Vec<AnswerProposal>,
    /// For the author.
    pub diagnostics: Vec<ResponseDiagnostic>,
}

/// A proposal as the rule gave it: ids are still text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AnswerProposal {
    /// Action id.
    pub action: String,
    /// Name and value.
    pub parameters: Vec<(String, ActionValue)>,
    /// Index into the subjects.
    pub subject: u32,
    /// Seconds.
    pub lease: Option<u32>,
    /// For people.
    pub reason: String,
}

/// The value of an action's parameter.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ActionValue {
    /// A whole number.
    Integer(i64),
    /// Text.
    Text(String),
}

/// Something for the rule's author.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ResponseDiagnostic {
    /// Its severity.
    pub level: Level,
    /// The text.
    pub message: String,
}

/// Answers incidents: the engine with a component, or the same code compiled natively.
pub trait Responder {
    /// Answers an incident. The answer is as the rule gave it; the caller checks whether it keeps the contract.
    ///
    /// # Errors
    /// When the call gave no answer.
    fn respond(&self, call: &ResponseCall) -> Result<ResponseAnswer, CallFailure>;
}
