//! Console sign-ins, with and without a second factor.

use super::caller::Caller;
use super::{Call, Failure};
use crate::estate::CloudAccount;
use crate::json::{Json, object};

/// A console sign-in by a caller with password and, or without, a second factor.
pub(crate) fn console_login(mfa: bool) -> Call {
    sign_in("ConsoleLogin", object! { "ConsoleLogin" => "Success" }).additional(object! {
        "LoginTo" => "https://console.aws.amazon.com/console/home",
        "MobileVersion" => "No",
        "MFAUsed" => if mfa { "Yes" } else { "No" },
    })
}

/// A console sign-in with a wrong password.
pub(crate) fn failed_login(mfa: bool) -> Call {
    let mut call = console_login(mfa);
    // The provider gives this failure a message and no code.
    call.failure = Some(Failure { code: None, message: "Failed authentication".to_owned() });
    call.response(object! { "ConsoleLogin" => "Failure" })
}

/// A sign-in with a name that isn't a user's; the record hides what was typed, since it may be a password.
pub(crate) fn unknown_user() -> Call {
    let mut call = failed_login(false);
    call.failure = Some(Failure { code: None, message: "No username found in supplied account".to_owned() });
    call
}

/// The caller of [`unknown_user`], who isn't known.
pub(crate) fn unknown_caller(caller: &Caller, account: &CloudAccount) -> Caller {
    let user_identity = object! {
        "type" => "IAMUser",
        "accountId" => &account.id,
        "accessKeyId" => "",
        "userName" => "HIDDEN_DUE_TO_SECURITY_REASONS",
    };
    Caller { user_identity, from_console: false, ..caller.clone() }
}

/// The question for the second factor, answered.
pub(crate) fn check_mfa() -> Call {
    sign_in("CheckMfa", object! { "CheckMfa" => "Success" }).additional(object! { "MfaType" => "Virtual MFA" })
}

/// The caller as sign-in records show it: before there is a session or a key.
pub(crate) fn before_session(caller: &Caller) -> Caller {
    let mut caller = caller.clone();
    if let Json::Object(members) = &mut caller.user_identity {
        members.retain(|(key, _)| !matches!(*key, "accessKeyId" | "sessionContext"));
    }
    caller.from_console = false;
    caller
}

fn sign_in(operation: &'static str, response: Json) -> Call {
    Call { event_type: "AwsConsoleSignIn", ..Call::write("signin", operation).response(response) }
}
