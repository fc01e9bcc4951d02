//! How the caller was used, whether it authenticated, and how the call went.

use expect_test::expect;

use crate::{USER, check_fields, event};

#[test]
fn usage_is_the_first_that_holds() {
    let user = format!(r#""userIdentity":{{{USER}}}"#);
    let invoked = format!(r#""userIdentity":{{{USER},"invokedBy":"AWS Internal"}}"#);
    for (members, expected) in [
        (user.clone(), "programmatic"),
        (format!(r#"{user},"sessionCredentialFromConsole":"true""#), "interactive"),
        (format!(r#"{user},"sessionCredentialFromConsole":true"#), "interactive"),
        (format!(r#"{user},"sessionCredentialFromConsole":"false""#), "programmatic"),
        (format!(r#"{user},"eventType":"AwsConsoleSignIn""#), "interactive"),
        (format!(r#"{user},"eventType":"AwsConsoleAction""#), "interactive"),
        (
            format!(
                r#"{user},"eventType":"AwsServiceEvent","eventSource":"signin.amazonaws.com","eventName":"UserAuthentication""#
            ),
            "interactive",
        ),
        (format!(r#"{invoked},"sessionCredentialFromConsole":"true""#), "delegated"),
    ] {
        assert_eq!(event(&members).actor.usage.id(), expected, "{members}");
    }
}

#[test]
fn authentication_succeeded_where_a_key_signed_or_a_sign_in_went_through() {
    let user = format!(r#""userIdentity":{{{USER}}}"#);
    let sign_in =
        |rest: &str| format!(r#"{user},"eventSource":"signin.amazonaws.com","eventType":"AwsConsoleSignIn",{rest}"#);
    let web = r#""userIdentity":{"type":"WebIdentityUser","principalId":"p:a:u","identityProvider":"p"},"eventSource":"sts.amazonaws.com","eventName":"AssumeRoleWithWebIdentity""#;
    for (members, authenticated) in [
        (user.clone(), true),
        (format!(r#"{user},"errorCode":"AccessDenied""#), true),
        (format!(r#"{user},"errorCode":"ThrottlingException""#), true),
        (format!(r#"{user},"errorCode":"Client.AuthFailure""#), false),
        (format!(r#"{user},"errorCode":"InvalidClientTokenId""#), false),
        (sign_in(r#""eventName":"ConsoleLogin","responseElements":{"ConsoleLogin":"Success"}"#), true),
        (
            sign_in(
                r#""eventName":"ConsoleLogin","responseElements":{"ConsoleLogin":"Failure"},"errorMessage":"Failed authentication""#,
            ),
            false,
        ),
        (
            sign_in(
                r#""eventName":"ConsoleLogin","responseElements":null,"errorMessage":"No username found in supplied account""#,
            ),
            false,
        ),
        (
            sign_in(
                r#""eventName":"CredentialVerification","serviceEventDetails":{"CredentialVerification":"Failure"}"#,
            ),
            false,
        ),
        (sign_in(r#""eventName":"CheckMfa","responseElements":{"CheckMfa":"Success"}"#), true),
        (sign_in(r#""eventName":"SwitchRole","responseElements":{"SwitchRole":"Failure"}"#), true),
        (web.to_owned(), true),
        (format!(r#"{web},"errorCode":"AccessDenied""#), false),
        (
            r#""userIdentity":{"type":"AWSAccount","principalId":"","accountId":"ANONYMOUS_PRINCIPAL"}"#.to_owned(),
            false,
        ),
        (r#""userIdentity":{"type":"AWSService","invokedBy":"ec2.amazonaws.com"}"#.to_owned(), true),
    ] {
        assert_eq!(event(&members).actor.authenticated, authenticated, "{members}");
    }
}

#[test]
fn outcomes() {
    let paths = &["status", "action_id", "api.response", "is_mfa"];
    check_fields(
        "",
        paths,
        expect![[r#"
        status_id = Unsigned(1)
        action_id = Unsigned(1)
    "#]],
    );
    check_fields(
        r#""errorCode":"Client.UnauthorizedOperation","errorMessage":"no""#,
        paths,
        expect![[r#"
        status_id = Unsigned(2)
        status_code = "Client.UnauthorizedOperation"
        status_detail = "no"
        action_id = Unsigned(2)
        api.response.error = "Client.UnauthorizedOperation"
        api.response.message = "no"
    "#]],
    );
    check_fields(
        r#""errorCode":"ThrottlingException","errorMessage":"Rate exceeded""#,
        paths,
        expect![[r#"
        status_id = Unsigned(2)
        status_code = "ThrottlingException"
        status_detail = "Rate exceeded"
        api.response.error = "ThrottlingException"
        api.response.message = "Rate exceeded"
    "#]],
    );
    check_fields(
        r#""eventSource":"signin.amazonaws.com","eventName":"ConsoleLogin","errorMessage":"Failed authentication",
           "responseElements":{"ConsoleLogin":"Failure"},"additionalEventData":{"MFAUsed":"Yes"}"#,
        paths,
        expect![[r#"
            status_id = Unsigned(2)
            status_code = "Failure"
            status_detail = "Failed authentication"
            is_mfa = Boolean(true)
            api.response.data = {"ConsoleLogin":"Failure"}
            api.response.message = "Failed authentication"
        "#]],
    );
    check_fields(
        r#""eventSource":"signin.amazonaws.com","eventName":"ConsoleLogin","responseElements":{"ConsoleLogin":"Success"},"additionalEventData":{"MFAUsed":"No"}"#,
        paths,
        expect![[r#"
            status_id = Unsigned(1)
            status_code = "Success"
            action_id = Unsigned(1)
            is_mfa = Boolean(false)
            api.response.data = {"ConsoleLogin":"Success"}
        "#]],
    );
    check_fields(
        r#""userIdentity":{"sessionContext":{"attributes":{"mfaAuthenticated":"true"}}}"#,
        paths,
        expect![[r#"
            status_id = Unsigned(1)
            action_id = Unsigned(1)
            is_mfa = Boolean(true)
        "#]],
    );
}
