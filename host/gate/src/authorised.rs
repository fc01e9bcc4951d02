//! The one type that lets a connector act.

use countersign_model::response::ActionValue;
use countersign_model::vocabulary::{Action, TargetLevel};
use countersign_model::{Account, Decision, Digest};

/// The right to do one action once: the only thing that a connector executes.
///
/// Only [`crate::reauthorise`] makes one, for a decision on record that still holds. It can't be made elsewhere:
///
/// ```compile_fail,E0451
/// fn forge(decision: countersign_model::Decision, key: countersign_model::Digest) -> countersign_gate::Authorised {
///     countersign_gate::Authorised { record: 0, decision, target: None, parameters: Vec::new(), idempotency_key: key }
/// }
/// ```
///
/// It can't be copied, so it can be used only once:
///
/// ```compile_fail,E0382
/// fn execute(_: countersign_gate::Authorised) {}
/// fn twice(authorised: countersign_gate::Authorised) {
///     execute(authorised);
///     execute(authorised);
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
///
/// What it says can be read:
///
/// ```
/// fn read(authorised: &countersign_gate::Authorised) -> Option<countersign_model::vocabulary::Action> {
///     authorised.decision().action
/// }
/// fn execute(authorised: countersign_gate::Authorised) {
///     drop(authorised);
/// }
/// ```
// INVARIANT: authority is minted by `reauthorise` and nowhere else: private fields, no Clone, no Default, no Deserialize,
// and the one constructor is the gate's own.
#[derive(Debug, PartialEq, Eq)]
pub struct Authorised {
    record: u64,
    decision: Decision,
    target: Option<ActionTarget>,
    parameters: Vec<(String, ActionValue)>,
    idempotency_key: Digest,
}

/// What exactly an action acts on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ActionTarget {
    /// The account.
    pub account: Account,
    /// The level.
    pub level: TargetLevel,
    /// The session, token, grant or trust; none at the level of the account.
    pub reference: Option<String>,
}

impl Authorised {
    pub(crate) fn mint(
        record: u64,
        decision: Decision,
        target: Option<ActionTarget>,
        parameters: Vec<(String, ActionValue)>,
        idempotency_key: Digest,
    ) -> Authorised {
        Authorised { record, decision, target, parameters, idempotency_key }
    }

    /// The number of the record of the decision.
    #[must_use]
    pub fn record(&self) -> u64 {
        self.record
    }

    /// The decision that authorised it, as it is on record.
    #[must_use]
    pub fn decision(&self) -> &Decision {
        &self.decision
    }

    /// The action.
    #[must_use]
    pub fn action(&self) -> Option<Action> {
        self.decision.action
    }

    /// What it acts on.
    #[must_use]
    pub fn target(&self) -> Option<&ActionTarget> {
        self.target.as_ref()
    }

    /// The action's parameters, by name.
    #[must_use]
    pub fn parameters(&self) -> &[(String, ActionValue)] {
        &self.parameters
    }

    /// How long it lasts, seconds.
    #[must_use]
    pub fn lease(&self) -> Option<u32> {
        self.decision.lease
    }

    /// The intent's key: what was done under it isn't done again.
    #[must_use]
    pub fn idempotency_key(&self) -> Digest {
        self.idempotency_key
    }
}
