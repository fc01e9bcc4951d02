//! One intent on its way.

use countersign_model::{Digest, Timestamp};
use serde::{Deserialize, Serialize};

use crate::input::{
    Compared, DeadReason, Effect, Gate, Input, Next, OutOfTurn, Outcome, Phase, Purpose, ReadBack, name,
};
use crate::retry::{LONGEST_WAIT, wait};

/// What it comes to once it is known that nothing is in effect.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Then {
    /// It is tried again.
    #[default]
    Again,
    /// It isn't done.
    Stop,
    /// A person has to look.
    Die(DeadReason),
}

/// What was there before the first call, and when that was.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Begun {
    /// In the connector's form. Later calls may find what an earlier one made.
    pub before: String,
    /// What is done again by time (sessions that began before) is done for this time.
    pub at: Timestamp,
}

/// One intent on its way through a connector.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Work {
    key: Digest,
    purpose: Purpose,
    phase: Phase,
    /// Until when it is tried, exclusive; what undoes is tried after it too.
    deadline: Timestamp,
    /// For how long after a call the provider may still do it, microseconds.
    settling: i64,
    /// Not before this time.
    due: Timestamp,
    /// How often the connector was called.
    attempt: u32,
    /// Tries since it last got on: they wait longer each time.
    tries: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    begun: Option<Begun>,
    /// Before this time what isn't in effect may still be.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    settled: Option<Timestamp>,
    #[serde(default)]
    then: Then,
    /// Since when it waits for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    held: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    overdue: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    dead: Option<DeadReason>,
}

