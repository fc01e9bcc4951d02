//! One intent on its way.

use countersign_model::vocabulary::text_ids;
use countersign_model::{Digest, Timestamp};
use serde::{Deserialize, Serialize};

use crate::retry::wait;

/// How often what a provider accepted is read as not in effect before it is tried again.
const READS_OF_ACCEPTED: u8 = 3;

text_ids! {
    /// What an intent is for.
    pub enum Purpose {
        /// It challenges or contains: the gate is asked before each call.
        Act = "act",
        /// It undoes what we did: no gate, no kill switch and no deadline keeps it from being tried.
        Undo = "undo",
    }
}

text_ids! {
    /// How far an intent is.
    pub enum Phase {
        /// It waits until it is due; then the gate is asked, where it acts.
        Waiting = "waiting",
        /// *Started* is being committed. Nothing was called.
        Starting = "starting",
        /// *Started* is on record: the connector may have been called.
        Started = "started",
        /// Whether a call had an effect isn't known: what is there is read back before anything else.
        Uncertain = "uncertain",
        /// What was intended is in effect, by us.
        Done = "done",
        /// The gate says less now: nothing was done.
        Stopped = "stopped",
        /// Nothing more is tried: a person has to look.
        Dead = "dead",
    }
}

text_ids! {
    /// Why nothing more is tried.
    pub enum DeadReason {
        /// The provider refuses for good.
        Refused = "refused",
        /// The account isn't the one that was decided about any more.
        PrincipalChanged = "principal-changed",
        /// Its deadline is over, and nothing was done.
        TooLate = "too-late",
        /// Its deadline is over, and it isn't known whether anything was done.
        Unsettled = "unsettled",
    }
}

/// What a connector reported of a call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Outcome {
    /// The provider says that it is in effect. It counts once it was read back.
    Accepted,
    /// The provider says that it isn't, and that it may be later: after so many microseconds, where it says that.
    Deferred(Option<i64>),
    /// The provider says that it never will be.
    Refused,
    /// The account isn't the one that was decided about: nothing was done.
    PrincipalChanged,
    /// There was no answer, or none that can be read.
    Unknown,
}

/// What a connector reads of what is there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum ReadBack {
    /// What was intended is in effect.
    InEffect,
    /// It isn't.
    NotInEffect,
    /// The account isn't the one that was decided about.
    PrincipalChanged,
    /// It can't be read now; after so many microseconds, where the provider says that.
    Unreadable(Option<i64>),
}

/// What happens to an intent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Input {
    /// The gate was asked: whether the intent still holds.
    Gate(bool),
    /// *Started* is on record.
    Started,
    /// A call was reported.
    Outcome(Outcome),
    /// What is there was read.
    ReadBack(ReadBack),
    /// The host was started again: what was under way isn't any more.
    Restarted,
    /// Time passed.
    Time,
}

/// What is to be done next with an intent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// Nothing before this time.
    Wait(Timestamp),
    /// Ask the gate, with the circumstances of now.
    AskGate,
    /// Commit *started*.
    CommitStarted,
    /// Call the connector, under the intent's key.
    Call,
    /// Read what is there.
    ReadBack,
    /// Nothing any more.
    Nothing,
}

/// What an input brought about, for others to know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Nothing.
    Nothing,
    /// It is in effect: a lease begins, or ends.
    Done,
    /// Nothing was done and nothing will be: what was reserved is free again.
    Released(Phase),
    /// A person has to look. What was reserved stays so while it may have been done.
    Dead(DeadReason),
    /// It goes on, but has for too long: a person has to know.
    Overdue,
}

/// An input that can't come now: it is another attempt's, or made up.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{input}` can't happen to an intent that is `{phase}`")]
pub struct OutOfTurn {
    /// What came.
    pub input: &'static str,
    /// How far the intent is.
    pub phase: Phase,
}

/// One intent on its way through a connector.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Work {
    key: Digest,
    purpose: Purpose,
    phase: Phase,
    /// Until when it is tried, exclusive; what undoes is tried after it too.
    deadline: Timestamp,
    /// Not before this time.
    due: Timestamp,
    attempts: u32,
    /// The provider accepted the last call, and so often it was read that it isn't in effect.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    accepted: Option<u8>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    overdue: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    dead: Option<DeadReason>,
}

impl Work {
    /// Takes up an intent, with its idempotency key.
    #[must_use]
    pub fn new(key: Digest, purpose: Purpose, now: Timestamp, deadline: Timestamp) -> Work {
        Work {
            key,
            purpose,
            phase: Phase::Waiting,
            deadline,
            due: now,
            attempts: 0,
            accepted: None,
            overdue: false,
            dead: None,
        }
    }

    /// The intent's key.
    #[must_use]
    pub fn key(&self) -> Digest {
        self.key
    }

    /// What it is for.
    #[must_use]
    pub fn purpose(&self) -> Purpose {
        self.purpose
    }

    /// How far it is.
    #[must_use]
    pub fn phase(&self) -> Phase {
        self.phase
    }

    /// Not before this time anything is done with it.
    #[must_use]
    pub fn due(&self) -> Timestamp {
        self.due
    }

    /// How often the connector was called.
    #[must_use]
    pub fn attempts(&self) -> u32 {
        self.attempts
    }

    /// Why nothing more is tried.
    #[must_use]
    pub fn dead(&self) -> Option<DeadReason> {
        self.dead
    }

    /// Whether nothing more will happen to it.
    #[must_use]
    pub fn has_ended(&self) -> bool {
        matches!(self.phase, Phase::Done | Phase::Stopped | Phase::Dead)
    }

