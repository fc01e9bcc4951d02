//! Budgets: how much may be done in a time, and how much may be contained at once.

use std::collections::{BTreeMap, BTreeSet};

use countersign_model::vocabulary::{IdentityType, text_ids};
use countersign_model::{Digest, Timestamp};
use serde::{Deserialize, Serialize};

use crate::cause::{Cause, Causes};

/// How many identities in how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Rate {
    /// Identities.
    pub count: u32,
    /// Seconds.
    pub seconds: u32,
}

/// A budget. What it doesn't name it doesn't bound.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Budget {
    /// Its name, in reasons and notices.
    pub name: String,
    /// Of identities of this type alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub identity_type: Option<IdentityType>,
    /// For each rule, publisher or source by itself, rather than for the whole host.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub each: Option<Measure>,
    /// How many identities in how long.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rate: Option<Rate>,
    /// How many may be contained at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stock: Option<u32>,
    /// Which share of the known identities may be, in thousandths; one may always be.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub share: Option<u32>,
}

text_ids! {
    /// By what a budget is counted.
    pub enum Measure {
        /// Each rule.
        Rule = "rule",
        /// Each publisher.
        Publisher = "publisher",
        /// Each source.
        Source = "source",
    }
}

/// A budget that is used up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exhausted {
    /// The budget's name.
    pub name: String,
    /// Of which rule, publisher or source; none of the whole host.
    pub cause: Option<Cause>,
    /// How many identities it has room for, and how many it has.
    pub room: (u32, u32),
}

/// What was reserved for one intent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Reservation {
    causes: Causes,
    at: Timestamp,
    /// Whether it counts as contained.
    held: bool,
}

/// What is reserved, by the keys of intents.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Budgets {
    reserved: BTreeMap<Digest, Reservation>,
}

impl Budgets {
    /// Every budget in which there is no room for one more, for an intent of this key: what it has reserved itself isn't
    /// counted. `known` is how many identities of a type there are, or of all types.
    ///
    /// An identity that is counted already takes no more room: two actions on one person reach one person.
    #[must_use]
    pub fn exhausted(
        &self,
        budgets: &[Budget],
        key: &Digest,
        causes: &Causes,
        known: impl Fn(Option<IdentityType>) -> u32,
        now: Timestamp,
    ) -> Vec<Exhausted> {
        let mut exhausted = Vec::new();
        for budget in budgets.iter().filter(|budget| budget.covers(causes)) {
            for cause in budget.measured(causes) {
                let counted = |since: Option<Timestamp>| -> BTreeSet<&str> {
                    let all = self.reserved.iter().filter(|(other, _)| *other != key).map(|(_, one)| one);
                    let of = all.filter(|one| budget.covers(&one.causes));
                    let of = of.filter(|one| cause.as_ref().is_none_or(|cause| one.causes.by.contains(cause)));
                    let of = of.filter(|one| since.map_or(one.held, |since| one.at > since));
                    of.map(|one| one.causes.identity.as_str()).collect()
                };
                let limits = [
                    budget.rate.map(|rate| (rate.count, Some(now.plus_micros(-i64::from(rate.seconds) * 1_000_000)))),
                    budget.stock.map(|stock| (stock, None)),
                    budget.share.map(|share| (share_of(share, known(budget.identity_type)), None)),
                ];
                let full = limits.into_iter().flatten().find_map(|(room, since)| {
                    let counted = counted(since);
                    let has = u32::try_from(counted.len()).unwrap_or(u32::MAX);
                    (has >= room && !counted.contains(causes.identity.as_str())).then_some((room, has))
                });
                let name = budget.name.clone();
                exhausted.extend(full.map(|room| Exhausted { name, cause, room }));
            }
        }
        exhausted
    }

    /// Reserves room for an intent that is authorised. Once more changes nothing.
    pub fn reserve(&mut self, key: Digest, causes: Causes, now: Timestamp) {
        self.reserved.entry(key).or_insert(Reservation { causes, at: now, held: true });
    }

    /// Nothing was done: it counts nowhere.
    pub fn release(&mut self, key: &Digest) {
        self.reserved.remove(key);
    }

    /// What was done is undone: it isn't contained any more, and was done all the same.
    pub fn ended(&mut self, key: &Digest) {
        if let Some(one) = self.reserved.get_mut(key) {
            one.held = false;
        }
    }

    /// Forgets what no rate counts any more.
    pub fn forget(&mut self, budgets: &[Budget], now: Timestamp) {
        let longest =
            budgets.iter().filter_map(|budget| budget.rate).map(|rate| rate.seconds).max().unwrap_or_default();
        let since = now.plus_micros(-i64::from(longest) * 1_000_000);
        self.reserved.retain(|_, one| one.held || one.at > since);
    }

    /// How many reservations there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.reserved.len()
    }

    /// Whether nothing is reserved.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.reserved.is_empty()
    }
}

impl Budget {
    fn covers(&self, causes: &Causes) -> bool {
        self.identity_type.is_none_or(|only| only == causes.identity_type)
    }

    /// By which causes it is counted, each on its own; once without one where it is the host's.
    fn measured(&self, causes: &Causes) -> Vec<Option<Cause>> {
        let Some(each) = self.each else { return vec![None] };
        let fits = |cause: &&Cause| {
            matches!(
                (each, cause),
                (Measure::Rule, Cause::Rule(_))
                    | (Measure::Publisher, Cause::Publisher(_))
                    | (Measure::Source, Cause::Source(_))
            )
        };
        causes.by.iter().filter(fits).cloned().map(Some).collect()
    }
}

/// A share of so many, at least one.
fn share_of(thousandths: u32, known: u32) -> u32 {
    let share = u64::from(known) * u64::from(thousandths) / 1_000;
    u32::try_from(share).unwrap_or(u32::MAX).max(1)
}

#[cfg(test)]
#[path = "../tests/unit/budget.rs"]
mod tests;
