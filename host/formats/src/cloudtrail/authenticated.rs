//! Which records prove that the caller authenticated, and which operations of the sign-in service are more than a step.
//!
//! An allow-list: a record that no row fits proves nothing. Anybody can have a failed sign-in, a challenge, a question for
//! a factor or a recovery of a password written in somebody else's name; a first factor that was accepted is half a
//! sign-in. A call with a key proves the caller once the signature was checked: where it succeeded, and where it was denied
//! for lack of rights. Whether other errors come before or after that check differs from service to service.

use super::caller::Caller;
use super::outcome::is_sign_in_service;
use super::record::Top;
use crate::documentation::Table;

/// What one kind of record proves, if its caller is resolved.
struct Row {
    /// `eventType`; a record from which a collector took it away is read as a call or a sign-in, which services' own events
    /// and denials at an endpoint can't pass for: they have neither these callers nor these outcomes.
    event_types: &'static [&'static str],
    /// `userIdentity.type`.
    callers: &'static [&'static str],
    /// The operations.
    acts: Acts,
    /// Whether being denied for lack of rights proves it as well as success does.
    or_denied: bool,
}

/// Which operations a row is about.
enum Acts {
    /// All but those of the sign-in service.
    Any,
    /// These of STS, which carry a token in place of a signature.
    TokenExchange(&'static [&'static str]),
    /// Those of the sign-in service that end a sign-in, or happen after one.
    SignIn,
}

const ROWS: &[Row] = &[
    Row {
        event_types: &["AwsApiCall", "AwsConsoleAction"],
        callers: &["IAMUser", "AssumedRole", "Role", "Root", "FederatedUser", "AWSAccount", "AWSService"],
        acts: Acts::Any,
        or_denied: true,
    },
    Row { event_types: &["AwsServiceEvent"], callers: &["AWSService"], acts: Acts::Any, or_denied: false },
    Row { event_types: &["AwsApiCall"], callers: &["IdentityCenterUser"], acts: Acts::Any, or_denied: false },
    Row {
        event_types: &["AwsApiCall"],
        callers: &["WebIdentityUser", "SAMLUser"],
        acts: Acts::TokenExchange(&["AssumeRoleWithWebIdentity", "AssumeRoleWithSAML"]),
        or_denied: false,
    },
    Row {
        event_types: &["AwsConsoleSignIn", "AwsServiceEvent"],
        callers: &["IAMUser", "Root", "AssumedRole", "Role", "FederatedUser", "IdentityCenterUser", "Unknown"],
        acts: Acts::SignIn,
        or_denied: false,
    },
];

/// Operations of the sign-in service whose `Success` says that the caller is signed in: the last step of a sign-in to the
/// console and to the access portal, and what takes a session that there is. Of every other operation only a failure
/// says anything: `CredentialVerification` accepts one factor, `CheckMfa` says whether one will be asked for,
/// `CredentialChallenge` and `PasswordRecoveryRequested` follow from typing a name.
const SIGNED_IN: &[&str] =
    &["ConsoleLogin", "UserAuthentication", "SwitchRole", "ExitRole", "RenewRole", "GetSigninToken"];

/// Codes for lack of rights that are given after the signature was checked.
const DENIED_AFTER_THE_SIGNATURE: &[&str] = &[
    "AccessDenied",
    "AccessDeniedException",
    "AuthorizationError",
    "AuthorizationErrorException",
    "UnauthorizedOperation",
];

/// What S3 says of a presigned address that has lapsed, as an `AccessDenied`.
const LAPSED: &str = "Request has expired";

/// The table, for the documentation.
pub(super) fn table() -> Table {
    let code = |names: &[&str]| names.iter().map(|name| format!("`{name}`")).collect::<Vec<String>>().join(", ");
    let rows = ROWS.iter().map(|row| {
        let acts = match row.acts {
            Acts::Any => "any but those of the sign-in service".to_owned(),
            Acts::TokenExchange(operations) => format!("of STS: {}", code(operations)),
            Acts::SignIn => format!("of the sign-in service: {}", code(SIGNED_IN)),
        };
        let if_ = match (&row.acts, row.or_denied) {
            (Acts::SignIn, _) => "it says `Success`".to_owned(),
            (_, false) => "it succeeded".to_owned(),
            (_, true) => format!("it succeeded or was denied: {}", code(DENIED_AFTER_THE_SIGNATURE)),
        };
        vec![format!("{}, none", code(row.event_types)), code(row.callers), acts, if_]
    });
    let rest = ["any other", "any", "any", "never"].map(str::to_owned).to_vec();
    Table {
        name: "authenticated",
        head: &["`eventType`", "`userIdentity.type`", "operations", "authenticated if"],
        rows: rows.chain([rest]).collect(),
    }
}

/// Whether the record proves that a resolved caller authenticated. `success` is that of the call.
pub(super) fn proves(top: &Top<'_>, caller: &Caller<'_>, success: Option<bool>) -> bool {
    let event_type = top.event_type.text().unwrap_or_default();
    let operation = top.event_name.text().unwrap_or_default();
    let service = top.event_source.text().unwrap_or_default();
    let kind = caller.kind();
    let sign_in = is_sign_in_service(top);
    ROWS.iter().any(|row| {
        let acts = match row.acts {
            Acts::Any => !sign_in,
            Acts::TokenExchange(operations) => service.starts_with("sts.") && operations.contains(&&*operation),
            Acts::SignIn => sign_in && ends_a_sign_in(&operation),
        };
        let proved = success == Some(true) || (row.or_denied && is_denied_after_the_signature(top));
        let is_of_type = event_type.is_empty() || row.event_types.contains(&&*event_type);
        acts && proved && is_of_type && row.callers.contains(&&*kind)
    })
}

/// Whether an `eventType` is one whose records may prove that the caller authenticated.
pub(crate) fn is_a_callers(event_type: &str) -> bool {
    matches!(event_type, "AwsApiCall" | "AwsConsoleAction" | "AwsConsoleSignIn")
}

/// Whether the success of this operation of the sign-in service is that of a sign-in, or comes after one.
pub(crate) fn ends_a_sign_in(operation: &str) -> bool {
    SIGNED_IN.contains(&operation)
}

fn is_denied_after_the_signature(top: &Top<'_>) -> bool {
    let code = top.error_code.text().unwrap_or_default();
    // A service may put its name and a dot before the code.
    let code = code.rsplit_once('.').map_or(&*code, |(_, code)| code);
    let lapsed = top.error_message.text().is_some_and(|message| message.contains(LAPSED));
    DENIED_AFTER_THE_SIGNATURE.contains(&code) && !lapsed
}
