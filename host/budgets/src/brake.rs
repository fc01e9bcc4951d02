//! The brake on common causes: where one cause is about to reach many identities, a person answers once for all of them, and
//! what is approved is done in tranches that stop at the first sign that something is wrong.

use std::collections::{BTreeMap, BTreeSet};

use countersign_model::vocabulary::text_ids;
use countersign_model::{Digest, Timestamp};
use serde::{Deserialize, Serialize};

use crate::cause::{Cause, Causes};

/// How many are done before it is looked whether they went well; then all that are left.
pub const TRANCHES: [usize; 3] = [10, 25, 100];

/// From how many identities in how long a cause is braked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Threshold {
    /// Identities; at least 2.
    pub identities: u32,
    /// Seconds.
    pub seconds: u32,
}

text_ids! {
    /// How a braked cause stands.
    pub enum Standing {
        /// A person is asked.
        Asked = "asked",
        /// A person approved: it is done in tranches.
        Releasing = "releasing",
        /// Something went wrong: nothing more of it is done until a person approves again.
        Stopped = "stopped",
        /// A person denied it: nothing of it is done.
        Denied = "denied",
    }
}

/// What may be done with an intent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Go {
    /// No cause of it is braked.
    Ahead,
    /// It waits with others of this cause; `true` where this one braked it, and a person is to be asked.
    Wait(Cause, bool),
    /// The cause is braked, and a person denied it.
    Denied(Cause),
}

/// A cause that is braked, and what waits for it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tripped {
    since: Timestamp,
    standing: Standing,
    /// In the order in which they came.
    waiting: Vec<Digest>,
    /// Released and not yet reported.
    under_way: BTreeSet<Digest>,
    /// Which tranche comes next.
    tranche: usize,
}

impl Tripped {
    /// Since when.
    #[must_use]
    pub fn since(&self) -> Timestamp {
        self.since
    }

    /// How it stands.
    #[must_use]
    pub fn standing(&self) -> Standing {
        self.standing
    }

    /// The intents that wait.
    #[must_use]
    pub fn waiting(&self) -> &[Digest] {
        &self.waiting
    }

    /// The next tranche, once the one before went well.
    fn release(&mut self) -> Vec<Digest> {
        if self.standing != Standing::Releasing || !self.under_way.is_empty() {
            return Vec::new();
        }
        let size = TRANCHES.get(self.tranche).copied().unwrap_or(usize::MAX).min(self.waiting.len());
        self.tranche += 1;
        let released: Vec<Digest> = self.waiting.drain(..size).collect();
        self.under_way.extend(&released);
        released
    }
}

/// What causes have reached, and which of them are braked.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Brakes {
    /// By cause: the identities that it reached, with when it did last.
    reached: BTreeMap<Cause, BTreeMap<String, Timestamp>>,
    tripped: BTreeMap<Cause, Tripped>,
}

impl Brakes {
    /// The causes that are braked.
    #[must_use]
    pub fn tripped(&self) -> &BTreeMap<Cause, Tripped> {
        &self.tripped
    }

    /// An intent is about to be authorised. It goes ahead unless one of its causes is braked, or would reach too many by it.
    ///
    /// INVARIANT: an intent that waits reached nobody, but counts: otherwise many could come just below the threshold.
    pub fn touch(&mut self, key: Digest, causes: &Causes, threshold: Threshold, now: Timestamp) -> Go {
        let since = now.plus_micros(-i64::from(threshold.seconds) * 1_000_000);
        let mut first = None;
        for cause in &causes.by {
            let reached = self.reached.entry(cause.clone()).or_default();
            reached.retain(|_, at| *at > since);
            reached.insert(causes.identity.clone(), now);
            if reached.len() >= threshold.identities.max(2) as usize && !self.tripped.contains_key(cause) {
                let tripped = Tripped {
                    since: now,
                    standing: Standing::Asked,
                    waiting: Vec::new(),
                    under_way: BTreeSet::new(),
                    tranche: 0,
                };
                self.tripped.insert(cause.clone(), tripped);
                first.get_or_insert_with(|| cause.clone());
            }
        }
        // A cause that has released the intent has nothing against it any more.
        let holds = |tripped: &Tripped| !tripped.under_way.contains(&key);
        let braked = |denied: bool| {
            let all = self.tripped.iter().filter(|(cause, _)| causes.by.contains(cause));
            let mut all = all.filter(|(_, tripped)| (tripped.standing == Standing::Denied) == denied);
            all.find(|(_, tripped)| holds(tripped)).map(|(cause, _)| cause.clone())
        };
        if let Some(cause) = braked(true) {
            return Go::Denied(cause);
        }
        // It waits for one of its causes after the other; the one that it braked is asked about first.
        let Some(cause) = first.clone().or_else(|| braked(false)) else { return Go::Ahead };
        if let Some(tripped) = self.tripped.get_mut(&cause)
            && !tripped.waiting.contains(&key)
        {
            tripped.waiting.push(key);
        }
        Go::Wait(cause, first.is_some())
    }

    /// A person approved all that waits for a cause. Returns what is released now.
    pub fn approve(&mut self, cause: &Cause) -> Vec<Digest> {
        let Some(tripped) = self.tripped.get_mut(cause).filter(|tripped| tripped.standing != Standing::Denied) else {
            return Vec::new();
        };
        if tripped.standing == Standing::Stopped {
            // What went wrong was looked at: it begins with a small tranche again.
            tripped.tranche = 0;
        }
        tripped.standing = Standing::Releasing;
        tripped.release()
    }

    /// A person denied it. Returns what waited, none of which is done.
    pub fn deny(&mut self, cause: &Cause) -> Vec<Digest> {
        let Some(tripped) = self.tripped.get_mut(cause) else { return Vec::new() };
        tripped.standing = Standing::Denied;
        std::mem::take(&mut tripped.waiting)
    }

    /// What was released went well or not: it was read back, and no undo of it met a conflict. Returns what is released next.
    pub fn report(&mut self, key: &Digest, well: bool) -> Vec<Digest> {
        let mut released = Vec::new();
        for tripped in self.tripped.values_mut() {
            let own = tripped.under_way.remove(key);
            if own && !well && tripped.standing == Standing::Releasing {
                tripped.standing = Standing::Stopped;
            } else if own {
                released.extend(tripped.release());
            }
        }
        released
    }

    /// A person has a cause go on as before. What waits is returned, to be asked about again one by one.
    pub fn reset(&mut self, cause: &Cause) -> Vec<Digest> {
        self.reached.remove(cause);
        self.tripped.remove(cause).map(|tripped| tripped.waiting).unwrap_or_default()
    }

    /// Forgets what lies too far back to count.
    pub fn forget(&mut self, threshold: Threshold, now: Timestamp) {
        let since = now.plus_micros(-i64::from(threshold.seconds) * 1_000_000);
        self.reached.retain(|_, reached| {
            reached.retain(|_, at| *at > since);
            !reached.is_empty()
        });
    }
}

#[cfg(test)]
#[path = "../tests/unit/brake.rs"]
mod tests;
