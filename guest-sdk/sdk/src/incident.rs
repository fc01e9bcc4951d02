//! The incident that a response rule gets, with typed access.
//!
//! Ids that this version of the vocabulary doesn't know come from a newer host. They read as none or as the most
//! cautious value; unknown actions aren't listed.

use countersign_vocabulary::{
    Action, ActionClass, EvidenceRole, IdentityType, Reversibility, Severity, SignalClass, SubjectRole, Tier, Usage,
};

use crate::bindings::respond;
use crate::time::Timestamp;

pub use crate::bindings::respond::StepResult;

/// Findings about one identity, joined.
#[derive(Clone, Copy, Debug)]
pub struct Incident<'a>(&'a respond::Incident);

impl<'a> Incident<'a> {
    pub(crate) fn new(incident: &'a respond::Incident) -> Self {
        Incident(incident)
    }

    /// The gate's clock.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        Timestamp::from_micros(self.0.now)
    }

    /// The combined confidence, 0–100.
    #[must_use]
    pub fn confidence(&self) -> u8 {
        self.0.combined_confidence
    }

    /// The findings; at least one.
    pub fn findings(&self) -> impl ExactSizeIterator<Item = IncidentFinding<'a>> + use<'a> {
        let incident = self.0;
        incident.findings.iter().map(move |finding| IncidentFinding { incident, finding })
    }

    /// The subjects that proposals may name.
    pub fn subjects(&self) -> impl Iterator<Item = Subject<'a>> + use<'a> {
        let incident = self.0;
        (0u32..).zip(&incident.subjects).map(move |(index, subject)| Subject { incident, index, subject })
    }

    /// The identities of the actor chains and targets.
    pub fn identities(&self) -> impl ExactSizeIterator<Item = Identity<'a>> + use<'a> {
        self.0.identities.iter().map(Identity)
    }

    /// The actions available for a subject: declared by this rule and possible here. Weak to strong.
    pub fn actions_for(&self, subject: Subject<'_>) -> impl DoubleEndedIterator<Item = Available<'a>> + use<'a> {
        let mut actions: Vec<Available<'a>> =
            self.actions().filter(|one| one.available.subject == subject.index).collect();
        actions.sort_by_key(Available::rung);
        actions.into_iter()
    }

    /// The actions available for all subjects, in the host's order.
    pub fn actions(&self) -> impl Iterator<Item = Available<'a>> + use<'a> {
        let incident = self.0;
        incident.actions.iter().filter_map(move |available| {
            let action = Action::from_id(&available.action)?;
            Some(Available { incident, available, action })
        })
    }

    /// The containments of a subject that are in force.
    pub fn leases_for(&self, subject: Subject<'_>) -> impl Iterator<Item = Lease<'a>> + use<'a> {
        let index = subject.index;
        self.0.leases.iter().filter(move |lease| lease.subject == index).map(Lease)
    }

    /// The outcomes of earlier steps on a subject, oldest first.
    pub fn outcomes_for(&self, subject: Subject<'_>) -> impl DoubleEndedIterator<Item = Outcome<'a>> + use<'a> {
        let index = subject.index;
        self.0.outcomes.iter().filter(move |outcome| outcome.subject == index).map(Outcome)
    }
}

/// A finding of an incident.
#[derive(Clone, Copy, Debug)]
pub struct IncidentFinding<'a> {
    incident: &'a respond::Incident,
    finding: &'a respond::Finding,
}

