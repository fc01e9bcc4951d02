//! What the gate returns, and the one type that lets a connector act.

use countersign_model::response::ActionValue;
use countersign_model::vocabulary::{Action, TargetLevel};
use countersign_model::{Account, Decision};

/// What the gate decided. Only [`crate::decide`] makes one.
#[derive(Debug)]
pub struct Outcome {
    decisions: Vec<Decision>,
    authorised: Vec<Authorised>,
}

impl Outcome {
    pub(crate) fn new(decided: Vec<(Decision, Option<Authorised>)>) -> Outcome {
        let mut outcome = Outcome { decisions: Vec::with_capacity(decided.len()), authorised: Vec::new() };
        for (decision, authorised) in decided {
            outcome.decisions.push(decision);
            outcome.authorised.extend(authorised);
        }
        outcome
    }

    /// One for each proposal, in their order; then the host's own.
    #[must_use]
    pub fn decisions(&self) -> &[Decision] {
        &self.decisions
    }

    /// One for each decision that executes or downgrades, in their order.
    #[must_use]
    pub fn authorised(&self) -> &[Authorised] {
        &self.authorised
    }

    /// The decisions and the right to act on them.
    #[must_use]
    pub fn into_parts(self) -> (Vec<Decision>, Vec<Authorised>) {
        (self.decisions, self.authorised)
    }
}

/// The right to do one action once: the only thing that a [`Connector`] executes.
///
/// Only the gate makes one, for a decision that executes or downgrades. It can't be made elsewhere:
///
/// ```compile_fail,E0451
/// fn forge(decision: countersign_model::Decision) -> countersign_gate::Authorised {
///     countersign_gate::Authorised { decision, target: None, parameters: Vec::new() }
/// }
/// ```
///
/// It can't be copied, so it can be used only once:
///
/// ```compile_fail,E0382
/// fn twice(authorised: countersign_gate::Authorised, connector: &dyn countersign_gate::Connector) {
///     let _ = connector.execute(authorised);
///     let _ = connector.execute(authorised);
/// }
/// ```
///
/// ```compile_fail,E0277
/// fn clone<T: Clone>() {}
/// clone::<countersign_gate::Authorised>();
/// ```
///
/// Nor can it be read back from anything that was stored, or changed:
///
/// ```compile_fail,E0277
/// fn read<T: serde::de::DeserializeOwned>() {}
/// read::<countersign_gate::Authorised>();
/// ```
///
/// ```compile_fail,E0594
/// fn other(authorised: &mut countersign_gate::Authorised) {
///     authorised.decision().action = None;
/// }
/// ```
// INVARIANT: authority is minted here and nowhere else: private fields, no Clone, no Default, no Deserialize, and the
// one constructor is the gate's own.
#[derive(Debug, PartialEq, Eq)]
pub struct Authorised {
    decision: Decision,
    target: Option<ActionTarget>,
    parameters: Vec<(String, ActionValue)>,
}

/// What exactly an action acts on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ActionTarget {
    /// The account.
    pub account: Account,
    /// The level.
    pub level: TargetLevel,
    /// The session, token or grant; none at the level of the account.
    pub reference: Option<String>,
}

impl Authorised {
    pub(crate) fn mint(
        decision: Decision,
        target: Option<ActionTarget>,
        parameters: Vec<(String, ActionValue)>,
    ) -> Authorised {
        Authorised { decision, target, parameters }
    }

    /// Completes the reasons of the decision that authorised it.
    pub(crate) fn explain(&mut self, decision: &Decision) {
        self.decision.reasons.clone_from(&decision.reasons);
    }

    /// The decision that authorised it.
    #[must_use]
    pub fn decision(&self) -> &Decision {
        &self.decision
    }

    /// The action.
    #[must_use]
    pub fn action(&self) -> Option<Action> {
        self.decision.action
    }

    /// What it acts on; none for observe actions on a subject without an account.
    #[must_use]
    pub fn target(&self) -> Option<&ActionTarget> {
        self.target.as_ref()
    }

    /// The action's parameters, by name.
    #[must_use]
    pub fn parameters(&self) -> &[(String, ActionValue)] {
        &self.parameters
    }

    /// How long it lasts, seconds; none for observe actions.
    #[must_use]
    pub fn lease(&self) -> Option<u32> {
        self.decision.lease
    }
}

/// Acts on identities. It gets nothing but what the gate authorised.
pub trait Connector {
    /// Its name, as in the capability tables.
    fn name(&self) -> &str;

    /// Does what was authorised. The right is consumed.
    fn execute(&self, action: Authorised) -> Execution;
}

/// What a connector did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Execution {
    /// The provider's or the connector's own id of what was done, so that doing it again does nothing.
    pub idempotency_key: String,
    /// How it went: what it takes to undo it, or why it failed.
    pub result: Result<Undo, String>,
}

/// What undoing takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Undo {
    /// Nothing is to be undone: it only informed, or heals by itself.
    Nothing,
    /// The state before, in the connector's own format.
    Restore(String),
    /// It can't be undone.
    Impossible,
}
