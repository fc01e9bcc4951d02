//! Attempts to have an effect under a milder name: a challenge that nobody is there to answer.

use countersign_model::ReasonCode;

use super::permitted::{LIMITED, OWN, by_the_gate, call, decided, is_automatic, may, proposing, sure, user};
use super::{Attempt, Defence, attempt};

pub(super) fn attempts() -> Vec<Attempt> {
    vec![
        attempt(
            "challenge-of-a-key",
            "challenges a key by a source that may lead to a challenge at most",
            Defence::ByTheGate(ReasonCode::SourceLimited),
            || {
                let who = user("AIDAANNA", "AKIAANNA");
                assert!(is_automatic(&challenged(OWN, &who, "require-reauthentication")));
                by_the_gate(&challenged(LIMITED, &who, "require-reauthentication"), ReasonCode::SourceLimited)
            },
        ),
        attempt(
            "challenge-of-an-unknown-key",
            "challenges the key of whatever the directory doesn't know",
            Defence::AskedFirst(ReasonCode::UnknownType),
            || {
                let who = user("AIDANOBODY", "AKIANOBODY");
                by_the_gate(&challenged(OWN, &who, "require-reauthentication"), ReasonCode::UnknownType)
            },
        ),
        attempt(
            "factor-of-a-key",
            "asks a key for a second factor",
            Defence::ByTheGate(ReasonCode::ActionUnavailable),
            || {
                by_the_gate(
                    &challenged(OWN, &user("AIDAANNA", "AKIAANNA"), "require-mfa"),
                    ReasonCode::ActionUnavailable,
                )
            },
        ),
        attempt(
            "challenge-of-a-machine",
            "challenges a service's account, which nobody signs in with",
            Defence::ByTheGate(ReasonCode::NotARung),
            || {
                let who = user("AIDAMACHINE", "AKIAMACHINE");
                by_the_gate(&challenged(OWN, &who, "require-reauthentication"), ReasonCode::NotARung)
            },
        ),
    ]
}

/// A call with a key, on which a sure rule finds something and a response rule proposes this challenge.
fn challenged(by: usize, who: &str, action: &str) -> super::permitted::Decided {
    let (rule, answer) = (sure(&may(&[action]), ""), proposing("hostile/answer", &[action], ""));
    decided(&[&rule, &answer], "", &[(by, call(0, who, ""))])
}