impl<'a> IncidentFinding<'a> {
    /// The rule that reported it, `publisher/name`.
    #[must_use]
    pub fn rule(&self) -> &'a str {
        &self.finding.rule
    }

    /// Its class; none for a class of a newer host.
    #[must_use]
    pub fn class(&self) -> Option<SignalClass> {
        SignalClass::from_id(&self.finding.signal_class)
    }

    /// Effective confidence, 0–100.
    #[must_use]
    pub fn confidence(&self) -> u8 {
        self.finding.confidence
    }

    /// Its severity.
    #[must_use]
    pub fn severity(&self) -> Severity {
        match self.finding.severity {
            respond::Severity::Informational => Severity::Informational,
            respond::Severity::Low => Severity::Low,
            respond::Severity::Medium => Severity::Medium,
            respond::Severity::High => Severity::High,
            respond::Severity::Critical => Severity::Critical,
            respond::Severity::Fatal => Severity::Fatal,
        }
    }

    /// Its subject.
    #[must_use]
    pub fn subject(&self) -> Subject<'a> {
        let index = self.finding.subject;
        match self.incident.subjects.get(index as usize) {
            Some(subject) => Subject { incident: self.incident, index, subject },
            None => missing("subject", index),
        }
    }

    /// ATT&CK ids.
    pub fn techniques(&self) -> impl ExactSizeIterator<Item = &'a str> + use<'a> {
        self.finding.techniques.iter().map(String::as_str)
    }

    /// Event time of its row.
    #[must_use]
    pub fn time(&self) -> Timestamp {
        Timestamp::from_micros(self.finding.event_time)
    }

    /// The detection's text for people.
    #[must_use]
    pub fn message(&self) -> &'a str {
        &self.finding.message
    }
}

/// A subject that a proposal may name.
#[derive(Clone, Copy, Debug)]
pub struct Subject<'a> {
    incident: &'a respond::Incident,
    index: u32,
    subject: &'a respond::Subject,
}

impl PartialEq for Subject<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.index == other.index
    }
}

impl Eq for Subject<'_> {}

impl<'a> Subject<'a> {
    /// Its place among the incident's subjects.
    #[must_use]
    pub fn index(&self) -> u32 {
        self.index
    }

    /// Its identity.
    #[must_use]
    pub fn identity(&self) -> Identity<'a> {
        match self.incident.identities.get(self.subject.identity as usize) {
            Some(identity) => Identity(identity),
            None => missing("identity", self.subject.identity),
        }
    }

    /// Its role in the events.
    #[must_use]
    pub fn role(&self) -> SubjectRole {
        match self.subject.role {
            respond::SubjectRole::Actor => SubjectRole::Actor,
            respond::SubjectRole::Target => SubjectRole::Target,
            respond::SubjectRole::Owner => SubjectRole::Owner,
            respond::SubjectRole::Source => SubjectRole::Source,
        }
    }

    /// Whether it authenticated in the evidence or is merely named.
    #[must_use]
    pub fn evidence_role(&self) -> EvidenceRole {
        match self.subject.evidence_role {
            respond::EvidenceRole::MerelyNames => EvidenceRole::MerelyNames,
            respond::EvidenceRole::AuthenticatedAs => EvidenceRole::AuthenticatedAs,
        }
    }

    /// How the account was used.
    #[must_use]
    pub fn usage(&self) -> Usage {
        match self.subject.usage {
            respond::Usage::Interactive => Usage::Interactive,
            respond::Usage::Programmatic => Usage::Programmatic,
            respond::Usage::Delegated => Usage::Delegated,
        }
    }

    /// Whether the events show a session of the account.
    #[must_use]
    pub fn has_session(&self) -> bool {
        self.subject.has_session
    }

    /// Whether the events show a token or access key of the account.
    #[must_use]
    pub fn has_token(&self) -> bool {
        self.subject.has_token
    }

    /// Whether the events show a grant: a consent, an assumed role.
    #[must_use]
    pub fn has_grant(&self) -> bool {
        self.subject.has_grant
    }
}

/// The operator's facts about an identity.
#[derive(Clone, Copy, Debug)]
pub struct Identity<'a>(&'a respond::Identity);