impl Work {
    /// Takes up an intent, with its idempotency key. For so many microseconds after a call (`settling`) the provider may still
    /// do what it was asked.
    #[must_use]
    pub fn new(key: Digest, purpose: Purpose, now: Timestamp, deadline: Timestamp, settling: i64) -> Work {
        Work {
            key,
            purpose,
            phase: Phase::Waiting,
            deadline,
            settling: settling.max(0),
            due: now,
            attempt: 0,
            tries: 0,
            begun: None,
            settled: None,
            then: Then::Again,
            held: None,
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
    pub fn attempt(&self) -> u32 {
        self.attempt
    }

    /// What was there before the first call.
    #[must_use]
    pub fn begun(&self) -> Option<&Begun> {
        self.begun.as_ref()
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
        // Where the clock was ahead when it was set nothing is waited for that long.
        let waits = now < self.due && self.due.micros_since(now) <= LONGEST_WAIT;
        let when_due = |next| if waits { Next::Wait(self.due) } else { next };
        match self.phase {
            Phase::Waiting if self.purpose == Purpose::Undo => when_due(Next::Compare),
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
        let acts = self.purpose == Purpose::Act;
        let effect = match (self.phase, input) {
            (_, Input::Time) => self.pass(now),
            // A call may have been under way. Nothing else was.
            (Phase::Started, Input::Restarted) => self.is_uncertain(now),
            // *Started* isn't on record, so nothing was called.
            (Phase::Starting, Input::Restarted) => self.go(Phase::Waiting, now),
            (_, Input::Restarted) => Effect::Nothing,
            (Phase::Waiting, Input::Gate { said }) if acts => self.judged(*said, now),
            (Phase::Waiting, Input::Compared { takes }) if !acts => self.compared(*takes, now),
            (Phase::Waiting, Input::Cancel) if !acts => self.stop(now),
            (Phase::Starting, Input::Started { before }) => self.start(before, now),
            (Phase::Started, Input::Outcome { attempt, outcome }) if *attempt == self.attempt => {
                self.called(outcome, now)
            }
            (Phase::Uncertain, Input::ReadBack { attempt, read }) if *attempt == self.attempt => self.read(read, now),
            (Phase::Uncertain, Input::Settled { in_effect: true }) => self.done(true),
            (Phase::Uncertain, Input::Settled { in_effect: false }) => self.is_not_in_effect(now),
            (phase, input) => return Err(OutOfTurn { input: name(input), phase, attempt: self.attempt }),
        };
        Ok(effect)
    }

    fn judged(&mut self, said: Gate, now: Timestamp) -> Effect {
        if said == Gate::Held {
            self.held.get_or_insert(now);
            self.due = now.plus_micros(LONGEST_WAIT);
            return Effect::Nothing;
        }
        if let Some(since) = self.held.take() {
            self.deadline = self.deadline.plus_micros(now.micros_since(since).max(0));
        }
        match said {
            Gate::Holds if now >= self.deadline => self.give_up(Then::Die(DeadReason::TooLate), now),
            Gate::Holds => self.go(Phase::Starting, now),
            _ => self.stop(now),
        }
    }

    fn compared(&mut self, takes: Compared, now: Timestamp) -> Effect {
        match takes {
            Compared::Restore => self.go(Phase::Starting, now),
            // An earlier call of ours may still be on its way: what is there is what it wants.
            Compared::Nothing => self.done(self.attempt > 0),
            Compared::Conflict => self.die(DeadReason::Conflict),
        }
    }

    /// It isn't to be done any more.
    fn stop(&mut self, now: Timestamp) -> Effect {
        self.give_up(Then::Stop, now)
    }

    /// Nothing more is tried. INVARIANT: where the connector was called, it isn't said that nothing was done before that is
    /// known: what is done late would be nobody's.
    fn give_up(&mut self, then: Then, now: Timestamp) -> Effect {
        self.then = then;
        if self.attempt == 0 { self.is_not_in_effect(now) } else { self.go(Phase::Uncertain, now) }
    }

    fn start(&mut self, before: &str, now: Timestamp) -> Effect {
        self.attempt = self.attempt.saturating_add(1);
        self.begun.get_or_insert_with(|| Begun { before: before.to_owned(), at: now });
        self.settled = None;
        self.go(Phase::Started, now)
    }

    fn called(&mut self, outcome: &Outcome, now: Timestamp) -> Effect {
        match outcome {
            Outcome::Accepted | Outcome::Unknown => self.is_uncertain(now),
            // A provider that says so may have done it all the same.
            Outcome::Deferred { after } => {
                self.is_uncertain(now);
                self.wait(*after, now)
            }
            Outcome::Refused => {
                if self.purpose == Purpose::Act {
                    self.then = Then::Die(DeadReason::Refused);
                    return self.is_uncertain(now);
                }
                self.is_uncertain(now);
                self.say_overdue()
            }
            Outcome::PrincipalChanged => self.die(DeadReason::PrincipalChanged),
        }
    }

    fn read(&mut self, read: &ReadBack, now: Timestamp) -> Effect {
        match read {
            ReadBack::InEffect { ours } => self.done(*ours),
            ReadBack::NotInEffect if self.settled.is_none_or(|settled| now >= settled) => self.is_not_in_effect(now),
            ReadBack::NotInEffect => self.wait(None, now),
            ReadBack::PrincipalChanged => self.die(DeadReason::PrincipalChanged),
            ReadBack::Unreadable { after } => self.wait(*after, now),
        }
    }

    /// It is known that nothing is in effect.
    fn is_not_in_effect(&mut self, now: Timestamp) -> Effect {
        match self.then {
            Then::Again => {
                self.phase = Phase::Waiting;
                let effect = self.wait(None, now);
                if self.purpose == Purpose::Act && self.due >= self.deadline {
                    // What would come too late isn't waited for.
                    return self.die(DeadReason::TooLate);
                }
                effect
            }
            Then::Stop => {
                self.phase = Phase::Stopped;
                Effect::Released
            }
            Then::Die(reason) => self.die(reason),
        }
    }

    fn done(&mut self, ours: bool) -> Effect {
        self.phase = Phase::Done;
        Effect::Done { ours }
    }

    fn pass(&mut self, now: Timestamp) -> Effect {
        if now < self.deadline || self.has_ended() || self.held.is_some() {
            return Effect::Nothing;
        }
        match (self.purpose, self.phase) {
            (Purpose::Act, Phase::Waiting) => self.give_up(Then::Die(DeadReason::TooLate), now),
            // It is read on for as long as it takes, and isn't tried again.
            (Purpose::Act, Phase::Uncertain) => {
                if self.then == Then::Again {
                    self.then = Then::Die(DeadReason::TooLate);
                }
                self.say_overdue()
            }
            // What is under way is waited for: a call has a time limit of its own.
            (Purpose::Act, _) => Effect::Nothing,
            (Purpose::Undo, _) => self.say_overdue(),
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

    /// A call was made, or may have been: the provider may still do it for a while.
    fn is_uncertain(&mut self, now: Timestamp) -> Effect {
        self.settled = Some(now.plus_micros(self.settling));
        self.go(Phase::Uncertain, now)
    }

    fn wait(&mut self, after: Option<i64>, now: Timestamp) -> Effect {
        self.tries = self.tries.saturating_add(1);
        self.due = now.plus_micros(wait(&self.key, self.tries, after));
        Effect::Nothing
    }

    fn go(&mut self, phase: Phase, now: Timestamp) -> Effect {
        (self.phase, self.due) = (phase, now);
        Effect::Nothing
    }
}

#[cfg(test)]
#[path = "../tests/unit/work.rs"]
mod tests;
