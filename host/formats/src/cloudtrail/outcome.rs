//! How a call went: its status, whether it was denied, whether its caller authenticated, and how the caller was used.

use std::borrow::Cow;

use countersign_model::vocabulary::Usage;

use super::caller::Caller;
use super::record::{SignInOutcome, Top};
use crate::json::Member;

const SIGN_IN_SERVICE: &str = "signin.amazonaws.com";

/// How a call went.
pub(super) struct Outcome<'a> {
    /// No error, and no failed sign-in.
    pub(super) success: bool,
    /// The error code, else how a sign-in went (`Success`, `Failure`).
    pub(super) code: Option<Cow<'a, str>>,
    /// Denied for lack of rights: not throttled, not malformed.
    pub(super) denied: bool,
    /// The caller's password, token or signature was accepted.
    pub(super) authenticated: bool,
}

/// How the call of this record went. `service_event_details` holds the outcome of sign-ins to the access portal.
pub(super) fn outcome<'a>(top: &Top<'a>, caller: &Caller<'a>, resolved: bool) -> Outcome<'a> {
    let error = top.error_code.text();
    let sign_in = is_sign_in_service(top).then(|| sign_in(top)).flatten();
    let failed_sign_in = sign_in.as_deref() == Some("Failure");
    let success = error.is_none() && top.error_message.json().is_none() && !failed_sign_in;
    let sign_in_failed = !success && is_sign_in_service(top) && !is_within_session(top);
    let exchange_failed = !success && is_token_exchange(caller);
    let rejected = error.as_deref().is_some_and(is_rejected_credential);
    let authenticated = resolved && !sign_in_failed && !exchange_failed && !rejected;
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

/// Codes of a caller that did not prove to be the one named in the record.
fn is_rejected_credential(code: &str) -> bool {
    matches!(
        code.rsplit_once('.').map_or(code, |(_, code)| code),
        "AuthFailure"
            | "ExpiredToken"
            | "ExpiredTokenException"
            | "IncompleteSignature"
            | "IncompleteSignatureException"
            | "InvalidAccessKeyId"
            | "InvalidClientTokenId"
            | "InvalidIdentityToken"
            | "InvalidIdentityTokenException"
            | "InvalidSignatureException"
            | "MissingAuthenticationToken"
            | "MissingAuthenticationTokenException"
            | "RequestExpired"
            | "SignatureDoesNotMatch"
            | "UnrecognizedClientException"
    )
}

/// Changes of role within a console session that had begun before: their failure isn't one to authenticate.
fn is_within_session(top: &Top<'_>) -> bool {
    matches!(top.event_name.text().as_deref(), Some("SwitchRole" | "ExitRole" | "RenewRole"))
}

/// Calls of STS that aren't signed, but bring a token to be exchanged.
fn is_token_exchange(caller: &Caller<'_>) -> bool {
    matches!(&*caller.kind(), "WebIdentityUser" | "SAMLUser")
}

fn sign_in<'a>(top: &Top<'a>) -> Option<Cow<'a, str>> {
    [top.response, member(top, "serviceEventDetails")].into_iter().find_map(|details| {
        let outcome: SignInOutcome<'a> = details.members();
        [
            outcome.console_login,
            outcome.check_mfa,
            outcome.credential_verification,
            outcome.user_authentication,
            outcome.switch_role,
            outcome.exit_role,
            outcome.renew_role,
        ]
        .into_iter()
        .find_map(Member::text)
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
