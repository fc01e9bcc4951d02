//! The part of a policy that one incident needs, small enough to be kept with every decision.

use std::collections::BTreeSet;

use countersign_model::RuleId;
use countersign_model::vocabulary::{Action, IdentityType, SignalClass, Tier};
use serde::{Deserialize, Serialize};

use crate::policy::{CellOutcome, Policy};

/// The part of a policy that an incident needs: the cells of its classes and of its identities' types and tiers, and
/// the named response rules. What isn't here is unset, so a view can allow less than the policy but never more.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct PolicyView {
    /// What cells answer, each once.
    pub outcomes: Vec<CellOutcome>,
    /// Which combination has which outcome, in order; unset ones are left out.
    pub cells: Vec<ViewCell>,
    /// Named response rules, in order; classes and types that policy leaves open are left out.
    pub responses: Vec<ViewResponses>,
    /// The lease where a response rule gave none, seconds.
    pub default_lease: u32,
    /// The longest lease, seconds.
    pub longest_lease: u32,
}

/// One combination.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct ViewCell {
    /// Signal class.
    pub class: SignalClass,
    /// Identity type.
    #[serde(rename = "type")]
    pub identity_type: IdentityType,
    /// Tier.
    pub tier: Tier,
    /// Action.
    pub action: Action,
    /// Index into the outcomes.
    pub outcome: usize,
}

/// The response rules named for a class and type.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct ViewResponses {
    /// Signal class.
    pub class: SignalClass,
    /// Identity type.
    #[serde(rename = "type")]
    pub identity_type: IdentityType,
    /// The rules.
    pub rules: Vec<RuleId>,
}

impl Policy {
    /// The part of the policy that an incident of these classes with these identities needs.
    #[must_use]
    pub fn view(&self, classes: &BTreeSet<SignalClass>, identities: &BTreeSet<(IdentityType, Tier)>) -> PolicyView {
        let mut view = PolicyView {
            default_lease: self.limits().default_lease,
            longest_lease: self.limits().longest_lease,
            ..PolicyView::default()
        };
        let types: BTreeSet<IdentityType> = identities.iter().map(|(identity_type, _)| *identity_type).collect();
        for class in classes.iter().copied() {
            for (identity_type, tier) in identities.iter().copied() {
                for action in Action::ALL.iter().copied() {
                    let outcome = self.cell(class, identity_type, tier, action);
                    if !outcome.is_unset() {
                        let outcome = view.outcome(outcome);
                        view.cells.push(ViewCell { class, identity_type, tier, action, outcome });
                    }
                }
            }
            for identity_type in types.iter().copied() {
                if let Some(rules) = self.responses(class, identity_type) {
                    view.responses.push(ViewResponses { class, identity_type, rules: rules.to_vec() });
                }
            }
        }
        view
    }
}

impl PolicyView {
    fn outcome(&mut self, outcome: &CellOutcome) -> usize {
        self.outcomes.iter().position(|known| known == outcome).unwrap_or_else(|| {
            self.outcomes.push(outcome.clone());
            self.outcomes.len() - 1
        })
    }

    /// What answers for a combination; none where it is unset: never.
    #[must_use]
    pub fn cell(
        &self,
        class: SignalClass,
        identity_type: IdentityType,
        tier: Tier,
        action: Action,
    ) -> Option<&CellOutcome> {
        let cell = self.cells.iter().find(|cell| {
            cell.class == class && cell.identity_type == identity_type && cell.tier == tier && cell.action == action
        })?;
        self.outcomes.get(cell.outcome)
    }

    /// The response rules that policy names for a class and type; none where it leaves that open.
    #[must_use]
    pub fn responses(&self, class: SignalClass, identity_type: IdentityType) -> Option<&[RuleId]> {
        self.responses
            .iter()
            .find(|named| named.class == class && named.identity_type == identity_type)
            .map(|named| named.rules.as_slice())
    }
}
