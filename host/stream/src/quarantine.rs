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
    /// How many accounts are told apart.
    most: usize,
}

/// Accounts that come after so many distinct ones are left out: a share of this many is a share.
const MAX_ACCOUNTS: usize = 1 << 20;

impl Quarantine {
    /// Nothing has failed yet.
    #[must_use]
    pub fn new(threshold: QuarantineThreshold) -> Quarantine {
        Quarantine { threshold, seen: HashSet::new(), failed: HashSet::new(), most: MAX_ACCOUNTS }
    }

    /// Takes in that a row reached the rule, and whether it failed. True when this row puts the rule into quarantine.
    pub fn note(&mut self, row: &Sequenced, failed: bool) -> bool {
        if evidence_role(SubjectRole::Actor, &row.event) != EvidenceRole::AuthenticatedAs {
            return false;
        }
        let Some(account) = &row.event.actor.account else { return false };
        let account = key_seed(&account.to_string());
        if !self.seen.contains(&account) {
            // Who isn't counted among those seen isn't counted among those who failed either.
            if self.seen.len() >= self.most {
                return false;
            }
            self.seen.insert(account);
        }
        if !failed || !self.failed.insert(account) {
            return false;
        }
        let (failed, seen) = (self.failed.len() as u64, self.seen.len() as u64);
        failed >= u64::from(self.threshold.min_accounts) && failed * 100 >= seen * u64::from(self.threshold.percent)
    }

    /// Distinct accounts that failed, and that were seen.
    #[must_use]
    pub fn accounts(&self) -> (u64, u64) {
        (self.failed.len() as u64, self.seen.len() as u64)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;
    use crate::testing::{account, event, sequence};

    /// A row of a subject; one that didn't authenticate begins with `?`, and nobody is empty.
    fn row(subject: &str) -> Sequenced {
        let mut event = event(0);
        event.actor.authenticated = !subject.starts_with('?');
        let subject = subject.trim_start_matches('?');
        event.actor.account = (!subject.is_empty()).then(|| account(subject));
        sequence(vec![event]).remove(0)
    }

    fn quarantine(min_accounts: u32, percent: u32) -> Quarantine {
        Quarantine::new(QuarantineThreshold { min_accounts, percent })
    }

    /// Notes rows, failing ones with a `!` in front; says after which the rule was in quarantine.
    fn note(quarantine: &mut Quarantine, rows: &[String]) -> Option<usize> {
        let noted = rows.iter().map(|subject| match subject.strip_prefix('!') {
            Some(subject) => quarantine.note(&row(subject), true),
            None => quarantine.note(&row(subject), false),
        });
        noted.collect::<Vec<_>>().iter().position(|entered| *entered)
    }

    fn subjects(mark: &str, numbers: std::ops::Range<u32>) -> Vec<String> {
        numbers.map(|number| format!("{mark}AIDA{number}")).collect()
    }

    #[test]
    fn both_the_number_and_the_share_must_be_reached() {
        let mut few = quarantine(3, 50);
        assert_eq!(note(&mut few, &subjects("!", 0..2)), None, "all that were seen, and too few");
        assert_eq!(note(&mut few, &subjects("!", 2..3)), Some(0));
        let mut many = quarantine(3, 50);
        assert_eq!(note(&mut many, &subjects("", 0..10)), None);
        assert_eq!(note(&mut many, &subjects("!", 0..4)), None, "four of ten");
        assert_eq!(note(&mut many, &subjects("!", 4..5)), Some(0), "five of ten");
        assert_eq!(many.accounts(), (5, 10));
    }

    #[test]
    fn an_account_counts_once_however_often_it_fails() {
        let mut quarantine = quarantine(2, 20);
        let rows: Vec<String> = (0..1_000).map(|_| "!AIDA1".to_owned()).collect();
        assert_eq!((note(&mut quarantine, &rows), quarantine.accounts()), (None, (1, 1)));
    }

    #[test]
    fn names_that_anybody_can_send_count_neither_way() {
        let mut quarantine = quarantine(1, 50);
        let mut rows = subjects("!?", 0..1_000);
        rows.extend(subjects("?", 1_000..2_000));
        rows.extend((0..10).map(|_| "!".to_owned()));
        assert_eq!((note(&mut quarantine, &rows), quarantine.accounts()), (None, (0, 0)));
        // They don't drown a share either.
        note(&mut quarantine, &subjects("", 0..1));
        assert_eq!(note(&mut quarantine, &subjects("!", 1..2)), Some(0));
    }

    #[test]
    fn one_subject_of_two_tenants_is_two_accounts() {
        let mut quarantine = quarantine(2, 100);
        assert_eq!(note(&mut quarantine, &["!AIDA1".to_owned()]), None);
        let mut elsewhere = event(1);
        elsewhere.actor.account = Some(countersign_model::Account::new("aws", "444455556666", "AIDA1"));
        assert!(quarantine.note(&sequence(vec![elsewhere]).remove(0), true));
    }

    #[test]
    fn accounts_past_those_told_apart_count_neither_way() {
        let mut quarantine = Quarantine { most: 10, ..quarantine(1, 20) };
        assert_eq!(note(&mut quarantine, &subjects("", 0..10)), None);
        assert_eq!(note(&mut quarantine, &subjects("!", 10..1_000)), None);
        assert_eq!(quarantine.accounts(), (0, 10));
        assert_eq!(note(&mut quarantine, &subjects("!", 0..2)), Some(1));
    }
}
