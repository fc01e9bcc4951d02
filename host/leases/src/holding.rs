//! What we contain on one target, and the leases on it.

use std::collections::BTreeSet;

use countersign_model::vocabulary::{Action, text_ids};
use countersign_model::{Account, Digest, Timestamp};
use serde::{Deserialize, Serialize};

/// What is contained, and by what.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Target {
    /// The account.
    pub account: Account,
    /// The action.
    pub action: Action,
    /// The session, token, grant or trust; none at the level of the account.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reference: Option<String>,
}

/// One lease on a target.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Lease {
    /// The key of the intent that began it.
    pub key: Digest,
    /// When its effect was confirmed.
    pub began: Timestamp,
    /// When it ends, exclusive.
    pub ends: Timestamp,
    /// Whether it was prolonged because it couldn't end.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub prolonged: bool,
    /// Whether it would be longer, but for the greatest time.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub cut: bool,
}

text_ids! {
    /// How a target stands.
    pub enum Standing {
        /// Contained, while a lease lives.
        Held = "held",
        /// All leases have ended: it is being undone, for as long as that takes.
        Releasing = "releasing",
        /// All leases have ended, and what comes back only comes back by approval.
        AwaitsApproval = "awaits-approval",
        /// It stays contained until its owner decides.
        Owned = "owned",
        /// Somebody else changed it since: its owner decides, and we touch nothing.
        Conflict = "conflict",
        /// It isn't contained by us any more.
        Released = "released",
    }
}

text_ids! {
    /// Why a lease's end doesn't restore.
    pub enum Condition {
        /// Its case is open, or a dead letter that stands for one.
        CaseOpen = "case-open",
        /// The credential in evidence isn't cleaned.
        CredentialUncleaned = "credential-uncleaned",
        /// There are new findings in which the account was authenticated. What strangers try on it doesn't count: they would
        /// keep it contained for as long as they like.
        NewFindings = "new-findings",
        /// What was there before began after the incident's first event: it may be the attacker's.
        BeforeIsLater = "before-is-later",
    }
}

/// What holds at a lease's end.
pub type Conditions = BTreeSet<Condition>;

text_ids! {
    /// What a person is told.
    pub enum Notice {
        /// A lease was prolonged, once, since it couldn't end.
        Prolonged = "prolonged",
        /// It can't end by itself any more: its owner decides.
        OwnerDecides = "owner-decides",
        /// It was contained for as long as it may be: its owner decides.
        GreatestTime = "greatest-time",
        /// Somebody undid it, and it was done once more.
        Reapplied = "reapplied",
        /// Somebody undid it again: nothing is done about that.
        Drifted = "drifted",
        /// Somebody else changed it since: its owner decides.
        UndoConflict = "undo-conflict",
        /// The provider doesn't undo it yet.
        UndoPending = "undo-pending",
    }
}

/// What its owner decides where it can't end by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Settlement {
    /// What was there before comes back.
    Restore,
    /// What is there stays, and isn't ours any more.
    LeaveAsIs,
    /// It stays contained until this time.
    KeepUntil(Timestamp),
}

/// What is to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Undo it.
    Undo,
    /// Ask a person whether what was taken comes back.
    AskToRestore,
    /// Do it once more.
    Reapply,
    /// Tell a person.
    Notify(Notice),
}

/// What begins a lease: an effect that was confirmed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Begin {
    /// The key of the intent.
    pub key: Digest,
    /// How long, seconds; at least 1.
    pub seconds: u32,
    /// What was there before, in the connector's form.
    pub before: String,
    /// What is there since.
    pub applied: String,
}

/// What we contain on one target.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Holding {
    target: Target,
    /// What was there before the first of the leases.
    before: String,
    /// What is there since.
    applied: String,
    /// When the first began: the greatest time is counted from then.
    began: Timestamp,
    /// The most that it may last in all, seconds.
    greatest: u32,
    leases: Vec<Lease>,
    /// The keys of all leases since it is contained: what they reserved is reserved until it isn't.
    keys: Vec<Digest>,
    standing: Standing,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    reapplied: bool,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pending_said: bool,
}