    /// What is to be done next.
    #[must_use]
    pub fn next(&self, now: Timestamp) -> Next {
        let when_due = |next| if now < self.due { Next::Wait(self.due) } else { next };
        match self.phase {
            Phase::Waiting if self.purpose == Purpose::Undo => when_due(Next::CommitStarted),
            Phase::Waiting => when_due(Next::AskGate),
            Phase::Starting => Next::CommitStarted,
            Phase::Started => Next::Call,
            Phase::Uncertain => when_due(Next::ReadBack),
            Phase::Done | Phase::Stopped | Phase::Dead => Next::Nothing,
        }
    }

    /// Takes an input.
    ///
    /// # Errors
    /// When it can't come now; nothing changes then.
    pub fn take(&mut self, input: &Input, now: Timestamp) -> Result<Effect, OutOfTurn> {
        let effect = match (self.phase, input) {
            (_, Input::Time) => self.pass(now),
            // A call may have been under way. Nothing else was.
            (Phase::Started, Input::Restarted) => self.go(Phase::Uncertain, now),
            // *Started* isn't on record, so nothing was called.
            (Phase::Starting, Input::Restarted) => self.go(Phase::Waiting, now),
            (_, Input::Restarted) => Effect::Nothing,
            (Phase::Waiting, Input::Gate(true)) if self.purpose == Purpose::Act => self.go(Phase::Starting, now),
            (Phase::Waiting, Input::Gate(false)) if self.purpose == Purpose::Act => {
                self.phase = Phase::Stopped;
                Effect::Released(Phase::Stopped)
            }
            (Phase::Starting, Input::Started) => self.start(now),
            (Phase::Waiting, Input::Started) if self.purpose == Purpose::Undo => self.start(now),
            (Phase::Started, Input::Outcome(outcome)) => self.called(outcome, now),
            (Phase::Uncertain, Input::ReadBack(read)) => self.read(read, now),
            (phase, input) => return Err(OutOfTurn { input: name(input), phase }),
        };
        Ok(effect)
    }

    fn start(&mut self, now: Timestamp) -> Effect {
        self.attempts = self.attempts.saturating_add(1);
        self.accepted = None;
        self.go(Phase::Started, now)
    }

    fn called(&mut self, outcome: &Outcome, now: Timestamp) -> Effect {
        match outcome {
            Outcome::Accepted => {
                self.accepted = Some(0);
                self.go(Phase::Uncertain, now)
            }
            Outcome::Deferred(after) => self.again(Phase::Waiting, *after, now),
            Outcome::Unknown => self.again(Phase::Uncertain, None, now),
            Outcome::Refused => self.refused(now),
            Outcome::PrincipalChanged => self.die(DeadReason::PrincipalChanged),
        }
    }

    fn read(&mut self, read: &ReadBack, now: Timestamp) -> Effect {
        match read {
            ReadBack::InEffect => {
                self.phase = Phase::Done;
                Effect::Done
            }
            ReadBack::NotInEffect => match &mut self.accepted {
                // Providers read from copies that are behind: what was accepted isn't done twice for that.
                Some(reads) if *reads < READS_OF_ACCEPTED => {
                    *reads += 1;
                    self.again(Phase::Uncertain, None, now)
                }
                _ => self.again(Phase::Waiting, None, now),
            },
            ReadBack::PrincipalChanged => self.die(DeadReason::PrincipalChanged),
            ReadBack::Unreadable(after) => self.again(Phase::Uncertain, *after, now),
        }
    }

    /// What the provider never lets us undo stays a person's.
    fn refused(&mut self, now: Timestamp) -> Effect {
        match self.purpose {
            Purpose::Act => self.die(DeadReason::Refused),
            Purpose::Undo => {
                self.again(Phase::Waiting, None, now);
                self.say_overdue()
            }
        }
    }

    fn pass(&mut self, now: Timestamp) -> Effect {
        if now < self.deadline || self.has_ended() {
            return Effect::Nothing;
        }
        match (self.purpose, self.phase) {
            (Purpose::Undo, _) => self.say_overdue(),
            (Purpose::Act, Phase::Waiting) => self.die(DeadReason::TooLate),
            (Purpose::Act, Phase::Uncertain) => self.die(DeadReason::Unsettled),
            // What is under way is waited for: a call has a time limit of its own.
            (Purpose::Act, _) => Effect::Nothing,
        }
    }

    /// Said once.
    fn say_overdue(&mut self) -> Effect {
        if std::mem::replace(&mut self.overdue, true) { Effect::Nothing } else { Effect::Overdue }
    }

    fn die(&mut self, reason: DeadReason) -> Effect {
        (self.phase, self.dead) = (Phase::Dead, Some(reason));
        Effect::Dead(reason)
    }

    fn again(&mut self, phase: Phase, after: Option<i64>, now: Timestamp) -> Effect {
        let waited = now.plus_micros(wait(&self.key, self.attempts.max(1), after));
        self.phase = phase;
        self.due = waited;
        // What would come too late isn't waited for.
        self.pass(if self.purpose == Purpose::Act && waited >= self.deadline { waited } else { now })
    }

    fn go(&mut self, phase: Phase, now: Timestamp) -> Effect {
        (self.phase, self.due) = (phase, now);
        Effect::Nothing
    }
}

fn name(input: &Input) -> &'static str {
    match input {
        Input::Gate(_) => "gate",
        Input::Started => "started",
        Input::Outcome(_) => "outcome",
        Input::ReadBack(_) => "read-back",
        Input::Restarted => "restarted",
        Input::Time => "time",
    }
}

#[cfg(test)]
#[path = "../tests/unit/work.rs"]
mod tests;
