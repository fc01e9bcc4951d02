//! How a call went: its status, whether it was denied, whether its caller authenticated, and how the caller was used.

use std::borrow::Cow;

use countersign_model::vocabulary::Usage;

use super::authenticated;
use super::caller::Caller;
use super::record::Top;
use crate::json::{Entries, Member};

const SIGN_IN_SERVICE: &str = "signin.amazonaws.com";

/// How a call went.
pub(super) struct Outcome<'a> {
    /// No error, and no failed sign-in; none for a step of a sign-in that decides nothing.
    pub(super) success: Option<bool>,
    /// The error code, else how a sign-in went (`Success`, `Failure`).
    pub(super) code: Option<Cow<'a, str>>,
    /// Denied for lack of rights: not throttled, not malformed.
    pub(super) denied: bool,
    /// The record proves that the caller authenticated.
    pub(super) authenticated: bool,
}

/// How the call of this record went.
pub(super) fn outcome<'a>(top: &Top<'a>, caller: &Caller<'a>, resolved: bool) -> Outcome<'a> {
    let error = top.error_code.text();
    let sign_in = is_sign_in_service(top).then(|| sign_in(top)).flatten();
    let failed = error.is_some() || top.error_message.json().is_some() || sign_in.as_deref() == Some("Failure");
    let success = if failed {
        Some(false)
    } else if is_sign_in_service(top) {
        let ends = authenticated::ends_a_sign_in(&top.event_name.text().unwrap_or_default());
        (ends && sign_in.as_deref() == Some("Success")).then_some(true)
    } else {
        Some(true)
    };
    let authenticated = resolved && authenticated::proves(top, caller, success);
    let denied = error.as_deref().is_some_and(is_denied);
    Outcome { success, code: error.or(sign_in), denied, authenticated }
}

/// How the caller was used; the first that holds.
pub(super) fn usage(top: &Top<'_>, caller: &Caller<'_>) -> Usage {
    if caller.invoked_by().is_some() || caller.delegating_user().is_some() {
        Usage::Delegated
    } else if is_sign_in_service(top) || is_console(top) {
        Usage::Interactive
    } else {
        Usage::Programmatic
    }
}

/// Whether the sign-in service wrote the record.
pub(super) fn is_sign_in_service(top: &Top<'_>) -> bool {
    top.event_source.text().as_deref() == Some(SIGN_IN_SERVICE)
}

fn is_console(top: &Top<'_>) -> bool {
    let kind = top.event_type.text();
    matches!(kind.as_deref(), Some("AwsConsoleSignIn" | "AwsConsoleAction"))
        || member(top, "sessionCredentialFromConsole").truth() == Some(true)
}

/// Denied is AccessDenied and unauthorised-operation codes. A service may put its name and a dot before the code.
pub(super) fn is_denied(code: &str) -> bool {
    matches!(
        code.rsplit_once('.').map_or(code, |(_, code)| code),
        "AccessDenied"
            | "AccessDeniedException"
            | "AuthorizationError"
            | "AuthorizationErrorException"
            | "Forbidden"
            | "ForbiddenException"
            | "NotAuthorized"
            | "NotAuthorizedException"
            | "Unauthorized"
            | "UnauthorizedAccess"
            | "UnauthorizedException"
            | "UnauthorizedOperation"
    )
}

/// What the sign-in service says of the operation: a member with its name, in `responseElements`, or for the access
/// portal in `serviceEventDetails`.
fn sign_in<'a>(top: &Top<'a>) -> Option<Cow<'a, str>> {
    let operation = top.event_name.text()?;
    [top.response, member(top, "serviceEventDetails")].into_iter().find_map(|details| {
        let details: Entries<'a> = details.members();
        details
            .all
            .into_iter()
            .rev()
            .find(|(name, _)| *name == operation)
            .and_then(|(_, json)| Member::new(json).text())
    })
}

/// A member of the record that stays in `unmapped`.
pub(super) fn member<'a>(top: &Top<'a>, name: &str) -> Member<'a> {
    top.unmapped
        .iter()
        .rev()
        .find(|(known, _)| known == name)
        .map_or_else(Member::default, |(_, json)| Member::new(json))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn denied_means_lack_of_rights_only() {
        for code in ["AccessDenied", "AccessDeniedException", "Client.UnauthorizedOperation", "UnauthorizedAccess"] {
            assert!(is_denied(code), "{code}");
        }
        for code in [
            "ThrottlingException",
            "Client.InvalidParameterValue",
            "NoSuchEntityException",
            "InvalidAccessException",
            "",
        ] {
            assert!(!is_denied(code), "{code}");
        }
    }
}
