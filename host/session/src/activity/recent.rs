//! What a store has of the accounts that were used last, so that counting them again needn't read it.

use std::collections::HashMap;

use countersign_model::Account;

use super::{Callers, Day};

/// Entries that are kept at most, twice: with 16 callers of 120 bytes each, some 20 MiB.
const MAX_ENTRIES: usize = 4_096;

/// What a store has, by day and account; none where it has nothing.
#[derive(Default)]
pub(super) struct Recent {
    /// Those that were used last.
    newer: HashMap<(Day, Account), Option<Callers>>,
    /// Those before them.
    older: HashMap<(Day, Account), Option<Callers>>,
}

impl Recent {
    /// What a store has, where that is known.
    pub(super) fn take(&mut self, key: &(Day, Account)) -> Option<Option<Callers>> {
        self.newer.remove(key).or_else(|| self.older.remove(key))
    }

    /// Keeps what a store has once the changes that come with it are committed. Those that weren't used for longest are
    /// forgotten.
    pub(super) fn put(&mut self, key: (Day, Account), callers: Option<Callers>) {
        if self.newer.len() >= MAX_ENTRIES {
            self.older = std::mem::take(&mut self.newer);
        }
        self.newer.insert(key, callers);
    }
}
