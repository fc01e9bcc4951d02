//! Who used an account lately: what a store has counted, summed up by caller.

use std::collections::BTreeMap;

use countersign_model::Account;
use countersign_session::{ActivityDay, CallerCount, SessionError, Standing, activity};
use countersign_store::Stored;
use serde::Serialize;

/// Who used an account on the last 30 days.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct AccountActivity {
    /// The account.
    pub account: Account,
    /// Its callers, those that called most often first.
    pub callers: Vec<CallerTotal>,
    /// The days on which it was used, the oldest first.
    pub days: Vec<ActivityDay>,
}

/// A caller over all of these days.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CallerTotal {
    /// Through what the account was used; see [`CallerCount::caller`].
    pub caller: String,
    /// How often.
    pub count: u64,
    /// On how many days.
    pub days: u64,
    /// The last of them.
    pub last: String,
}

/// Who used an account, as a store has it.
///
/// # Errors
/// When the store can't be read.
pub fn activity_of(store: &dyn Stored, account: &Account) -> Result<AccountActivity, SessionError> {
    let now = Standing::read(store)?.and_then(|standing| standing.clock);
    let days = now.map_or_else(|| Ok(Vec::new()), |now| activity(store, account, now))?;
    let mut totals: BTreeMap<&str, CallerTotal> = BTreeMap::new();
    for ActivityDay { day, callers } in &days {
        for CallerCount { caller, count } in callers {
            let new = || CallerTotal { caller: caller.clone(), count: 0, days: 0, last: String::new() };
            let total = totals.entry(caller).or_insert_with(new);
            (total.count, total.days) = (total.count.saturating_add(*count), total.days + 1);
            total.last.clone_from(day);
        }
    }
    let mut callers: Vec<CallerTotal> = totals.into_values().collect();
    callers.sort_by_key(|total| std::cmp::Reverse(total.count));
    Ok(AccountActivity { account: account.clone(), callers, days })
}
