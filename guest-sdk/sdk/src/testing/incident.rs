//! Incidents for response rules under test, and what the rule proposes.

use std::marker::PhantomData;

use countersign_vocabulary::{Action, ActionClass, IdentityType, Reversibility, Severity, SignalClass};

use super::row::{Value, time};
use super::settings::Settings;
use crate::bindings::respond;
use crate::incident::StepResult;
use crate::rule::Response;
use crate::time::Duration;

/// An incident under construction: findings, actions, leases and outcomes belong to the subject added last.
#[derive(Clone, Debug)]
pub struct IncidentBuilder(respond::Incident);

/// An incident at 1970-01-01T00:00:00Z of this combined confidence, with nothing in it yet.
#[must_use]
pub fn incident(confidence: u8) -> IncidentBuilder {
    IncidentBuilder(respond::Incident {
        now: 0,
        findings: Vec::new(),
        combined_confidence: confidence,
        identities: Vec::new(),
        subjects: Vec::new(),
        actions: Vec::new(),
        leases: Vec::new(),
        outcomes: Vec::new(),
    })
}

impl From<respond::Incident> for IncidentBuilder {
    fn from(incident: respond::Incident) -> Self {
        IncidentBuilder(incident)
    }
}

impl IncidentBuilder {
    /// The gate's clock, RFC 3339.
    ///
    /// # Panics
    /// When the text isn't one.
    #[must_use]
    pub fn now(mut self, text: &str) -> Self {
        self.0.now = time(text).micros();
        self
    }

    /// Adds a subject with an identity of this type and of standard tier: the actor, authenticated, used
    /// interactively, with a session and a token in evidence, no grant.
    #[must_use]
    pub fn subject(mut self, identity_type: IdentityType) -> Self {
        let identity = self.0.identities.len();
        self.0.identities.push(respond::Identity {
            account: format!("aws:111122223333:AIDA{identity}"),
            directory_id: None,
            identity_type: identity_type.id().to_owned(),
            tier: "standard".to_owned(),
            environment: None,
            owner: None,
            protected: false,
            break_glass: false,
        });
        self.0.subjects.push(respond::Subject {
            identity: index(identity),
            role: respond::SubjectRole::Actor,
            evidence_role: respond::EvidenceRole::AuthenticatedAs,
            usage: respond::Usage::Interactive,
            has_session: true,
            has_token: true,
            has_grant: false,
        });
        self
    }

    /// Changes the last subject and its identity.
    #[must_use]
    pub fn with(mut self, change: impl FnOnce(&mut respond::Identity, &mut respond::Subject)) -> Self {
        if let (Some(identity), Some(subject)) = (self.0.identities.last_mut(), self.0.subjects.last_mut()) {
            change(identity, subject);
        }
        self
    }

    /// Adds a finding of severity medium about the last subject, at the time set by [`now`](IncidentBuilder::now).
    #[must_use]
    pub fn finding(mut self, class: SignalClass, confidence: u8) -> Self {
        self.0.findings.push(respond::Finding {
            rule: "example/rule".to_owned(),
            signal_class: class.id().to_owned(),
            confidence,
            severity: respond::Severity::Medium,
            subject: self.last(),
            techniques: Vec::new(),
            event_time: self.0.now,
            message: String::new(),
        });
        self
    }

    /// The severity of the last finding.
    #[must_use]
    pub fn severity(mut self, severity: Severity) -> Self {
        if let Some(finding) = self.0.findings.last_mut() {
            finding.severity = match severity {
                Severity::Informational => respond::Severity::Informational,
                Severity::Low => respond::Severity::Low,
                Severity::Medium => respond::Severity::Medium,
                Severity::High => respond::Severity::High,
                Severity::Critical => respond::Severity::Critical,
                Severity::Fatal => respond::Severity::Fatal,
            };
        }
        self
    }

