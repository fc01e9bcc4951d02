//! How an act went: its status, and how the account was used.

use std::borrow::Cow;

use countersign_model::vocabulary::Usage;

use super::Act;
use super::accounts::is_client;
use super::classes::is_or_below;
use super::record::text_of;
use crate::documentation::Table;

/// A push was denied at a device, whatever result Okta gives the event itself.
pub(super) const DENIED_PUSH: &str = "user.mfa.okta_verify.deny_push";

/// An attempt to bypass a factor.
const ATTEMPTED_BYPASS: &str = "user.mfa.attempt_bypass";

/// Whether the act succeeded; none where its result is neither: `CHALLENGE`, `SKIPPED`, `UNKNOWN`.
pub(super) fn success(act: &Act<'_>) -> Option<bool> {
    if act.event_type.starts_with(DENIED_PUSH) || is_or_below(&act.event_type, ATTEMPTED_BYPASS) {
        return Some(false);
    }
    match result(act).as_deref() {
        Some("SUCCESS" | "ALLOW") => Some(true),
        Some("FAILURE" | "DENY") => Some(false),
        _ => None,
    }
}

/// The result in capitals, as Okta writes it; collectors don't always.
fn result(act: &Act<'_>) -> Option<String> {
    act.outcome.result.text().map(|result| result.trim().to_ascii_uppercase())
}

/// Whether it was denied for lack of rights, or allowed; none where the event shows neither.
pub(super) fn allowed(act: &Act<'_>) -> Option<bool> {
    let refused = act.event_type == "app.generic.unauth_app_access_attempt" || result(act).as_deref() == Some("DENY");
    if refused { Some(false) } else { success(act).filter(|success| *success) }
}

/// The table of usages, for the documentation; [`usage`] is the code of it.
pub(super) fn usage_table() -> Table {
    Table::new("usage", &["usage", "the first that holds"], USAGES)
}

#[rustfmt::skip]
const USAGES: &[[&str; 2]] = &[
    ["delegated", "`user.session.impersonation.initiate`, `.extend`, `.end`; an OAuth client with a user behind it (the target `User`, else `debugData.userId`)"],
    ["interactive", "a `User` with a browser that Okta knows or a session, unless with an API token or in a `JOB`"],
    ["programmatic", "any other"],
];

/// How the account was used; the first that holds.
pub(super) fn usage(act: &Act<'_>) -> Usage {
    let browser = || text_of(act.user_agent.browser).is_some() || session(act).is_some();
    if impersonates(act) || (is_oauth_client(act) && act.behind_client().is_some()) {
        Usage::Delegated
    } else if api_token(act).is_none()
        && act.transaction.kind.text().as_deref() != Some("JOB")
        && act.actor.kind.text().as_deref() == Some("User")
        && browser()
    {
        Usage::Interactive
    } else {
        Usage::Programmatic
    }
}

/// Whether the actor acts as another user: support within a customer's org. Granting or revoking that is an act of
/// the actor alone.
pub(super) fn impersonates(act: &Act<'_>) -> bool {
    ["initiate", "extend", "end"]
        .iter()
        .any(|verb| act.event_type.strip_prefix("user.session.impersonation.") == Some(*verb))
}

/// Whether the actor is an OAuth client.
pub(super) fn is_oauth_client(act: &Act<'_>) -> bool {
    act.actor.kind.text().is_some_and(|kind| is_client(&kind))
}

/// The actor's session. Okta gives one to calls with an API token too.
pub(super) fn session<'a>(act: &Act<'a>) -> Option<Cow<'a, str>> {
    text_of(act.authentication.session)
}

/// The API token that the request was made with.
pub(super) fn api_token<'a>(act: &Act<'a>) -> Option<Cow<'a, str>> {
    text_of(act.transaction_detail.api_token)
}