impl<'a> Identity<'a> {
    /// The account, `provider:tenant:subject` with `:` and `%` percent-encoded.
    #[must_use]
    pub fn account(&self) -> &'a str {
        &self.0.account
    }

    /// The operator's stable id, where the directory has one.
    #[must_use]
    pub fn directory_id(&self) -> Option<&'a str> {
        self.0.directory_id.as_deref()
    }

    /// Its type; unknown for a type of a newer host.
    #[must_use]
    pub fn identity_type(&self) -> IdentityType {
        IdentityType::from_id(&self.0.identity_type).unwrap_or(IdentityType::Unknown)
    }

    /// Its tier; critical for a tier of a newer host.
    #[must_use]
    pub fn tier(&self) -> Tier {
        Tier::from_id(&self.0.tier).unwrap_or(Tier::Critical)
    }

    /// Its environment.
    #[must_use]
    pub fn environment(&self) -> Option<&'a str> {
        self.0.environment.as_deref()
    }

    /// Its owner.
    #[must_use]
    pub fn owner(&self) -> Option<&'a str> {
        self.0.owner.as_deref()
    }

    /// Whether it is never automatically contained.
    #[must_use]
    pub fn is_protected(&self) -> bool {
        self.0.protected
    }

    /// Whether it is emergency access.
    #[must_use]
    pub fn is_break_glass(&self) -> bool {
        self.0.break_glass
    }
}

/// An action that is available for a subject.
#[derive(Clone, Copy, Debug)]
pub struct Available<'a> {
    incident: &'a respond::Incident,
    available: &'a respond::AvailableAction,
    action: Action,
}

impl<'a> Available<'a> {
    /// The action.
    #[must_use]
    pub fn action(&self) -> Action {
        self.action
    }

    /// Its subject.
    #[must_use]
    pub fn subject(&self) -> Subject<'a> {
        let index = self.available.subject;
        match self.incident.subjects.get(index as usize) {
            Some(subject) => Subject { incident: self.incident, index, subject },
            None => missing("subject", index),
        }
    }

    /// Its rung in the order of the identity's type; a greater rung is stronger.
    #[must_use]
    pub fn rung(&self) -> u32 {
        self.available.rung
    }

    /// Its class: observe, challenge or contain.
    #[must_use]
    pub fn class(&self) -> ActionClass {
        match self.available.class {
            respond::ActionClass::Observe => ActionClass::Observe,
            respond::ActionClass::Challenge => ActionClass::Challenge,
            respond::ActionClass::Contain => ActionClass::Contain,
        }
    }

    /// Whether and how it can be undone.
    #[must_use]
    pub fn reversibility(&self) -> Reversibility {
        match self.available.reversibility {
            respond::Reversibility::Reversible => Reversibility::Reversible,
            respond::Reversibility::SelfHealing => Reversibility::SelfHealing,
            respond::Reversibility::Irreversible => Reversibility::Irreversible,
        }
    }
}

/// A containment that is in force.
#[derive(Clone, Copy, Debug)]
pub struct Lease<'a>(&'a respond::Lease);

impl Lease<'_> {
    /// The action; none for one of a newer host.
    #[must_use]
    pub fn action(&self) -> Option<Action> {
        Action::from_id(&self.0.action)
    }

    /// When it began.
    #[must_use]
    pub fn since(&self) -> Timestamp {
        Timestamp::from_micros(self.0.since)
    }

    /// When it ends.
    #[must_use]
    pub fn until(&self) -> Timestamp {
        Timestamp::from_micros(self.0.until)
    }
}

/// The outcome of an earlier step.
#[derive(Clone, Copy, Debug)]
pub struct Outcome<'a>(&'a respond::Outcome);

impl Outcome<'_> {
    /// The action; none for one of a newer host.
    #[must_use]
    pub fn action(&self) -> Option<Action> {
        Action::from_id(&self.0.action)
    }

    /// When the step was taken.
    #[must_use]
    pub fn time(&self) -> Timestamp {
        Timestamp::from_micros(self.0.at)
    }

    /// Its result.
    #[must_use]
    pub fn result(&self) -> StepResult {
        self.0.result
    }
}

#[cold]
#[expect(clippy::panic, reason = "the host broke the contract: no answer can be right")]
fn missing(what: &str, index: u32) -> ! {
    panic!("the incident breaks the contract: it has no {what} {index}")
}
