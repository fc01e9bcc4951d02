//! Proposals: what a response rule asks for.

use core::marker::PhantomData;

use countersign_vocabulary::{Action, ActionParameterType};

use crate::action::Act;
use crate::bindings::respond;
use crate::finding::cut;
use crate::incident::{Available, Subject};
use crate::time::Duration;

/// A proposal of the rule `R`: an action on a subject of the incident.
#[derive(Clone, Debug)]
#[must_use = "a proposal has no effect until it is passed to `ResponseContext::propose`"]
pub struct Proposal<R> {
    action: Action,
    parameters: Vec<respond::ActionParameter>,
    subject: u32,
    lease: Option<u32>,
    reason: String,
    rule: PhantomData<fn() -> R>,
}

impl<R> Proposal<R> {
    /// Proposes a declared action on a subject. [`Incident::actions_for`](crate::Incident::actions_for) lists those that
    /// are available.
    pub fn new<A: Act<R>>(_action: A, subject: Subject<'_>) -> Self {
        match Action::from_id(A::ID) {
            Some(action) => Self::with(action, subject.index()),
            None => unknown(A::ID),
        }
    }

    /// Proposes an action that the incident lists as available.
    pub fn of(available: &Available<'_>) -> Self {
        Self::with(available.action(), available.subject().index())
    }

    fn with(action: Action, subject: u32) -> Self {
        let reason = String::new();
        Proposal { action, parameters: Vec::new(), subject, lease: None, reason, rule: PhantomData }
    }

    /// Sets how long the action stays in force, in whole seconds; without it the operator's default applies. Observe
    /// actions have no lease.
    pub fn lease(mut self, lease: Duration) -> Self {
        self.lease = Some(u32::try_from(lease.as_secs().max(0)).unwrap_or(u32::MAX));
        self
    }

    /// Sets the text for people, at most 1,024 bytes; a longer text is cut.
    pub fn reason(mut self, reason: impl Into<String>) -> Self {
        self.reason = cut(reason.into());
        self
    }

    /// `raise-risk-score`: points to add, 1–100.
    ///
    /// # Panics
    /// When the action isn't `raise-risk-score`, or the points are out of range.
    pub fn points(self, points: i64) -> Self {
        self.parameter("points", respond::ActionValue::Integer(points))
    }

    /// `notify`: the audience, a group that the operator has named.
    ///
    /// # Panics
    /// When the action isn't `notify`, or the name is too long.
    pub fn audience(self, audience: &str) -> Self {
        self.parameter("audience", respond::ActionValue::Text(audience.to_owned()))
    }

    /// `restrict-access`: how, a mode that the connector knows.
    ///
    /// # Panics
    /// When the action isn't `restrict-access`, or the mode is too long.
    pub fn mode(self, mode: &str) -> Self {
        self.parameter("mode", respond::ActionValue::Text(mode.to_owned()))
    }

    /// `suspend-privilege`: which privilege, as the events name it.
    ///
    /// # Panics
    /// When the action isn't `suspend-privilege`, or the reference is too long.
    pub fn reference(self, reference: &str) -> Self {
        self.parameter("reference", respond::ActionValue::Text(reference.to_owned()))
    }

    /// Sets a parameter that the catalogue names for the action; setting it again replaces it.
    #[expect(clippy::panic, reason = "a bug in the rule, for any incident: the panic's message names it")]
    fn parameter(mut self, name: &str, value: respond::ActionValue) -> Self {
        let Some(known) = self.action.parameters().iter().find(|known| known.name == name) else {
            panic!("the action `{}` has no parameter `{name}`", self.action);
        };
        let fits = match (&known.ty, &value) {
            (ActionParameterType::Integer { min, max }, respond::ActionValue::Integer(value)) => {
                (min..=max).contains(&value)
            }
            (ActionParameterType::Text { max_bytes }, respond::ActionValue::Text(text)) => text.len() <= *max_bytes,
            _ => false,
        };
        assert!(fits, "the parameter `{name}` of `{}` must be within {:?}, got {value:?}", self.action, known.ty);
        self.parameters.retain(|other| other.name != name);
        self.parameters.push(respond::ActionParameter { name: name.to_owned(), value });
        self
    }

    pub(crate) fn into_answer(self) -> respond::Proposal {
        respond::Proposal {
            action: self.action.id().to_owned(),
            parameters: self.parameters,
            subject: self.subject,
            lease: self.lease,
            reason: self.reason,
        }
    }
}

#[cold]
#[expect(clippy::panic, reason = "markers and catalogue are generated from the same table")]
fn unknown(id: &str) -> ! {
    panic!("the action `{id}` is not in the catalogue")
}
