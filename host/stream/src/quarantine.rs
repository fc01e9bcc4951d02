//! When a rule that fails too often goes into quarantine: by a share of the distinct accounts that authenticated, never
//! of rows, nor of names that anyone can send.

use std::collections::HashSet;

use countersign_model::vocabulary::{EvidenceRole, SubjectRole};

use crate::Sequenced;
use crate::reference::key_seed;
use crate::subject::evidence_role;

/// When a rule goes into quarantine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QuarantineThreshold {
    /// At least so many distinct accounts failed, …
    pub min_accounts: u32,
    /// … and they are at least so many of a hundred of the distinct accounts seen.
    pub percent: u32,
}

impl Default for QuarantineThreshold {
    fn default() -> Self {
        QuarantineThreshold { min_accounts: 5, percent: 20 }
    }
}

/// Follows one rule's failures, position by position.
#[derive(Debug)]
pub struct Quarantine {
    threshold: QuarantineThreshold,
    /// Distinct accounts whose rows reached the rule. Only counted, so their order can't show.
    seen: HashSet<u64>,
    failed: HashSet<u64>,
    /// How many distinct accounts are counted.
    max_accounts: usize,
    /// Accounts that were counted since the changes were taken last, and whether they failed.
    changed: Vec<(u64, bool)>,
}

/// Accounts beyond so many distinct ones are ignored: the share among these is close enough.
const MAX_ACCOUNTS: usize = 1 << 20;

impl Quarantine {
    /// Without failures yet.
    #[must_use]
    pub fn new(threshold: QuarantineThreshold) -> Quarantine {
        Quarantine {
            threshold,
            seen: HashSet::new(),
            failed: HashSet::new(),
            max_accounts: MAX_ACCOUNTS,
            changed: Vec::new(),
        }
    }

    /// Takes in a row that reached the rule, and whether it failed. True when this row puts the rule into quarantine.
    pub fn note(&mut self, row: &Sequenced, failed: bool) -> bool {
        if evidence_role(SubjectRole::Actor, &row.event) != EvidenceRole::AuthenticatedAs {
            return false;
        }
        let Some(account) = &row.event.actor.account else { return false };
        let account = key_seed(&account.to_string());
        if !self.seen.contains(&account) {
            // An account that isn't counted as seen isn't counted as failed either.
            if self.seen.len() >= self.max_accounts {
                return false;
            }
            self.seen.insert(account);
            self.changed.push((account, false));
        }
        if !failed || !self.failed.insert(account) {
            return false;
        }
        self.changed.push((account, true));
        let (failed, seen) = (self.failed.len() as u64, self.seen.len() as u64);
        failed >= u64::from(self.threshold.min_accounts) && failed * 100 >= seen * u64::from(self.threshold.percent)
    }

    /// The accounts that were counted since this was called last, as opaque numbers, and whether they failed; the last
    /// entry of an account counts.
    pub fn take_changes(&mut self) -> Vec<(u64, bool)> {
        std::mem::take(&mut self.changed)
    }

    /// Counts an account again that was counted before a restart.
    pub fn restore(&mut self, account: u64, failed: bool) {
        self.seen.insert(account);
        if failed {
            self.failed.insert(account);
        }
    }

    /// The accounts that are counted, as opaque numbers, in order.
    pub fn account_numbers(&self) -> impl Iterator<Item = u64> + use<> {
        let mut seen: Vec<u64> = self.seen.iter().copied().collect();
        seen.sort_unstable();
        seen.into_iter()
    }

    /// Distinct accounts that failed, and that were seen.
    #[must_use]
    pub fn accounts(&self) -> (u64, u64) {
        (self.failed.len() as u64, self.seen.len() as u64)
    }
}

#[cfg(test)]
#[path = "../tests/unit/quarantine.rs"]
mod tests;
