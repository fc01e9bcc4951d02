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
    /// It waits with others of this cause, about which a person is asked; `ask` where that begins with this one.
    Wait {
        /// The cause.
        cause: Cause,
        /// Whether a person is to be asked now.
        ask: bool,
    },
    /// The cause is braked, and a person denied it.
    Denied(Cause),
}

/// What an answer or a report sets off.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Release {
    /// The intents that are released now.
    pub keys: Vec<Digest>,
    /// The causes about which a person is to be asked again: of what came since, or after something went wrong.
    pub ask: Vec<Cause>,
}

/// A cause that is braked, and what waits for it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Tripped {
    since: Timestamp,
    standing: Standing,
    /// In the order in which they came; nobody approved them.
    waiting: Vec<Digest>,
    /// Approved, in that order.
    approved: Vec<Digest>,
    /// Released and not yet reported.
    under_way: BTreeSet<Digest>,
    /// Released and reported: what becomes of them later counts too.
    done: BTreeSet<Digest>,
    /// Which tranche comes next.
    tranche: usize,
}

impl Tripped {
    fn new(since: Timestamp) -> Tripped {
        Tripped {
            since,
            standing: Standing::Asked,
            waiting: Vec::new(),
            approved: Vec::new(),
            under_way: BTreeSet::new(),
            done: BTreeSet::new(),
            tranche: 0,
        }
    }

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

    /// The intents that wait and that nobody approved: what a person is asked about.
    #[must_use]
    pub fn waiting(&self) -> &[Digest] {
        &self.waiting
    }

    /// Whether it has released an intent.
    fn has_released(&self, key: &Digest) -> bool {
        self.under_way.contains(key) || self.done.contains(key)
    }

    /// The next tranche, once the one before went well.
    fn release(&mut self) -> Vec<Digest> {
        if self.standing != Standing::Releasing || !self.under_way.is_empty() {
            return Vec::new();
        }
        let size = TRANCHES.get(self.tranche).copied().unwrap_or(usize::MAX).min(self.approved.len());
        self.tranche += 1;
        let released: Vec<Digest> = self.approved.drain(..size).collect();
        self.under_way.extend(&released);
        released
    }

    /// Whether all that was approved is done.
    fn is_drained(&self) -> bool {
        self.standing == Standing::Releasing && self.approved.is_empty() && self.under_way.is_empty()
    }
}