impl Holding {
    /// Begins with the first lease; `greatest` is the most that it may last in all, seconds.
    #[must_use]
    pub fn begin(target: Target, begin: Begin, greatest: u32, now: Timestamp) -> Holding {
        let Begin { key, seconds, before, applied } = begin;
        let mut holding = Holding {
            target,
            before,
            applied,
            began: now,
            greatest,
            leases: Vec::new(),
            keys: Vec::new(),
            standing: Standing::Held,
            reapplied: false,
            pending_said: false,
        };
        holding.lease(key, seconds, now);
        holding
    }

    /// The target.
    #[must_use]
    pub fn target(&self) -> &Target {
        &self.target
    }

    /// How it stands.
    #[must_use]
    pub fn standing(&self) -> Standing {
        self.standing
    }

    /// The leases that live, oldest first.
    #[must_use]
    pub fn leases(&self) -> &[Lease] {
        &self.leases
    }

    /// What was there before, and what is there since.
    #[must_use]
    pub fn states(&self) -> (&str, &str) {
        (&self.before, &self.applied)
    }

    /// Whether it is to be contained: an undo that hasn't begun isn't done then.
    #[must_use]
    pub fn is_wanted(&self) -> bool {
        !matches!(self.standing, Standing::Releasing | Standing::Released)
    }

    /// When time has something to say next; none where only others do.
    #[must_use]
    pub fn next_end(&self) -> Option<Timestamp> {
        let ends = self.leases.iter().map(|lease| lease.ends).min()?;
        (self.standing == Standing::Held).then_some(ends)
    }

    /// The keys of all leases on it since it is contained. What they reserved is free once it is released.
    #[must_use]
    pub fn keys(&self) -> &[Digest] {
        &self.keys
    }

    /// Another lease begins on what is contained already. The others end when they would have, and what was there before stays
    /// what it was: what this one found is our own doing. Where its undo was under way, or somebody else had changed it, it
    /// begins anew. False where it isn't ours any more: that is another holding.
    pub fn add(&mut self, begin: &Begin, now: Timestamp) -> bool {
        match self.standing {
            // Its owner decides when it ends.
            Standing::Held | Standing::Owned => {}
            Standing::Releasing | Standing::AwaitsApproval | Standing::Conflict => {
                if self.standing == Standing::Conflict || begin.before != self.applied {
                    self.before.clone_from(&begin.before);
                }
                self.applied.clone_from(&begin.applied);
                (self.standing, self.began) = (Standing::Held, now);
                (self.reapplied, self.pending_said) = (false, false);
            }
            Standing::Released => return false,
        }
        self.lease(begin.key, begin.seconds, now);
        true
    }

    /// A lease is renewed, by a decision of its own: at most until the greatest time. It never becomes shorter.
    pub fn renew(&mut self, key: Digest, until: Timestamp) -> bool {
        let latest = self.latest();
        let held = self.standing == Standing::Held;
        let Some(lease) = self.leases.iter_mut().find(|lease| lease.key == key).filter(|_| held) else { return false };
        lease.ends = lease.ends.max(until.min(latest));
        true
    }

    /// Time passes: leases end, however long ago they should have. `conditions` are what holds now.
    pub fn pass(&mut self, now: Timestamp, conditions: &Conditions) -> Vec<Effect> {
        let mut effects = Vec::new();
        if self.standing != Standing::Held {
            return effects;
        }
        let latest = self.latest();
        if self.leases.iter().all(|lease| lease.ends > now) {
            return effects;
        }
        // Somebody wanted it longer than it may last: that it is over isn't for time to say.
        let cut = self.leases.iter().any(|lease| lease.cut);
        if conditions.is_empty() && !cut {
            self.leases.retain(|lease| lease.ends > now);
            if self.leases.is_empty() {
                effects.push(self.release());
            }
            return effects;
        }
        // Others that live keep it contained: those that end meanwhile needn't be prolonged.
        if self.leases.iter().any(|lease| lease.ends > now) {
            self.leases.retain(|lease| lease.ends > now);
            return effects;
        }
        let prolonged = self.leases.iter().any(|lease| lease.prolonged);
        let last = self.leases.iter().max_by_key(|lease| lease.ends).cloned();
        self.leases.clear();
        match last {
            // From now on, not from its end: a host that was down would find it over already.
            Some(mut lease) if !prolonged && now < latest => {
                let length = lease.ends.micros_since(lease.began).max(0);
                (lease.ends, lease.prolonged) = (now.plus_micros(length).min(latest), true);
                lease.cut = false;
                self.leases.push(lease);
                effects.push(Effect::Notify(Notice::Prolonged));
            }
            _ => {
                self.standing = Standing::Owned;
                let notice = if now >= latest { Notice::GreatestTime } else { Notice::OwnerDecides };
                effects.push(Effect::Notify(notice));
            }
        }
        effects
    }

