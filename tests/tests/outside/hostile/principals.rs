//! Attempts to hit several by one: a role through what one of its users holds, and what lapses by itself.

use countersign_model::ReasonCode;

use super::permitted::{Decided, OWN, by_the_gate, call, decided, is_automatic, may, proposing, session, sure, user};
use super::{Attempt, Defence, attempt};

pub(super) fn attempts() -> Vec<Attempt> {
    let shared = |name, tries, action: &'static str| {
        attempt(name, tries, Defence::AskedFirst(ReasonCode::SharedPrincipal), move || {
            assert!(is_automatic(&contained(&user("AIDAANNA", "AKIAANNA"), "restrict-access")));
            by_the_gate(&contained(&session(), action), ReasonCode::SharedPrincipal)
        })
    };
    let temporary = |name, tries, who: fn() -> String| {
        attempt(name, tries, Defence::ByTheGate(ReasonCode::ActionUnavailable), move || {
            assert!(is_automatic(&contained(&user("AIDAANNA", "AKIAANNA"), "disable-credential")));
            by_the_gate(&contained(&who(), "disable-credential"), ReasonCode::ActionUnavailable)
        })
    };
    vec![
        shared(
            "role-through-a-session",
            "ends a role's session by a connector that ends all of them",
            "revoke-sessions",
        ),
        shared("role-through-a-grant", "suspends the grant by which one came into a role", "suspend-privilege"),
        shared("role-through-a-token", "revokes a token of a role", "revoke-token"),
        shared("role-as-an-account", "suspends the account that a role is", "suspend-account"),
        temporary("temporary-key-of-a-role", "disables the temporary key of a role's session", session),
        temporary("temporary-key-of-a-user", "disables a user's temporary key", || user("AIDAANNA", "ASIAANNA")),
    ]
}

/// A call, on which a sure rule finds something and a response rule proposes this action.
fn contained(who: &str, action: &str) -> Decided {
    let (rule, answer) = (sure(&may(&[action]), ""), proposing("hostile/answer", &[action], ""));
    decided(&[&rule, &answer], "", &[(OWN, call(0, who, ""))])
}