    /// Adds an action that is available for the last subject, at its rung for the identity's type.
    ///
    /// # Panics
    /// When the type's rungs don't have the action, or it is of class remediate.
    #[must_use]
    #[expect(clippy::panic, reason = "for tests")]
    pub fn available(mut self, action: Action, reversibility: Reversibility) -> Self {
        let id = self.0.identities.last().map(|identity| identity.identity_type.as_str()).unwrap_or_default();
        let identity_type = IdentityType::from_id(id).unwrap_or(IdentityType::Unknown);
        let Some(rung) = identity_type.rungs().iter().position(|rung| *rung == action) else {
            panic!("the rungs of `{identity_type}` don't have `{action}`");
        };
        self.0.actions.push(respond::AvailableAction {
            action: action.id().to_owned(),
            subject: self.last(),
            rung: index(rung),
            class: match action.class() {
                ActionClass::Observe => respond::ActionClass::Observe,
                ActionClass::Challenge => respond::ActionClass::Challenge,
                ActionClass::Contain => respond::ActionClass::Contain,
                ActionClass::Remediate => panic!("`{action}` is a step of a case"),
            },
            reversibility: match reversibility {
                Reversibility::Reversible => respond::Reversibility::Reversible,
                Reversibility::SelfHealing => respond::Reversibility::SelfHealing,
                Reversibility::Irreversible => respond::Reversibility::Irreversible,
            },
        });
        self
    }

    /// Adds a containment of the last subject that is in force from [`now`](IncidentBuilder::now) on for this long.
    #[must_use]
    pub fn lease(mut self, action: Action, length: Duration) -> Self {
        let (since, subject) = (self.0.now, self.last());
        let until = since.saturating_add(length.micros());
        self.0.leases.push(respond::Lease { action: action.id().to_owned(), subject, since, until });
        self
    }

    /// Adds an earlier step on the last subject, at the time set by [`now`](IncidentBuilder::now).
    #[must_use]
    pub fn outcome(mut self, action: Action, result: StepResult) -> Self {
        let (at, subject) = (self.0.now, self.last());
        self.0.outcomes.push(respond::Outcome { action: action.id().to_owned(), subject, at, result });
        self
    }

    /// The incident as the rule gets it.
    #[must_use]
    pub fn build(self) -> respond::Incident {
        self.0
    }

    fn last(&self) -> u32 {
        index(self.0.subjects.len().saturating_sub(1))
    }
}

/// A response rule under test, with its default parameters and no data.
pub struct ResponseHarness<R> {
    settings: Settings,
    data: Vec<u8>,
    rule: PhantomData<fn() -> R>,
}

/// A proposal that the rule made.
#[derive(Clone, Debug, PartialEq)]
pub struct Proposed {
    /// The action.
    pub action: Action,
    /// Index into the incident's subjects.
    pub subject: u32,
    /// Seconds.
    pub lease: Option<u32>,
    /// Name and value.
    pub parameters: Vec<(String, Value)>,
    /// The text for people.
    pub reason: String,
}

impl<R: Response> Default for ResponseHarness<R> {
    fn default() -> Self {
        Self::new()
    }
}

impl<R: Response> ResponseHarness<R> {
    /// The rule with its default parameters and no data.
    #[must_use]
    pub fn new() -> Self {
        ResponseHarness { settings: Settings::defaults::<R>(), data: Vec::new(), rule: PhantomData }
    }

    /// Sets a declared parameter, as [`Harness::set`](super::Harness::set) does.
    ///
    /// # Panics
    /// When there is no such parameter, or it is of another type.
    #[must_use]
    pub fn set(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.settings.set::<R>(name, value.into());
        self
    }

    /// Sets the rule's data.
    #[must_use]
    pub fn data(mut self, data: &[u8]) -> Self {
        data.clone_into(&mut self.data);
        self
    }

    /// What the rule proposes for an incident, in the rule's order.
    ///
    /// # Panics
    /// When the rule does, or answers outside the contract.
    #[must_use]
    #[expect(clippy::panic, reason = "for tests")]
    pub fn proposals(&self, incident: &IncidentBuilder) -> Vec<Proposed> {
        let answer = crate::propose::<R>(&incident.0, &self.settings.for_response(), &self.data);
        let value = |value| match value {
            respond::ActionValue::Integer(value) => Value::Signed(value),
            respond::ActionValue::Text(text) => Value::Text(text),
        };
        let proposed = |proposal: respond::Proposal| Proposed {
            action: Action::from_id(&proposal.action)
                .unwrap_or_else(|| panic!("`{}` is not in the catalogue", proposal.action)),
            subject: proposal.subject,
            lease: proposal.lease,
            parameters: proposal.parameters.into_iter().map(|one| (one.name, value(one.value))).collect(),
            reason: proposal.reason,
        };
        answer.proposals.into_iter().map(proposed).collect()
    }
}

fn index(index: usize) -> u32 {
    u32::try_from(index).unwrap_or(u32::MAX)
}
