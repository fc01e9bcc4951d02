//! When a rule goes into quarantine for a source: by a share of the source's distinct accounts that authenticated within
//! an hour, never of rows, nor of names that anyone can send.

use std::collections::{BTreeMap, HashMap};

use serde::{Deserialize, Serialize};

use crate::window::Step;

/// When a rule goes into quarantine for a source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QuarantineThreshold {
    /// At least so many distinct accounts failed within an hour, …
    pub min_accounts: u32,
    /// … and they are at least so many of a hundred of the distinct accounts seen in it.
    pub percent: u32,
}

impl Default for QuarantineThreshold {
    fn default() -> Self {
        QuarantineThreshold { min_accounts: 5, percent: 20 }
    }
}

/// Maximum of accounts of a source that are counted for a rule at a time. Others are ignored until some have left the
/// hour: the share among these is close enough, and as only a source's own accounts take room, no other source's are
/// pushed out.
const MAX_ACCOUNTS: usize = 1 << 16;

/// When an account was counted last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sighting {
    /// The step of its last row that reached the rule.
    pub seen: Step,
    /// The step of its last row on which the rule failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failed: Option<Step>,
}

/// The accounts of one source whose rows reached one rule, as opaque numbers.
#[derive(Debug)]
pub(crate) struct Accounts {
    /// Only counted and looked up in, so their order can't show.
    sightings: HashMap<u64, Sighting>,
    /// How many of them were seen last, and failed last, in each step.
    steps: BTreeMap<Step, (u64, u64)>,
    max_accounts: usize,
}

/// What counting a row changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Counted {
    /// Nothing.
    Nothing,
    /// That the account was seen.
    Seen,
    /// That it failed in this step, which it hadn't yet.
    Failed,
}

impl Default for Accounts {
    fn default() -> Accounts {
        Accounts { sightings: HashMap::new(), steps: BTreeMap::new(), max_accounts: MAX_ACCOUNTS }
    }
}

impl Accounts {
    /// Counts a row of an account. Steps never fall from row to row.
    pub(crate) fn count(&mut self, account: u64, step: Step, failed: bool) -> Counted {
        let before = self.sightings.get(&account).copied();
        // An account that isn't counted as seen isn't counted as failed either.
        if before.is_none() && self.sightings.len() >= self.max_accounts {
            return Counted::Nothing;
        }
        let failed_before = before.and_then(|before| before.failed);
        let now = Sighting { seen: step, failed: if failed { Some(step) } else { failed_before } };
        if before == Some(now) {
            return Counted::Nothing;
        }
        self.restore(account, now);
        if now.failed == failed_before { Counted::Seen } else { Counted::Failed }
    }

    /// Sets when an account was counted last, in place of what was known.
    pub(crate) fn restore(&mut self, account: u64, sighting: Sighting) {
        if let Some(before) = self.sightings.insert(account, sighting) {
            self.discount(before);
        }
        self.steps.entry(sighting.seen).or_default().0 += 1;
        if let Some(failed) = sighting.failed {
            self.steps.entry(failed).or_default().1 += 1;
        }
    }

    fn discount(&mut self, Sighting { seen, failed }: Sighting) {
        if let Some((count, _)) = self.steps.get_mut(&seen) {
            *count = count.saturating_sub(1);
        }
        if let Some((_, count)) = failed.and_then(|failed| self.steps.get_mut(&failed)) {
            *count = count.saturating_sub(1);
        }
    }

    /// When an account was counted last.
    pub(crate) fn get(&self, account: u64) -> Option<Sighting> {
        self.sightings.get(&account).copied()
    }

    /// Distinct accounts that failed, and that were seen, in the hour up to a step.
    pub(crate) fn within_hour(&self, step: Step) -> (u64, u64) {
        let counts = self.steps.range(step.first_that_counts()..).map(|(_, counts)| *counts);
        counts.fold((0, 0), |(failed, seen), (more_seen, more_failed)| (failed + more_failed, seen + more_seen))
    }

    /// Forgets accounts that weren't seen in the hour up to a step. Returns them, in no order.
    pub(crate) fn forget_before(&mut self, step: Step) -> Vec<u64> {
        let first = step.first_that_counts();
        if self.steps.first_key_value().is_none_or(|(oldest, _)| *oldest >= first) {
            return Vec::new();
        }
        self.steps = self.steps.split_off(&first);
        self.sightings.extract_if(|_, sighting| sighting.seen < first).map(|(account, _)| account).collect()
    }

    /// The accounts that are counted, in no order.
    pub(crate) fn all(&self) -> impl Iterator<Item = u64> {
        self.sightings.keys().copied()
    }

    /// Whether none is.
    pub(crate) fn is_empty(&self) -> bool {
        self.sightings.is_empty()
    }
}

impl QuarantineThreshold {
    /// Whether so many accounts of those seen are too many.
    pub(crate) fn is_reached(&self, failed: u64, seen: u64) -> bool {
        failed >= u64::from(self.min_accounts) && failed * 100 >= seen * u64::from(self.percent)
    }
}

#[cfg(test)]
#[path = "../tests/unit/quarantine.rs"]
mod tests;
