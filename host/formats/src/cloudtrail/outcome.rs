//! How a call went: its status, whether it was denied, whether its caller authenticated, and how the caller was used.

use std::borrow::Cow;

use countersign_model::vocabulary::Usage;

use super::authenticated;
use super::caller::Caller;
use super::record::{ServiceOutcome, Top};
use crate::json::{Entries, Member, spelled};

const SIGN_IN_SERVICE: &str = "signin.amazonaws.com";

/// How a call went.
pub(super) struct Outcome<'a> {
    /// No error, and no failed sign-in; none for a step of a sign-in that decides nothing.
    pub(super) success: Option<bool>,
    /// The error code, else the code of its result, else how a sign-in went (`Success`, `Failure`).
    pub(super) code: Option<Cow<'a, str>>,
    /// The error code, unless it is one of success.
    pub(super) error: Option<Cow<'a, str>>,
    /// Denied for lack of rights: not throttled, not malformed.
    pub(super) denied: bool,
    /// The record proves that the caller authenticated.
    pub(super) authenticated: bool,
}

/// How the call of this record went.
pub(super) fn outcome<'a>(top: &Top<'a>, caller: &Caller<'a>, resolved: bool) -> Outcome<'a> {
    let code = top.error_code.word();
    let error = code.clone().filter(|code| !is_success(code));
    let result = result(top);
    let sign_in = is_sign_in_service(top).then(|| sign_in(top)).flatten();
    let is = |word: &str| sign_in.as_deref().is_some_and(|outcome| outcome.eq_ignore_ascii_case(word));
    // What comes with a code of success is no message of an error.
    let message = code.is_none() && top.error_message.json().is_some_and(|json| json != "\"\"");
    let failed = error.is_some() || message || result.success == Some(false) || is("Failure");
    let success = if failed {
        Some(false)
    } else if is_sign_in_service(top) {
        let ends = authenticated::ends_a_sign_in(&top.event_name.text().unwrap_or_default());
        (ends && is("Success")).then_some(true)
    } else {
        Some(true)
    };
    let authenticated = resolved && authenticated::proves(top, caller, success);
    let denied = error.as_deref().is_some_and(is_denied);
    Outcome { success, code: code.or(result.code).or(sign_in), error, denied, authenticated }
}

/// Whether an error code says that there was no error: services that answer by HTTP write its status there.
fn is_success(code: &str) -> bool {
    let is_status = code.parse::<u16>().is_ok_and(|status| status == 0 || (200..300).contains(&status));
    is_status || ["Success", "OK", "None", "NoError"].iter().any(|word| code.eq_ignore_ascii_case(word))
}

/// What a service's own event says of how it went, in `serviceEventDetails.result`.
#[derive(Default)]
struct ServiceResult<'a> {
    success: Option<bool>,
    code: Option<Cow<'a, str>>,
}

fn result<'a>(top: &Top<'a>) -> ServiceResult<'a> {
    let details: Entries<'a> = member(top, "serviceEventDetails").members();
    let Some((_, json)) = details.all.into_iter().rev().find(|(name, _)| name == "result") else {
        return ServiceResult::default();
    };
    let result: ServiceOutcome<'a> = Member::new(json).members();
    let kind = result.kind.text();
    let is = |word: &str| kind.as_deref().is_some_and(|kind| kind.eq_ignore_ascii_case(word));
    let success = match result.code.word() {
        _ if is("success") => Some(true),
        _ if is("failure") || is("error") => Some(false),
        Some(code) => code.parse::<u16>().ok().map(|_| is_success(&code)),
        None => None,
    };
    ServiceResult { success, code: result.code.word() }
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
    let places = [top.response, member(top, "serviceEventDetails"), member(top, "additionalEventData")];
    places.into_iter().find_map(|details| {
        let details: Entries<'a> = details.members();
        details
            .all
            .into_iter()
            .rev()
            .find(|(name, _)| name.eq_ignore_ascii_case(&operation))
            .and_then(|(_, json)| Member::new(json).text())
    })
}

/// A member of the record that stays in `unmapped`.
pub(super) fn member<'a>(top: &Top<'a>, name: &str) -> Member<'a> {
    top.unmapped
        .iter()
        .rev()
        .find(|(known, _)| spelled(known, &[name]) == name)
        .map_or_else(Member::default, |(_, json)| Member::new(json))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_of_success_are_no_errors() {
        for code in ["200", "204", "0", "Success", "SUCCESS", "ok", "None", "NoError"] {
            assert!(is_success(code), "{code}");
        }
        for code in ["403", "302", "500", "-1", "AccessDenied", "2000", "SuccessFactorsError", ""] {
            assert!(!is_success(code), "{code}");
        }
    }

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
