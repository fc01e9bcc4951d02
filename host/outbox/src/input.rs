//! The words of an intent's way: what it is for, how far it is, what happens to it, and what comes of that.

use countersign_model::Timestamp;
use countersign_model::vocabulary::text_ids;
use serde::{Deserialize, Serialize};

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
        /// It waits until it is due; then the gate is asked where it acts, and what is there compared where it undoes.
        Waiting = "waiting",
        /// *Started* is being committed. Nothing was called.
        Starting = "starting",
        /// *Started* is on record: the connector may have been called.
        Started = "started",
        /// Whether a call had an effect isn't known: what is there is read back before anything else.
        Uncertain = "uncertain",
        /// What was intended is in effect.
        Done = "done",
        /// Nothing was done and nothing will be: the gate says less, or it isn't wanted any more.
        Stopped = "stopped",
        /// Nothing more is tried, and nothing of it is in effect: a person has to look.
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
        /// Its deadline is over.
        TooLate = "too-late",
        /// Somebody else changed what it would undo.
        Conflict = "conflict",
    }
}

/// What the gate says when it is asked again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Gate {
    /// It still holds.
    Holds,
    /// Less may be done, or nothing.
    Less,
    /// People are asked: it waits for them, and so does its deadline.
    Held,
}

/// What a connector reported of a call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Outcome {
    /// The provider says that it is in effect. It counts once it was read back.
    Accepted,
    /// The provider says that it isn't, and that it may be later: after so many microseconds, where it says that.
    Deferred {
        /// How long to wait.
        after: Option<i64>,
    },
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
    InEffect {
        /// Whether we made it so, as far as the provider tells: by principal, request or time.
        ours: bool,
    },
    /// It isn't.
    NotInEffect,
    /// The account isn't the one that was decided about.
    PrincipalChanged,
    /// It can't be read now; after so many microseconds, where the provider says that.
    Unreadable {
        /// How long to wait.
        after: Option<i64>,
    },
}

/// What undoing takes, by what is there now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Compared {
    /// Nothing: what was there before is there.
    Nothing,
    /// What was there before is put back.
    Restore,
    /// Somebody else changed it.
    Conflict,
}

/// What happens to an intent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Input {
    /// The gate was asked.
    Gate {
        /// What it said.
        said: Gate,
    },
    /// What undoing takes was looked at.
    Compared {
        /// What it takes.
        takes: Compared,
    },
    /// *Started* is on record, with what was there before.
    Started {
        /// In the connector's form.
        before: String,
    },
    /// A call was reported.
    Outcome {
        /// The call's number, from 1.
        attempt: u32,
        /// What was reported.
        outcome: Outcome,
    },
    /// What is there was read, after a call.
    ReadBack {
        /// The call's number, from 1.
        attempt: u32,
        /// What was read.
        read: ReadBack,
    },
    /// It isn't wanted any more: an undo, where a lease began anew.
    Cancel,
    /// A person says what is there, where it can't be found out.
    Settled {
        /// Whether what was intended is in effect.
        in_effect: bool,
    },
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
    /// Read what is there, and compare it with what was there before and what we made of it.
    Compare,
    /// Read what is there before, and commit *started* with it.
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
    /// It is in effect: a lease begins, or ends. What isn't ours is its owner's to end.
    Done {
        /// Whether we made it so.
        ours: bool,
    },
    /// Nothing was done and nothing will be: what was reserved is free again.
    Released,
    /// Nothing more is tried, and nothing of it is in effect: what was reserved is free, and a person has to look.
    Dead(DeadReason),
    /// It goes on, but has for too long: a person has to know.
    Overdue,
}

/// An input that can't come now: it is another attempt's, or made up.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{input}` can't happen to an intent that is `{phase}`, at attempt {attempt}")]
pub struct OutOfTurn {
    /// What came.
    pub input: &'static str,
    /// How far the intent is.
    pub phase: Phase,
    /// The number of its last call.
    pub attempt: u32,
}

/// What an input is called in messages.
pub(crate) fn name(input: &Input) -> &'static str {
    match input {
        Input::Gate { .. } => "gate",
        Input::Compared { .. } => "compared",
        Input::Started { .. } => "started",
        Input::Outcome { .. } => "outcome",
        Input::ReadBack { .. } => "read-back",
        Input::Cancel => "cancel",
        Input::Settled { .. } => "settled",
        Input::Restarted => "restarted",
        Input::Time => "time",
    }
}
