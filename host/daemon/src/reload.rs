//! What becomes of files that change: how much of the past a candidate is tried on, and which changes need a person.

use std::collections::BTreeMap;

use countersign_configuration::Change;

use crate::candidate::ChangeKind;

/// `[reload]` of the configuration, as far as the host acts by it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reload {
    /// How much of the recorded past a candidate is tried on where nobody says, microseconds of arrival.
    pub trial: i64,
    /// What becomes of changes; of a kind that isn't named they wait for a person.
    pub changes: BTreeMap<ChangeKind, Change>,
}

impl Default for Reload {
    /// A trial on a day; everything waits for a person.
    fn default() -> Reload {
        Reload { trial: 86_400_000_000, changes: BTreeMap::new() }
    }
}

impl Reload {
    /// What becomes of a change that widens nothing.
    #[must_use]
    pub fn change(&self, kind: ChangeKind) -> Change {
        self.changes.get(&kind).copied().unwrap_or(Change::Approval)
    }
}

impl From<&countersign_configuration::Reload> for Reload {
    fn from(configured: &countersign_configuration::Reload) -> Reload {
        let change = |kind: ChangeKind| match kind {
            ChangeKind::Rules => configured.rules.value,
            ChangeKind::Policy => configured.policy.value,
            ChangeKind::Identities => configured.identities.value,
            ChangeKind::Trust => configured.trust.value,
            ChangeKind::Sources => configured.sources.value,
            ChangeKind::Lookups => configured.lookups.value,
        };
        let changes = ChangeKind::ALL.iter().map(|kind| (*kind, change(*kind))).collect();
        Reload { trial: configured.trial.value, changes }
    }
}
