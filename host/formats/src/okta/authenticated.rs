//! Which events prove that their actor authenticated.
//!
//! An allow-list by event type: an event that no row fits proves nothing. An event names its user as the actor also where
//! nobody but Okta knows who was there: a push is sent to the user whose name was typed, a policy is evaluated, a lock closes, a
//! link in a mail is followed, a threat is detected. With one factor of several a user is half signed in.

use super::Act;
use super::accounts::principal;
use super::classes::is_or_below;
use super::outcome::{api_token, is_oauth_client, session, success};
use super::record::text_of;
use crate::documentation::Table;

/// What an event of some types proves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Proof {
    /// A user's success does.
    UsersSuccess,
    /// A user's success with a factor that isn't the password does; the password alone is half a sign-in.
    SecondFactor,
    /// A client's success does, if it took the token for itself, by a secret of its own.
    ClientsOwnToken,
    /// Only who is signed in, or holds a token, may do it: success does, and so does a failure in a session or with a token.
    Administration,
    /// What a user does in a session: succeeded or not, a session or a token does.
    WithinSession,
    /// Users do it to themselves by a link or a code that they were sent, and these events have the id of a session that
    /// is yet to begin; done to another user, a session or a token does.
    UponAnother,
}

impl Proof {
    /// In words, for the documentation.
    const fn words(self) -> &'static str {
        match self {
            Proof::UsersSuccess => "the actor is a `User` and it succeeded",
            Proof::SecondFactor => {
                "the actor is a `User`, it succeeded, and `debugData.factor` names a factor other than a password"
            }
            Proof::ClientsOwnToken => {
                "the actor is an OAuth client, `grantType` is `client_credentials`, and it succeeded"
            }
            Proof::Administration => {
                "the actor is a `User` or an OAuth client, and it succeeded, or failed with a session or an API token"
            }
            Proof::WithinSession => "the actor is a `User`, and it succeeded or failed with a session or an API token",
            Proof::UponAnother => {
                "the actor is a `User`, the target another one, and it succeeded or failed with a session or an API token"
            }
        }
    }
}

/// Event types, or the first parts of some; the first that fits.
#[rustfmt::skip]
const PROOFS: &[(&[&str], Proof)] = &[
    (&["user.session.start", "user.session.end", "user.authentication.sso", "app.oauth2.authorize", "app.oauth2.as.authorize"], Proof::UsersSuccess),
    (&["user.authentication.auth_via_mfa"], Proof::SecondFactor),
    (&["app.oauth2.token.grant", "app.oauth2.as.token.grant"], Proof::ClientsOwnToken),
    (&[
        "user.session.clear", "user.session.access_admin_app", "user.session.impersonation", "user.account.privilege",
        "user.account.unlock_by_admin", "user.mfa.factor.reset_all", "user.lifecycle.suspend", "user.lifecycle.unsuspend",
        "user.lifecycle.deactivate", "user.lifecycle.delete", "system.api_token", "app.oauth2.client", "group.privilege",
        "application.lifecycle", "application.policy", "iam.resourceset", "iam.role", "policy.lifecycle", "policy.rule", "zone",
        "event_hook.created", "event_hook.updated", "event_hook.deleted", "event_hook.activated", "event_hook.deactivated",
        "inline_hook.created", "inline_hook.updated", "inline_hook.deleted", "inline_hook.activated",
        "inline_hook.deactivated", "device.lifecycle", "security.authenticator.lifecycle", "security.trusted_origin", "system.idp.lifecycle",
        "system.mfa.factor", "system.log_stream", "system.custom_error", "system.sign_in_page",
    ], Proof::Administration),
    (&[
        "app.generic.unauth_app_access_attempt", "app.oauth2.consent", "app.oauth2.as.consent", "app.access_request",
        "user.account.access_super_user_app", "group", "application.user_membership", "application.provision",
    ], Proof::WithinSession),
    (&[
        "user.account.update_password", "user.account.reset_password", "user.account.expire_password",
        "user.account.update_profile", "user.lifecycle.create", "user.lifecycle.activate", "user.lifecycle.reactivate",
        "user.mfa.factor",
    ], Proof::UponAnother),
];

/// The table, for the documentation.
pub(super) fn table() -> Table {
    let code = |names: &[&str]| names.iter().map(|name| format!("`{name}`")).collect::<Vec<String>>().join(", ");
    let rows = PROOFS.iter().map(|(types, proof)| vec![code(types), proof.words().to_owned()]);
    let rest = ["any other", "never"].map(str::to_owned).to_vec();
    Table {
        name: "authenticated",
        head: &["`eventType`, or its first parts; the first that fits", "authenticated if"],
        rows: rows.chain([rest]).collect(),
    }
}

/// Whether the event proves that its actor authenticated.
pub(super) fn authenticated(act: &Act<'_>) -> bool {
    let fits = |(types, _): &&(&[&str], Proof)| types.iter().any(|first| is_or_below(&act.event_type, first));
    let Some((_, proof)) = PROOFS.iter().find(fits) else { return false };
    if act.principal.account.is_none() {
        return false;
    }
    let is_user = act.actor.kind.text().as_deref() == Some("User");
    let is_client = is_oauth_client(act);
    let succeeded = success(act) == Some(true);
    let in_evidence = success(act).is_some() && (session(act).is_some() || api_token(act).is_some());
    match proof {
        Proof::UsersSuccess => is_user && succeeded,
        Proof::SecondFactor => is_user && succeeded && has_second_factor(act),
        Proof::ClientsOwnToken => {
            is_client && succeeded && act.debug.grant_type.text().as_deref() == Some("client_credentials")
        }
        Proof::Administration => (is_user || is_client) && (succeeded || in_evidence),
        Proof::WithinSession => is_user && in_evidence,
        Proof::UponAnother => is_user && in_evidence && is_upon_another(act),
    }
}

fn is_upon_another(act: &Act<'_>) -> bool {
    let target = act.user_target().and_then(|target| principal(target, &act.debug).account);
    target.is_some_and(|target| act.principal.account.as_ref() != Some(&target))
}

/// Whether the event names a factor that isn't the password. Okta logs that the password was right as a factor too.
pub(super) fn has_second_factor(act: &Act<'_>) -> bool {
    text_of(act.debug.factor).is_some_and(|factor| !factor.to_ascii_uppercase().contains("PASSWORD"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_row_hides_behind_one_before_it() {
        let all: Vec<&str> = PROOFS.iter().flat_map(|(types, _)| *types).copied().collect();
        for (place, first) in all.iter().enumerate() {
            let hidden = all.iter().take(place).find(|before| is_or_below(first, before));
            assert!(hidden.is_none(), "{first} behind {hidden:?}");
        }
    }
}
