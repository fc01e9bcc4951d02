//! What becomes of files that change: how much of the past a candidate is tried on, and which changes need a person.

use std::collections::BTreeMap;

use countersign_configuration::Change;

use crate::candidate::ChangeKind;

/// `[reload]` of the configuration, as far as the host acts by it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reload {
    /// How much of the recorded past a candidate is tried on where nobody says, microseconds of arrival.
    pub trial: i64,
    /// How long a candidate runs beside the one that serves before it is applied by itself, microseconds.
    pub shadow: i64,
    /// Whether a rule with a fault is left out; else the whole generation is refused.
    pub partial: bool,
    /// What becomes of changes; of a kind that isn't named they wait for a person.
    pub changes: BTreeMap<ChangeKind, Change>,
}

impl Default for Reload {
    /// A trial on a day and a shadow of fifteen minutes; everything waits for a person, and is whole.
    fn default() -> Reload {
        Reload { trial: 86_400_000_000, shadow: 900_000_000, partial: false, changes: BTreeMap::new() }
    }
}

impl Reload {
    /// What becomes of a change that widens nothing.
    #[must_use]
    pub fn change(&self, kind: ChangeKind) -> Change {
        self.changes.get(&kind).copied().unwrap_or(Change::Approval)
    }
}

impl Reload {
    /// Whether it refuses changes of any kind.
    pub(crate) fn refuses(&self) -> bool {
        self.changes.values().any(|change| *change == Change::Refused)
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
        let (trial, shadow, partial) = (configured.trial.value, configured.shadow.value, configured.partial.value);
        Reload { trial, shadow, partial, changes }
    }
}
