//! Which events prove that their actor authenticated.
//!
//! An allow-list by type: an event that no row fits proves nothing. A sign-in or a refresh that failed names the account whose
//! name or token was presented, whoever presented it.

use super::Act;
use super::classes::is_or_below;
use crate::documentation::Table;

/// What an event of some types proves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Proof {
    /// An account's success does.
    Success,
    /// A session does, and so does an administrative credential; also where a scope was lacking.
    Administration,
}

impl Proof {
    /// In words, for the documentation.
    const fn words(self) -> &'static str {
        match self {
            Proof::Success => "the actor is an `account`, and it succeeded",
            Proof::Administration => {
                "the actor is a `principal`, or an `account` in a session; also if it lacked a scope"
            }
        }
    }
}

/// Types, or the first parts of some; the first that fits.
#[rustfmt::skip]
const PROOFS: &[(&[&str], Proof)] = &[
    (&["session.started", "token.refreshed"], Proof::Success),
    (&["session.ended", "session.reauthentication", "token.revoked", "account", "credential", "group", "principal", "access"], Proof::Administration),
];

/// The table, for the documentation.
pub(super) fn table() -> Table {
    let code = |names: &[&str]| names.iter().map(|name| format!("`{name}`")).collect::<Vec<String>>().join(", ");
    let rows = PROOFS.iter().map(|(kinds, proof)| vec![code(kinds), proof.words().to_owned()]);
    let rest = ["any other", "never"].map(str::to_owned).to_vec();
    Table {
        name: "authenticated",
        head: &["`type`, or its first part; the first that fits", "authenticated if"],
        rows: rows.chain([rest]).collect(),
    }
}

/// Whether the event proves that its actor authenticated.
pub(super) fn authenticated(act: &Act<'_>) -> bool {
    let fits = |(kinds, _): &&(&[&str], Proof)| kinds.iter().any(|first| is_or_below(&act.kind, first));
    let Some((_, proof)) = PROOFS.iter().find(fits) else { return false };
    if act.principal.account.is_none() {
        return false;
    }
    let kind = act.actor.kind.text();
    let is_account = kind.as_deref() == Some("account");
    match proof {
        Proof::Success => is_account && act.success() == Some(true),
        Proof::Administration => {
            kind.as_deref() == Some("principal") || (is_account && act.actor.session.text().is_some())
        }
    }
}
