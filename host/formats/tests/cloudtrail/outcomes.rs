//! How the caller was used, whether it authenticated, and how the call went.

use countersign_model::Value;
use countersign_model::vocabulary::FieldId;
use expect_test::expect;

use crate::{ROLE, USER, check_fields, event};

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
fn authentication_succeeded_where_a_key_signed_or_a_sign_in_ended_well() {
    let user = format!(r#""userIdentity":{{{USER}}}"#);
    let web = r#""userIdentity":{"type":"WebIdentityUser","principalId":"p:a:u","identityProvider":"p"},"eventSource":"sts.amazonaws.com","eventName":"AssumeRoleWithWebIdentity""#;
    let store_user = r#""type":"IdentityCenterUser","onBehalfOf":{"userId":"u-1","identityStoreArn":"arn:aws:identitystore::9:identitystore/d-1"}"#;
    for (members, authenticated) in [
        (user.clone(), true),
        (format!(r#"{user},"errorCode":"AccessDenied""#), true),
        (format!(r#"{user},"errorCode":"Client.UnauthorizedOperation""#), true),
        // A presigned address that lapsed, in whosever hands it is.
        (format!(r#"{user},"errorCode":"AccessDenied","errorMessage":"Request has expired""#), false),
        // Whether these come before the signature is checked depends on the service.
        (format!(r#"{user},"errorCode":"ThrottlingException""#), false),
        (format!(r#"{user},"errorCode":"ValidationError""#), false),
        (format!(r#"{user},"errorCode":"Client.AuthFailure""#), false),
        (format!(r#"{user},"errorCode":"InvalidClientTokenId""#), false),
        (format!(r#"{user},"errorCode":"SignatureDoesNotMatch""#), false),
        (format!(r#"{user},"errorCode":"NotAuthorizedException""#), false),
        (format!(r#"{user},"errorMessage":"no""#), false),
        (format!(r#"{user},"eventType":"AwsConsoleAction""#), true),
        // Taken away by a collector.
        (format!(r#"{user},"eventType":null"#), true),
        // What a service writes about a principal, a denial at an endpoint, and what isn't known.
        (format!(r#"{user},"eventType":"AwsServiceEvent""#), false),
        (format!(r#"{user},"eventType":"AwsVpceEvent","errorCode":"VpceAccessDenied""#), false),
        (format!(r#"{user},"eventType":"AwsSomethingNew""#), false),
        (web.to_owned(), true),
        (format!(r#"{web},"errorCode":"AccessDenied""#), false),
        (web.replace("AssumeRoleWithWebIdentity", "AssumeRole"), false),
        (web.replace("sts.", "cognito-identity."), false),
        (format!(r#""userIdentity":{{{store_user}}}"#), true),
        (format!(r#""userIdentity":{{{store_user}}},"errorCode":"UnauthorizedException""#), false),
        (
            r#""userIdentity":{"type":"AWSAccount","principalId":"","accountId":"ANONYMOUS_PRINCIPAL"}"#.to_owned(),
            false,
        ),
        (r#""userIdentity":{"type":"AWSAccount","principalId":"AIDAOTHER","accountId":"2"}"#.to_owned(), true),
        (r#""userIdentity":{"type":"Unknown","principalId":"x","accountId":"2"}"#.to_owned(), false),
        (r#""userIdentity":{"principalId":"AIDAOTHER","accountId":"2"}"#.to_owned(), false),
        (r#""userIdentity":{"type":"AWSService","invokedBy":"ec2.amazonaws.com"}"#.to_owned(), true),
        (
            r#""userIdentity":{"type":"AWSService","invokedBy":"ec2.amazonaws.com"},"eventType":"AwsServiceEvent""#
                .to_owned(),
            true,
        ),
    ] {
        assert_eq!(event(&members).actor.authenticated, authenticated, "{members}");
    }
}

#[test]
fn a_step_of_a_sign_in_is_no_success_and_authenticates_nobody() {
    let by = |identity: &str, kind: &str, operation: &str, rest: &str| {
        event(&format!(
            r#""userIdentity":{{{identity}}},"eventSource":"signin.amazonaws.com","eventType":"{kind}","eventName":"{operation}"{rest}"#
        ))
    };
    let root = r#""type":"Root","principalId":"999999999999","accountId":"999999999999""#;
    let store = r#""type":"IdentityCenterUser","onBehalfOf":{"userId":"u-1","identityStoreArn":"arn:aws:identitystore::9:identitystore/d-1"}"#;
    let unknown = r#""type":"Unknown","principalId":"999999999999","accountId":"999999999999","onBehalfOf":{"userId":"u-1","identityStoreArn":"arn:aws:identitystore::9:identitystore/d-1"}"#;
    let (console, portal) = ("AwsConsoleSignIn", "AwsServiceEvent");
    let said = |operation: &str, outcome: &str| format!(r#","responseElements":{{"{operation}":"{outcome}"}}"#);
    let detail = |operation: &str, outcome: &str| format!(r#","serviceEventDetails":{{"{operation}":"{outcome}"}}"#);
    for (identity, kind, operation, rest, success, authenticated) in [
        (USER, console, "ConsoleLogin", said("ConsoleLogin", "Success"), Some(1), true),
        (ROLE, console, "ConsoleLogin", said("ConsoleLogin", "Success"), Some(1), true),
        (USER, console, "ConsoleLogin", said("ConsoleLogin", "Failure"), Some(2), false),
        (
            USER,
            console,
            "ConsoleLogin",
            r#","errorMessage":"No username found in supplied account""#.into(),
            Some(2),
            false,
        ),
        (USER, console, "ConsoleLogin", String::new(), None, false),
        // Of another operation, in one's own name.
        (USER, console, "ConsoleLogin", said("CheckMfa", "Success"), None, false),
        (USER, console, "CheckMfa", said("CheckMfa", "Success"), None, false),
        (USER, console, "CheckMfa", said("CheckMfa", "Failure"), Some(2), false),
        (root, console, "PasswordRecoveryRequested", said("PasswordRecoveryRequested", "Success"), None, false),
        (root, console, "PasswordRecoveryCompleted", said("PasswordRecoveryCompleted", "Success"), None, false),
        (USER, console, "SwitchRole", said("SwitchRole", "Success"), Some(1), true),
        (USER, console, "SwitchRole", said("SwitchRole", "Failure"), Some(2), false),
        (store, portal, "CredentialChallenge", detail("CredentialChallenge", "Success"), None, false),
        // The first factor of perhaps two.
        (store, portal, "CredentialVerification", detail("CredentialVerification", "Success"), None, false),
        (store, portal, "CredentialVerification", detail("CredentialVerification", "Failure"), Some(2), false),
        (store, portal, "UserAuthentication", detail("UserAuthentication", "Success"), Some(1), true),
        (unknown, portal, "UserAuthentication", detail("UserAuthentication", "Success"), Some(1), true),
        (store, "AwsApiCall", "UserAuthentication", detail("UserAuthentication", "Success"), Some(1), false),
        (store, portal, "SomethingNew", detail("SomethingNew", "Success"), None, false),
    ] {
        let event = by(identity, kind, operation, &rest);
        let status = |field| match event.fields.get(field) {
            Some(Value::Unsigned(status)) => Some(*status),
            other => {
                assert_eq!(other, None);
                None
            }
        };
        assert!(event.actor.account.is_some(), "{identity}");
        assert_eq!(status(FieldId::StatusId), success, "{operation} {rest}");
        assert_eq!(status(FieldId::ActionId), success.filter(|status| *status == 1), "{operation} {rest}");
        assert_eq!(event.actor.authenticated, authenticated, "{operation} {rest}");
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

#[test]
fn a_sign_in_shows_its_factor() {
    let paths = &["status", "auth_factors"];
    check_fields(
        r#""eventSource":"signin.amazonaws.com","eventName":"CredentialVerification","serviceEventDetails":{"CredentialVerification":"Failure"},"additionalEventData":{"CredentialType":"TOTP"}"#,
        paths,
        expect![[r#"
            status_id = Unsigned(2)
            status_code = "Failure"
            auth_factors.factor_type = ["TOTP"]
        "#]],
    );
    check_fields(
        r#""eventSource":"signin.amazonaws.com","eventName":"CheckMfa","additionalEventData":{"CredentialType":7}"#,
        paths,
        expect![[r#"
            auth_factors.factor_type = WrongType
        "#]],
    );
    check_fields(
        r#""eventSource":"iam.amazonaws.com","eventName":"ListUsers","additionalEventData":{"CredentialType":"TOTP"}"#,
        paths,
        expect![[r#"
            status_id = Unsigned(1)
        "#]],
    );
}