/// What causes have reached, and which of them are braked.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Brakes {
    /// By cause: the identities that it reached, with when it did first.
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
    /// Of several causes that would, the narrowest is braked alone: it is what most likely went wrong, and one answer is
    /// enough. What waits for one counts for that one; what goes ahead counts for all. An identity that a cause has reached
    /// already is no further one: an intent that is asked about again brakes nothing.
    pub fn touch(&mut self, key: Digest, causes: &Causes, threshold: Threshold, now: Timestamp) -> Go {
        // A cause that has released the intent has nothing against it any more.
        let braked = self.tripped.iter().filter(|(cause, one)| causes.by.contains(cause) && !one.has_released(&key));
        let denied = braked.clone().find(|(_, one)| one.standing == Standing::Denied);
        if let Some((cause, _)) = denied {
            return Go::Denied(cause.clone());
        }
        if let Some(cause) = braked.map(|(cause, _)| cause.clone()).next() {
            self.wait(&cause, key, &causes.identity, now);
            return Go::Wait { cause, ask: false };
        }
        // What a person approved with others brakes nothing else: one answer is enough.
        let is_released = self.tripped.values().any(|one| one.has_released(&key));
        let since = now.plus_micros(-i64::from(threshold.seconds) * 1_000_000);
        let free = causes.by.iter().filter(|cause| !self.tripped.contains_key(cause));
        let over = free.clone().find(|cause| {
            let Some(reached) = self.reached.get(cause) else { return false };
            let others = reached.iter().filter(|(_, at)| **at > since);
            let is_further = reached.get(&causes.identity).is_none_or(|at| *at <= since);
            is_further && others.count() + 1 >= threshold.identities.max(2) as usize
        });
        if let Some(cause) = over.filter(|_| !is_released).cloned() {
            self.tripped.insert(cause.clone(), Tripped::new(now));
            self.wait(&cause, key, &causes.identity, now);
            return Go::Wait { cause, ask: true };
        }
        for cause in free.cloned().collect::<Vec<_>>() {
            self.reach(&cause, &causes.identity, since, now);
        }
        Go::Ahead
    }

    /// A person approved these intents, and no others, that wait for a cause.
    pub fn approve(&mut self, cause: &Cause, keys: &BTreeSet<Digest>) -> Release {
        let Some(tripped) = self.tripped.get_mut(cause).filter(|one| one.standing != Standing::Denied) else {
            return Release::default();
        };
        if tripped.standing == Standing::Stopped {
            // What went wrong was looked at: it begins with a small tranche again.
            tripped.tranche = 0;
        }
        tripped.approved.extend(tripped.waiting.extract_if(.., |key| keys.contains(key)));
        tripped.standing = Standing::Releasing;
        let keys = tripped.release();
        Release { keys, ask: self.settle(cause) }
    }

    /// A person denied it. Returns what waited, none of which is done. For as long as the threshold looks back nothing else of
    /// this cause is done either.
    pub fn deny(&mut self, cause: &Cause) -> Vec<Digest> {
        let Some(tripped) = self.tripped.get_mut(cause) else { return Vec::new() };
        tripped.standing = Standing::Denied;
        let approved = std::mem::take(&mut tripped.approved);
        approved.into_iter().chain(std::mem::take(&mut tripped.waiting)).collect()
    }

    /// How what was released ended: well where it was read back, or nothing had to be done; not where it failed, or where its
    /// undo met a conflict, then or later.
    pub fn report(&mut self, key: &Digest, well: bool) -> Release {
        let mut release = Release::default();
        let causes: Vec<Cause> =
            self.tripped.iter().filter(|(_, one)| one.has_released(key)).map(|(cause, _)| cause.clone()).collect();
        for cause in causes {
            let Some(tripped) = self.tripped.get_mut(&cause) else { continue };
            tripped.under_way.remove(key);
            tripped.done.insert(*key);
            if !well && tripped.standing == Standing::Releasing {
                tripped.standing = Standing::Stopped;
                // What nobody did yet is asked about again.
                let approved = std::mem::take(&mut tripped.approved);
                tripped.waiting.splice(..0, approved);
                release.ask.push(cause);
                continue;
            }
            release.keys.extend(tripped.release());
            release.ask.extend(self.settle(&cause));
        }
        release
    }

    /// A person has a cause go on as before. What waits is returned, to be asked about one by one.
    pub fn reset(&mut self, cause: &Cause) -> Vec<Digest> {
        self.reached.remove(cause);
        let tripped = self.tripped.remove(cause);
        tripped.map(|one| one.approved.into_iter().chain(one.waiting).collect()).unwrap_or_default()
    }

    /// Forgets what lies too far back to count, and what a person denied as long ago.
    pub fn forget(&mut self, threshold: Threshold, now: Timestamp) {
        let since = now.plus_micros(-i64::from(threshold.seconds) * 1_000_000);
        self.reached.retain(|_, reached| {
            reached.retain(|_, at| *at > since);
            !reached.is_empty()
        });
        self.tripped.retain(|_, one| one.standing != Standing::Denied || one.since > since);
    }

    /// Once all that was approved is done, a person is asked about what came since; a cause for which nothing waits isn't braked
    /// any more. Returns the cause where a person is to be asked.
    fn settle(&mut self, cause: &Cause) -> Vec<Cause> {
        match self.tripped.get_mut(cause) {
            Some(one) if one.is_drained() && one.waiting.is_empty() => {
                self.tripped.remove(cause);
                Vec::new()
            }
            Some(one) if one.is_drained() => {
                (one.standing, one.tranche) = (Standing::Asked, 0);
                vec![cause.clone()]
            }
            _ => Vec::new(),
        }
    }

    fn wait(&mut self, cause: &Cause, key: Digest, identity: &str, now: Timestamp) {
        self.reach(cause, identity, Timestamp::MIN, now);
        if let Some(tripped) = self.tripped.get_mut(cause)
            && !tripped.waiting.contains(&key)
            && !tripped.approved.contains(&key)
        {
            tripped.waiting.push(key);
        }
    }

    /// A cause reaches an identity, once in the time that counts.
    fn reach(&mut self, cause: &Cause, identity: &str, since: Timestamp, now: Timestamp) {
        let at = self.reached.entry(cause.clone()).or_default().entry(identity.to_owned()).or_insert(now);
        if *at <= since {
            *at = now;
        }
    }
}

#[cfg(test)]
#[path = "../tests/unit/brake.rs"]
mod tests;