    /// One lease ends: a person undoes what it came of, or policy doesn't allow it any more. Others keep it contained.
    pub fn end_lease(&mut self, key: &Digest) -> Vec<Effect> {
        let before = self.leases.len();
        self.leases.retain(|lease| lease.key != *key);
        if self.standing == Standing::Held && self.leases.is_empty() && before > 0 {
            return vec![self.release()];
        }
        Vec::new()
    }

    /// A person has all of it released, whatever the conditions are.
    pub fn end(&mut self) -> Vec<Effect> {
        if self.standing != Standing::Held {
            return Vec::new();
        }
        self.leases.clear();
        vec![self.release()]
    }

    /// Its owner decides, where it can't end by itself. Nothing is decided while it can.
    pub fn settle(&mut self, settlement: Settlement, now: Timestamp) -> Vec<Effect> {
        if !matches!(self.standing, Standing::AwaitsApproval | Standing::Owned | Standing::Conflict) {
            return Vec::new();
        }
        match settlement {
            Settlement::Restore => {
                self.standing = Standing::Releasing;
                self.pending_said = false;
                vec![Effect::Undo]
            }
            Settlement::LeaveAsIs => {
                self.standing = Standing::Released;
                Vec::new()
            }
            Settlement::KeepUntil(until) => {
                (self.standing, self.began) = (Standing::Held, now);
                let key = self.keys.last().copied();
                let seconds = until.micros_since(now).max(0) / 1_000_000;
                key.into_iter().for_each(|key| self.lease(key, u32::try_from(seconds).unwrap_or(u32::MAX), now));
                Vec::new()
            }
        }
    }

    /// What is there was read while it should be contained. Where somebody undid us it is done once more; where somebody made
    /// something else of it, that is only said.
    pub fn observe(&mut self, now: &str) -> Vec<Effect> {
        if self.standing != Standing::Held || now == self.applied {
            return Vec::new();
        }
        if now != self.before || std::mem::replace(&mut self.reapplied, true) {
            vec![Effect::Notify(Notice::Drifted)]
        } else {
            vec![Effect::Reapply, Effect::Notify(Notice::Reapplied)]
        }
    }

    /// It was undone, or there was nothing to undo. Where a lease began meanwhile it is done once more.
    pub fn undone(&mut self) -> Vec<Effect> {
        match self.standing {
            Standing::Releasing => {
                self.standing = Standing::Released;
                Vec::new()
            }
            Standing::Held => vec![Effect::Reapply],
            _ => Vec::new(),
        }
    }

    /// Somebody else changed it since.
    pub fn conflicts(&mut self) -> Vec<Effect> {
        if self.standing != Standing::Releasing {
            return Vec::new();
        }
        self.standing = Standing::Conflict;
        vec![Effect::Notify(Notice::UndoConflict)]
    }

    /// The provider doesn't undo it yet. It is tried on.
    pub fn undo_is_pending(&mut self) -> Vec<Effect> {
        if self.standing != Standing::Releasing || std::mem::replace(&mut self.pending_said, true) {
            return Vec::new();
        }
        vec![Effect::Notify(Notice::UndoPending)]
    }

    /// The latest end that any lease may have.
    fn latest(&self) -> Timestamp {
        self.began.plus_micros(i64::from(self.greatest) * 1_000_000)
    }

    fn lease(&mut self, key: Digest, seconds: u32, now: Timestamp) {
        let (wanted, latest) = (now.plus_micros(i64::from(seconds.max(1)) * 1_000_000), self.latest());
        let ends = wanted.min(latest);
        self.leases.push(Lease { key, began: now, ends, prolonged: false, cut: wanted > latest });
        if !self.keys.contains(&key) {
            self.keys.push(key);
        }
    }

    fn release(&mut self) -> Effect {
        if self.target.action == Action::SuspendPrivilege {
            self.standing = Standing::AwaitsApproval;
            Effect::AskToRestore
        } else {
            self.standing = Standing::Releasing;
            Effect::Undo
        }
    }
}

#[cfg(test)]
#[path = "../tests/unit/holding.rs"]
mod tests;
