//! When a rule that fails too often is no longer believed: a share of the distinct accounts that authenticated, never
//! of rows or of names that anybody can send.

use std::collections::HashSet;

use countersign_model::vocabulary::{EvidenceRole, SubjectRole};

use crate::Sequenced;
use crate::reference::key_seed;
use crate::subject::evidence_role;

/// When a rule goes into quarantine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QuarantineThreshold {
    /// At least so many distinct accounts failed, …
    pub least_accounts: u32,
    /// … and they are at least so many of a hundred of the distinct accounts seen.
    pub percent: u32,
}

impl Default for QuarantineThreshold {
    fn default() -> Self {
        QuarantineThreshold { least_accounts: 5, percent: 20 }
    }
}

/// Follows one rule's failures, position by position.
#[derive(Debug)]
pub struct Quarantine {
    threshold: QuarantineThreshold,
    /// Distinct accounts whose rows reached the rule. Only counted, so their order can't show.
    seen: HashSet<u64>,
    failed: HashSet<u64>,
}

/// More accounts than this are no longer told apart: a share of this many is a share.
const MOST_ACCOUNTS: usize = 1 << 20;

impl Quarantine {
    /// Nothing has failed yet.
    #[must_use]
    pub fn new(threshold: QuarantineThreshold) -> Quarantine {
        Quarantine { threshold, seen: HashSet::new(), failed: HashSet::new() }
    }

    /// Takes in that a row reached the rule, and whether it failed. True when this row puts the rule into quarantine.
    pub fn note(&mut self, row: &Sequenced, failed: bool) -> bool {
        if evidence_role(SubjectRole::Actor, &row.event) != EvidenceRole::AuthenticatedAs {
            return false;
        }
        let Some(account) = &row.event.actor.account else { return false };
        let account = key_seed(&account.to_string());
        if self.seen.len() < MOST_ACCOUNTS {
            self.seen.insert(account);
        }
        if !failed || !self.failed.insert(account) {
            return false;
        }
        let (failed, seen) = (self.failed.len() as u64, self.seen.len() as u64);
        failed >= u64::from(self.threshold.least_accounts) && failed * 100 >= seen * u64::from(self.threshold.percent)
    }

    /// Distinct accounts that failed, and that were seen.
    #[must_use]
    pub fn accounts(&self) -> (u64, u64) {
        (self.failed.len() as u64, self.seen.len() as u64)
    }
}
