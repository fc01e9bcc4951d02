//! How far a source is believed about the account that acted.

use countersign_vocabulary::ActionClass;
use serde::{Deserialize, Serialize};

/// How far the source of an event is believed about the account that acted in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Binding {
    /// Whether the source is bound to the account's tenant. If it isn't, the event merely names the account, whatever it
    /// says.
    pub bound: bool,
    /// Whether the source is bound to the tenant of the account acted on, where that is another's than the actor's.
    pub target_bound: bool,
    /// The greatest class of action that what the source says may lead to: at most challenge where it isn't bound.
    pub highest_class: ActionClass,
}

impl Binding {
    /// Of a source that is bound to the account's tenant, without a limit of its own.
    pub const BOUND: Binding = Binding { bound: true, target_bound: true, highest_class: ActionClass::Contain };

    /// Of a source that isn't bound to the account's tenant.
    pub const NOT_BOUND: Binding = Binding { bound: false, target_bound: false, highest_class: ActionClass::Challenge };

    /// The weaker of two in every respect.
    #[must_use]
    pub fn weakest(self, other: Binding) -> Binding {
        Binding {
            bound: self.bound && other.bound,
            target_bound: self.target_bound && other.target_bound,
            highest_class: self.highest_class.min(other.highest_class),
        }
    }
}

impl Default for Binding {
    fn default() -> Binding {
        Binding::BOUND
    }
}
