//! What a record becomes: raw JSON in, a summary of the event out. One test a concern, one case a rule.
#![expect(clippy::unwrap_used, clippy::panic, reason = "helpers of tests, which clippy takes for other code")]

use std::io::Cursor;

use countersign_model::vocabulary::FieldId;
use countersign_model::{ChainMember, Event, Value};
use countersign_sources::{CloudTrail, Record, Source};
use expect_test::{Expect, expect};

/// The events of records that have these members beside a time, a name and a recipient.
fn event(members: &str) -> Box<Event> {
    let base = r#""eventID":"id","eventTime":"2024-05-01T10:00:00Z","recipientAccountId":"999999999999""#;
    let name = if members.contains("\"eventName\"") { "" } else { r#","eventName":"ListThings""# };
    let comma = if members.is_empty() { "" } else { "," };
    let line = format!("{{{base}{name}{comma}{}}}", members.replace('\n', " "));
    match CloudTrail.read(Box::new(Cursor::new(line)), 0).unwrap().next() {
        Some(Record::Event { event, .. }) => event,
        other => panic!("{other:?}"),
    }
}

fn identity(identity: &str) -> Box<Event> {
    event(&format!(r#""userIdentity":{{{identity}}}"#))
}

fn member(member: &ChainMember) -> String {
    let mut text = format!("{:?}", member.role).to_lowercase();
    text.push_str(&format!(" {}", member.account.as_ref().map_or("?".to_owned(), ToString::to_string)));
    if let Some(name) = &member.name {
        text.push_str(&format!(" `{name}`"));
    }
    if let Some(proved) = member.proved_type {
        text.push_str(&format!(" {proved}"));
    }
    for (flag, word) in [(member.shared, " shared"), (member.protected, " protected")] {
        text.push_str(if flag { word } else { "" });
    }
    text
}

fn actor(event: &Event) -> String {
    let actor = &event.actor;
    let mut text = format!(
        "{} {}{}\n",
        actor.account.as_ref().map_or("unresolved".to_owned(), ToString::to_string),
        actor.usage,
        if actor.authenticated { "" } else { ", not authenticated" }
    );
    for (name, value) in [("session", &actor.session), ("token", &actor.token), ("grant", &actor.grant)] {
        if let Some(value) = value {
            text.push_str(&format!("  {name} {value}\n"));
        }
    }
    for part in &event.chain {
        text.push_str(&format!("  {}\n", member(part)));
    }
    text
}

fn fields(event: &Event, prefixes: &[&str]) -> String {
    let mut text = String::new();
    for (field, value) in event.fields.iter() {
        if prefixes.iter().any(|prefix| field.path.starts_with(prefix)) {
            let value = match value {
                Value::Text(text) => format!("{text:?}"),
                Value::Json(json) => json.to_string(),
                Value::TextList(texts) => format!("{texts:?}"),
                other => format!("{other:?}"),
            };
            text.push_str(&format!("  {} = {value}\n", field.path));
        }
    }
    text
}

fn acted_on(event: &Event) -> String {
    let target = event.target.as_ref().map_or("no target".to_owned(), |target| {
        let proved = target.proved_type.map_or(String::new(), |proved| format!(" {proved}"));
        let token = target.token.as_ref().map_or(String::new(), |token| format!(" token {token}"));
        format!("{}{proved}{}{token}", target.account, if target.shared { " shared" } else { "" })
    });
    format!("{} {target}\n{}", event.class, fields(event, &["user.", "group.", "policy.", "session.", "resources."]))
}

fn check_actor(text: &str, expected: Expect) {
    expected.assert_eq(&actor(&identity(text)));
}

fn check_acted(members: &str, expected: Expect) {
    expected.assert_eq(&acted_on(&event(members)));
}

fn check_fields(members: &str, prefixes: &[&str], expected: Expect) {
    expected.assert_eq(&fields(&event(members), prefixes));
}

const USER: &str = r#""type":"IAMUser","principalId":"AIDAALICE","arn":"arn:aws:iam::999999999999:user/alice","accountId":"999999999999","accessKeyId":"AKIA1","userName":"alice""#;
const ROLE: &str = r#""type":"AssumedRole","principalId":"AROADEPLOY:session","arn":"arn:aws:sts::999999999999:assumed-role/deploy/session","accountId":"999999999999","accessKeyId":"ASIA1""#;
const ISSUER: &str = r#""sessionIssuer":{"type":"Role","principalId":"AROADEPLOY","arn":"arn:aws:iam::999999999999:role/deploy","accountId":"999999999999","userName":"deploy"}"#;

#[test]
fn accounts_by_record_type() {
    check_actor(
        USER,
        expect![[r#"
        aws:999999999999:AIDAALICE programmatic
          token AKIA1
          initiator aws:999999999999:AIDAALICE `alice`
    "#]],
    );
    check_actor(
        &format!(r#"{ROLE},"sessionContext":{{{ISSUER}}}"#),
        expect![[r#"
        aws:999999999999:AROADEPLOY programmatic
          session AROADEPLOY:session
          token ASIA1
          grant arn:aws:iam::999999999999:role/deploy
          initiator aws:999999999999:AROADEPLOY `deploy` shared
    "#]],
    );
    check_actor(
        r#""type":"Root","principalId":"111111111111","arn":"arn:aws:iam::111111111111:root","accountId":"111111111111""#,
        expect![[r#"
            aws:111111111111:111111111111 programmatic
              initiator aws:111111111111:111111111111 `arn:aws:iam::111111111111:root` human protected
        "#]],
    );
    // The principal's own account, not the recipient's.
    check_actor(
        r#""type":"AWSAccount","principalId":"AROAOTHER:me","accountId":"222222222222""#,
        expect![[r#"
        aws:222222222222:AROAOTHER programmatic
          session AROAOTHER:me
          initiator aws:222222222222:AROAOTHER shared
    "#]],
    );
    check_actor(
        r#""type":"AWSAccount","principalId":"AIDAOTHER","accountId":"222222222222""#,
        expect![[r#"
        aws:222222222222:AIDAOTHER programmatic
          initiator aws:222222222222:AIDAOTHER
    "#]],
    );
    check_actor(
        r#""type":"FederatedUser","principalId":"999999999999:bob","arn":"arn:aws:sts::999999999999:federated-user/bob","accountId":"999999999999",
           "sessionContext":{"sessionIssuer":{"type":"IAMUser","principalId":"AIDAALICE","accountId":"999999999999","userName":"alice"}}"#,
        expect![[r#"
            aws:999999999999:999999999999%3Abob programmatic
              session 999999999999:bob
              initiator aws:999999999999:AIDAALICE `alice`
              executor aws:999999999999:999999999999%3Abob `arn:aws:sts::999999999999:federated-user/bob`
        "#]],
    );
    check_actor(
        r#""type":"FederatedUser","principalId":"999999999999:bob","accountId":"999999999999",
           "sessionContext":{"sessionIssuer":{"type":"Root","principalId":"999999999999","accountId":"999999999999"}}"#,
        expect![[r#"
            aws:999999999999:999999999999%3Abob programmatic
              session 999999999999:bob
              initiator aws:999999999999:999999999999 human protected
              executor aws:999999999999:999999999999%3Abob
        "#]],
    );
    check_actor(
        r#""type":"WebIdentityUser","principalId":"accounts.google.com:app:42","userName":"42","identityProvider":"accounts.google.com""#,
        expect![[r#"
            aws:accounts.google.com:app%3A42 programmatic
              session accounts.google.com:app:42
              initiator aws:accounts.google.com:app%3A42 `42`
        "#]],
    );
    check_actor(
        r#""type":"SAMLUser","principalId":"bdGO=:jdoe","userName":"jdoe","identityProvider":"bdGO=""#,
        expect![[r#"
            aws:bdGO=:jdoe programmatic
              session bdGO=:jdoe
              initiator aws:bdGO=:jdoe `jdoe`
        "#]],
    );
    check_actor(
        r#""type":"IdentityCenterUser","accountId":"999999999999","onBehalfOf":{"userId":"544894e8","identityStoreArn":"arn:aws:identitystore::999999999999:identitystore/d-9067"},"credentialId":"c""#,
        expect![[r#"
            aws:d-9067:544894e8 programmatic
              initiator aws:d-9067:544894e8
        "#]],
    );
    check_actor(
        r#""type":"AWSService","invokedBy":"ec2.amazonaws.com""#,
        expect![[r#"
        aws:aws:ec2.amazonaws.com delegated
          initiator aws:aws:ec2.amazonaws.com `ec2.amazonaws.com` workload
    "#]],
    );
    check_actor(
        r#""type":"Directory","principalId":"dir-user","accountId":"999999999999""#,
        expect![[r#"
        aws:999999999999:dir-user programmatic
          initiator aws:999999999999:dir-user
    "#]],
    );
    // Left out, the account is the one in the principal's ARN.
    check_actor(
        r#""type":"AssumedRole","principalId":"AROADEPLOY:s","arn":"arn:aws:sts::333333333333:assumed-role/deploy/s""#,
        expect![[r#"
            aws:333333333333:AROADEPLOY programmatic
              session AROADEPLOY:s
              initiator aws:333333333333:AROADEPLOY `arn:aws:sts::333333333333:assumed-role/deploy/s` shared
        "#]],
    );
}

#[test]
fn without_a_principal_id_nobody_is_known() {
    check_actor(
        r#""accountId":"999999999999","invokedBy":"secretsmanager.amazonaws.com""#,
        expect![[r#"
        unresolved delegated, not authenticated
          initiator ?
          executor aws:aws:secretsmanager.amazonaws.com `secretsmanager.amazonaws.com` workload
    "#]],
    );
    check_actor(
        r#""type":"AWSAccount","principalId":"","accountId":"ANONYMOUS_PRINCIPAL""#,
        expect![[r#"
        unresolved programmatic, not authenticated
          initiator ?
    "#]],
    );
    check_actor(
        r#""type":"IAMUser","accountId":"999999999999","userName":"HIDDEN_DUE_TO_SECURITY_REASONS","accessKeyId":"""#,
        expect![[r#"
            unresolved programmatic, not authenticated
              initiator ? `HIDDEN_DUE_TO_SECURITY_REASONS`
        "#]],
    );
    check_actor(
        r#""type":"AWSService""#,
        expect![[r#"
        unresolved programmatic, not authenticated
          initiator ? workload
    "#]],
    );
    check_actor(
        "",
        expect![[r#"
        unresolved programmatic, not authenticated
          initiator ?
    "#]],
    );
    for odd in
        [r#""userIdentity":null"#, r#""userIdentity":"root""#, r#""userIdentity":{"type":7,"principalId":["x"]}"#, ""]
    {
        assert_eq!(event(odd).actor.account, None, "{odd}");
    }
}

#[test]
fn types_only_where_the_record_proves_them() {
    let role = |context: &str| {
        let event = identity(&format!(r#"{ROLE},"sessionContext":{{{context}}}"#));
        event.chain.first().and_then(|member| member.proved_type).map_or("none", |proved| proved.id())
    };
    let issued = |arn: &str| role(&format!(r#""sessionIssuer":{{"arn":"{arn}"}}"#));
    for (arn, expected) in [
        ("arn:aws:iam::9:role/aws-service-role/inspector2.amazonaws.com/AWSServiceRoleForAmazonInspector2", "workload"),
        ("arn:aws:iam::9:role/aws-reserved/sso.amazonaws.com/AWSReservedSSO_Admin_0123", "human"),
        ("arn:aws:iam::9:role/aws-reserved/sso.amazonaws.com/eu-west-1/AWSReservedSSO_Admin_0123", "human"),
        ("arn:aws-cn:iam::9:role/aws-service-role/rds.amazonaws.com/AWSServiceRoleForRDS", "workload"),
        // Anybody can name a role so; only the path is AWS's alone.
        ("arn:aws:iam::9:role/AWSReservedSSO_Admin_0123", "none"),
        ("arn:aws:iam::9:role/AWSServiceRoleForRDS", "none"),
        ("arn:aws:iam::9:role/x/aws-service-role/AWSServiceRoleForRDS", "none"),
        ("arn:aws:iam::9:role/deploy", "none"),
    ] {
        assert_eq!(issued(arn), expected, "{arn}");
    }
    assert_eq!(role(r#""ec2RoleDelivery":"2.0""#), "workload");
    assert_eq!(role(r#""attributes":{}"#), "none");
}

#[test]
fn instances_are_named_only_where_their_credentials_are_proved() {
    let instance =
        |identity_members: &str| identity(identity_members).fields.text(FieldId::DeviceInstanceUid).map(str::to_owned);
    let role = ROLE.replace(":session\"", ":i-0abc\"");
    assert_eq!(instance(&format!(r#"{role},"sessionContext":{{"ec2RoleDelivery":"2.0"}}"#)), Some("i-0abc".to_owned()));
    // Whoever assumes a role chooses the session's name.
    assert_eq!(instance(&role), None);
    assert_eq!(instance(&format!(r#"{ROLE},"sessionContext":{{"ec2RoleDelivery":"2.0"}}"#)), None);
    let scope = r#""inScopeOf":{"issuerType":"AWS::EC2::Instance","credentialsIssuedTo":"arn:aws:ec2:eu-west-1:9:instance/i-0def"}"#;
    assert_eq!(instance(&format!("{ROLE},{scope}")), Some("i-0def".to_owned()));
    check_actor(
        &format!(r#"{ROLE},"inScopeOf":{{"issuerType":"AWS::Lambda::Function","credentialsIssuedTo":"arn:f"}}"#),
        expect![[r#"
            aws:999999999999:AROADEPLOY programmatic
              session AROADEPLOY:session
              token ASIA1
              initiator aws:999999999999:AROADEPLOY `arn:aws:sts::999999999999:assumed-role/deploy/session` workload shared
        "#]],
    );
}

#[test]
fn chains_name_everyone_who_took_part() {
    check_actor(
        &format!(r#"{USER},"invokedBy":"health.amazonaws.com""#),
        expect![[r#"
        aws:999999999999:AIDAALICE delegated
          token AKIA1
          initiator aws:999999999999:AIDAALICE `alice`
          executor aws:aws:health.amazonaws.com `health.amazonaws.com` workload
    "#]],
    );
    check_actor(
        &format!(
            r#"{ROLE},"invokedBy":"AWS Internal","sessionContext":{{{ISSUER},"sourceIdentity":"alice@example.com"}}"#
        ),
        expect![[r#"
            aws:999999999999:AROADEPLOY delegated
              session AROADEPLOY:session
              token ASIA1
              grant arn:aws:iam::999999999999:role/deploy
              initiator ? `alice@example.com`
              delegate aws:999999999999:AROADEPLOY `deploy` shared
              executor aws:aws:AWS Internal `AWS Internal` workload
        "#]],
    );
    check_actor(
        &format!(
            r#"{ROLE},"sessionContext":{{{ISSUER},"webIdFederationData":{{"federatedProvider":"arn:aws:iam::9:oidc-provider/token.example"}}}}"#
        ),
        expect![[r#"
            aws:999999999999:AROADEPLOY programmatic
              session AROADEPLOY:session
              token ASIA1
              grant arn:aws:iam::999999999999:role/deploy
              initiator ? `arn:aws:iam::9:oidc-provider/token.example` shared
              executor aws:999999999999:AROADEPLOY `deploy` shared
        "#]],
    );
    check_actor(
        &format!(
            r#"{ROLE},"sessionContext":{{{ISSUER}}},"onBehalfOf":{{"userId":"544894e8","identityStoreArn":"arn:aws:identitystore::9:identitystore/d-9067"}}"#
        ),
        expect![[r#"
            aws:999999999999:AROADEPLOY delegated
              session AROADEPLOY:session
              token ASIA1
              grant arn:aws:iam::999999999999:role/deploy
              initiator aws:d-9067:544894e8 `544894e8`
              executor aws:999999999999:AROADEPLOY `deploy` shared
        "#]],
    );
}

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

#[test]
fn targets_are_proved_by_an_immutable_id_or_are_the_caller() {
    let iam = |name: &str, rest: &str| {
        format!(r#""userIdentity":{{{USER}}},"eventSource":"iam.amazonaws.com","eventName":"{name}",{rest}"#)
    };
    check_acted(
        &iam(
            "CreateUser",
            r#""requestParameters":{"userName":"bob"},"responseElements":{"user":{"userId":"AIDABOB","arn":"arn:aws:iam::999999999999:user/bob","userName":"bob"}}"#,
        ),
        expect![[r#"
            account-change aws:999999999999:AIDABOB
              user.uid = "AIDABOB"
              user.uid_alt = "arn:aws:iam::999999999999:user/bob"
              user.name = "bob"
              user.type = "User"
        "#]],
    );
    check_acted(
        &iam(
            "CreateRole",
            r#""requestParameters":{"roleName":"r"},"responseElements":{"role":{"roleId":"AROAR","arn":"arn:aws:iam::999999999999:role/r"}}"#,
        ),
        expect![[r#"
            user-access aws:999999999999:AROAR shared
              user.uid = "AROAR"
              user.uid_alt = "arn:aws:iam::999999999999:role/r"
              user.name = "r"
              user.type = "Role"
        "#]],
    );
    check_acted(
        &iam(
            "CreateServiceLinkedRole",
            r#""requestParameters":{"aWSServiceName":"x"},"responseElements":{"role":{"roleId":"AROAS","arn":"arn:aws:iam::999999999999:role/aws-service-role/x.amazonaws.com/AWSServiceRoleForX"}}"#,
        ),
        expect![[r#"
            user-access aws:999999999999:AROAS workload shared
              user.uid = "AROAS"
              user.uid_alt = "arn:aws:iam::999999999999:role/aws-service-role/x.amazonaws.com/AWSServiceRoleForX"
              user.name = "AWSServiceRoleForX"
              user.type = "Role"
        "#]],
    );
    // A name proves nothing.
    check_acted(
        &iam(
            "CreateAccessKey",
            r#""requestParameters":{"userName":"bob"},"responseElements":{"accessKey":{"accessKeyId":"AKIABOB","userName":"bob"}}"#,
        ),
        expect![[r#"
            account-change no target
              user.name = "bob"
              user.type = "User"
              user.credential_uid = "AKIABOB"
        "#]],
    );
    // No name, or the caller's own: the caller.
    check_acted(
        &iam("CreateAccessKey", r#""requestParameters":null,"responseElements":{"accessKey":{"accessKeyId":"AKIA2"}}"#),
        expect![[r#"
            account-change aws:999999999999:AIDAALICE token AKIA2
              user.uid = "AIDAALICE"
              user.uid_alt = "arn:aws:iam::999999999999:user/alice"
              user.name = "alice"
              user.type = "User"
              user.credential_uid = "AKIA2"
        "#]],
    );
    check_acted(
        &iam(
            "UpdateAccessKey",
            r#""requestParameters":{"userName":"alice","accessKeyId":"AKIA1","status":"Inactive"}"#,
        ),
        expect![[r#"
            account-change aws:999999999999:AIDAALICE token AKIA1
              user.uid = "AIDAALICE"
              user.uid_alt = "arn:aws:iam::999999999999:user/alice"
              user.name = "alice"
              user.type = "User"
              user.credential_uid = "AKIA1"
        "#]],
    );
    check_acted(
        &iam(
            "AttachUserPolicy",
            r#""requestParameters":{"userName":"alice","policyArn":"arn:aws:iam::aws:policy/AdministratorAccess"}"#,
        ),
        expect![[r#"
            user-access aws:999999999999:AIDAALICE
              user.uid = "AIDAALICE"
              user.uid_alt = "arn:aws:iam::999999999999:user/alice"
              user.name = "alice"
              user.type = "User"
              policy.uid = "arn:aws:iam::aws:policy/AdministratorAccess"
              policy.name = "AdministratorAccess"
        "#]],
    );
    check_acted(
        &iam("PutUserPolicy", r#""requestParameters":{"userName":"bob","policyName":"p"}"#),
        expect![[r#"
        user-access no target
          user.name = "bob"
          user.type = "User"
          policy.name = "p"
    "#]],
    );
    check_acted(
        &iam("DeactivateMFADevice", r#""requestParameters":{"serialNumber":"arn:aws:iam::9:mfa/alice"}"#),
        expect![[r#"
            account-change aws:999999999999:AIDAALICE token arn:aws:iam::9:mfa/alice
              user.uid = "AIDAALICE"
              user.uid_alt = "arn:aws:iam::999999999999:user/alice"
              user.name = "alice"
              user.type = "User"
              user.credential_uid = "arn:aws:iam::9:mfa/alice"
        "#]],
    );
    check_acted(
        &iam("AddUserToGroup", r#""requestParameters":{"userName":"bob","groupName":"admins"}"#),
        expect![[r#"
            group-management no target
              user.name = "bob"
              user.type = "User"
              group.name = "admins"
        "#]],
    );
    // A name of another type is no name left out.
    check_acted(
        &iam("CreateAccessKey", r#""requestParameters":{"userName":["bob"]}"#),
        expect![[r#"
        account-change no target
          user.name = WrongType
    "#]],
    );
    // The caller's own role; and a user who merely has the same name in another account.
    check_acted(
        &format!(
            r#""userIdentity":{{{ROLE},"sessionContext":{{{ISSUER}}}}},"eventSource":"iam.amazonaws.com","eventName":"AttachRolePolicy",
               "requestParameters":{{"roleName":"deploy","policyArn":"arn:aws:iam::aws:policy/AdministratorAccess"}}"#
        ),
        expect![[r#"
            user-access aws:999999999999:AROADEPLOY shared
              user.uid = "AROADEPLOY"
              user.uid_alt = "arn:aws:iam::999999999999:role/deploy"
              user.name = "deploy"
              user.type = "Role"
              policy.uid = "arn:aws:iam::aws:policy/AdministratorAccess"
              policy.name = "AdministratorAccess"
        "#]],
    );
    check_acted(
        &iam("PutUserPolicy", r#""requestParameters":{"userName":"alice"}"#)
            .replace(r#""accountId":"999999999999""#, r#""accountId":"222222222222""#),
        expect![[r#"
            user-access no target
              user.name = "alice"
              user.type = "User"
        "#]],
    );
    // Reads act on nobody.
    check_acted(
        &iam("GetUser", r#""requestParameters":{"userName":"bob"}"#),
        expect![[r#"
        api-activity no target
    "#]],
    );
}

#[test]
fn sessions_that_sts_opens() {
    let sts = |name: &str, rest: &str| {
        format!(r#""userIdentity":{{{USER}}},"eventSource":"sts.amazonaws.com","eventName":"{name}",{rest}"#)
    };
    check_acted(
        &sts(
            "AssumeRole",
            r#""requestParameters":{"roleArn":"arn:aws:iam::222222222222:role/path/ops","roleSessionName":"s"},
               "responseElements":{"credentials":{"accessKeyId":"ASIA9"},"assumedRoleUser":{"assumedRoleId":"AROAOPS:s","arn":"arn:aws:sts::222222222222:assumed-role/ops/s"}},
               "resources":[{"ARN":"arn:aws:iam::222222222222:role/path/ops","accountId":"222222222222"}]"#,
        ),
        expect![[r#"
            authentication aws:222222222222:AROAOPS shared token ASIA9
              user.uid = "AROAOPS"
              user.uid_alt = "arn:aws:iam::222222222222:role/path/ops"
              user.name = "ops"
              user.type = "Role"
              user.credential_uid = "ASIA9"
              resources.uid = ["arn:aws:iam::222222222222:role/path/ops"]
              session.uid = "AROAOPS:s"
              session.credential_uid = "ASIA9"
        "#]],
    );
    check_acted(
        &sts(
            "AssumeRole",
            r#""requestParameters":{"roleArn":"arn:aws:iam::222222222222:role/ops"},"responseElements":null,"errorCode":"AccessDenied""#,
        ),
        expect![[r#"
            authentication no target
              user.uid_alt = "arn:aws:iam::222222222222:role/ops"
              user.name = "ops"
              user.type = "Role"
        "#]],
    );
    check_acted(
        &sts(
            "GetFederationToken",
            r#""requestParameters":{"name":"bob"},"responseElements":{"credentials":{"accessKeyId":"ASIA8"},"federatedUser":{"federatedUserId":"999999999999:bob","arn":"arn:aws:sts::999999999999:federated-user/bob"}}"#,
        ),
        expect![[r#"
            authentication aws:999999999999:999999999999%3Abob token ASIA8
              user.uid = "999999999999:bob"
              user.uid_alt = "arn:aws:sts::999999999999:federated-user/bob"
              user.type = "User"
              user.credential_uid = "ASIA8"
              session.uid = "999999999999:bob"
              session.credential_uid = "ASIA8"
        "#]],
    );
    check_acted(
        &sts("GetSessionToken", r#""responseElements":{"credentials":{"accessKeyId":"ASIA7"}}"#),
        expect![[r#"
            authentication aws:999999999999:AIDAALICE token ASIA7
              user.uid = "AIDAALICE"
              user.uid_alt = "arn:aws:iam::999999999999:user/alice"
              user.name = "alice"
              user.type = "User"
              user.credential_uid = "ASIA7"
              session.credential_uid = "ASIA7"
        "#]],
    );
    check_acted(
        &sts("GetCallerIdentity", r#""responseElements":null"#),
        expect![[r#"
        authentication no target
    "#]],
    );
}

#[test]
fn directory_users_and_groups() {
    check_acted(
        r#""eventSource":"identitystore.amazonaws.com","eventName":"CreateUser","requestParameters":{"identityStoreId":"d-9067","userName":"HIDDEN"},"responseElements":{"userId":"u-1"}"#,
        expect![[r#"
            account-change aws:d-9067:u-1
              user.uid = "u-1"
              user.name = "HIDDEN"
              user.type = "User"
        "#]],
    );
    check_acted(
        r#""eventSource":"identitystore.amazonaws.com","eventName":"CreateGroupMembership","requestParameters":{"identityStoreId":"d-9067","groupId":"g-1","memberId":{"userId":"u-1"}}"#,
        expect![[r#"
            group-management aws:d-9067:u-1
              user.uid = "u-1"
              user.type = "User"
              group.uid = "g-1"
        "#]],
    );
}

#[test]
fn every_field_of_a_full_record() {
    let members = format!(
        r#""eventVersion":"1.09","userIdentity":{{{ROLE},"sessionContext":{{{ISSUER},"attributes":{{"creationDate":"2024-05-01T09:00:00Z","mfaAuthenticated":"false"}},
           "webIdFederationData":{{"federatedProvider":"token.example"}}}}}},"eventSource":"s3.amazonaws.com","eventName":"GetObject","awsRegion":"eu-west-1",
           "sourceIPAddress":"2001:db8::1","userAgent":"curl \"8\"","requestParameters":{{"bucketName":"b"}},"responseElements":{{"x":[1, 2]}},"requestID":"r-1",
           "eventType":"AwsApiCall","resources":[{{"ARN":"arn:1"}},{{"type":"t"}},{{"arn":"arn:2"}}],"readOnly":true,"tlsDetails":{{"tlsVersion":"TLSv1.3"}},"odd\"name":null"#
    );
    let event = event(&members);
    expect![[r#"
          metadata.uid = "id"
          metadata.event_code = "AwsApiCall"
          metadata.product.name = "CloudTrail"
          class_uid = Unsigned(6003)
          status_id = Unsigned(1)
          action_id = Unsigned(1)
          is_mfa = Boolean(false)
          cloud.provider = "AWS"
          cloud.account.uid = "999999999999"
          cloud.region = "eu-west-1"
          api.operation = "GetObject"
          api.service.name = "s3.amazonaws.com"
          api.request.uid = "r-1"
          api.request.data = {"bucketName":"b"}
          api.response.data = {"x":[1, 2]}
          actor.user.uid = "AROADEPLOY"
          actor.user.uid_alt = "arn:aws:sts::999999999999:assumed-role/deploy/session"
          actor.user.name = "deploy"
          actor.user.type = "AssumedRole"
          actor.user.account.uid = "999999999999"
          actor.user.credential_uid = "ASIA1"
          actor.session.uid = "AROADEPLOY:session"
          actor.session.issuer = "arn:aws:iam::999999999999:role/deploy"
          actor.session.is_mfa = Boolean(false)
          actor.session.created_time = Timestamp(1714554000000000)
          actor.idp.name = "token.example"
          resources.uid = ["arn:1", "arn:2"]
          src_endpoint.ip = Address(2001:db8::1)
          http_request.user_agent = "curl \"8\""
          unmapped = {"eventVersion":"1.09","readOnly":true,"tlsDetails":{"tlsVersion":"TLSv1.3"},"odd\"name":null}
          raw_data = {"eventID":"id","eventTime":"2024-05-01T10:00:00Z","recipientAccountId":"999999999999","eventVersion":"1.09","userIdentity":{"type":"AssumedRole","principalId":"AROADEPLOY:session","arn":"arn:aws:sts::999999999999:assumed-role/deploy/session","accountId":"999999999999","accessKeyId":"ASIA1","sessionContext":{"sessionIssuer":{"type":"Role","principalId":"AROADEPLOY","arn":"arn:aws:iam::999999999999:role/deploy","accountId":"999999999999","userName":"deploy"},"attributes":{"creationDate":"2024-05-01T09:00:00Z","mfaAuthenticated":"false"},            "webIdFederationData":{"federatedProvider":"token.example"}}},"eventSource":"s3.amazonaws.com","eventName":"GetObject","awsRegion":"eu-west-1",            "sourceIPAddress":"2001:db8::1","userAgent":"curl \"8\"","requestParameters":{"bucketName":"b"},"responseElements":{"x":[1, 2]},"requestID":"r-1",            "eventType":"AwsApiCall","resources":[{"ARN":"arn:1"},{"type":"t"},{"arn":"arn:2"}],"readOnly":true,"tlsDetails":{"tlsVersion":"TLSv1.3"},"odd\"name":null}
    "#]].assert_eq(&fields(&event, &[""]));
    let raw = event.fields.get(FieldId::RawData).cloned();
    assert!(matches!(raw, Some(Value::Json(raw)) if countersign_model::Digest::of(raw.as_bytes()) == event.raw.digest));
    assert_eq!((&*event.tenant, event.source, &*event.id), ("999999999999", "cloudtrail", "id"));
}

#[test]
fn another_json_type_is_a_wrong_type_and_no_dead_letter() {
    check_fields(
        r#""userIdentity":{"type":1,"principalId":{},"arn":[],"accountId":9,"accessKeyId":true,"userName":1.5,"invokedBy":{},"sessionContext":{"attributes":{"mfaAuthenticated":"maybe","creationDate":5}}},
           "eventSource":5,"awsRegion":[],"sourceIPAddress":7,"userAgent":false,"errorCode":1,"errorMessage":{},"requestID":1,"eventType":2,"resources":"none","recipientAccountId":3"#,
        &["a", "c", "h", "m", "r", "s"],
        expect![[r#"
              metadata.uid = "id"
              metadata.event_code = WrongType
              metadata.product.name = "CloudTrail"
              class_uid = Unsigned(6003)
              status_id = Unsigned(2)
              status_detail = WrongType
              cloud.provider = "AWS"
              cloud.account.uid = WrongType
              cloud.region = WrongType
              api.operation = "ListThings"
              api.service.name = WrongType
              api.request.uid = WrongType
              api.response.error = WrongType
              api.response.message = WrongType
              actor.user.uid = WrongType
              actor.user.uid_alt = WrongType
              actor.user.name = WrongType
              actor.user.type = WrongType
              actor.user.account.uid = WrongType
              actor.user.credential_uid = WrongType
              actor.session.is_mfa = WrongType
              actor.session.created_time = WrongType
              actor.invoked_by = WrongType
              resources.uid = WrongType
              src_endpoint.ip = WrongType
              http_request.user_agent = WrongType
              raw_data = {"eventID":"id","eventTime":"2024-05-01T10:00:00Z","recipientAccountId":"999999999999","eventName":"ListThings","userIdentity":{"type":1,"principalId":{},"arn":[],"accountId":9,"accessKeyId":true,"userName":1.5,"invokedBy":{},"sessionContext":{"attributes":{"mfaAuthenticated":"maybe","creationDate":5}}},            "eventSource":5,"awsRegion":[],"sourceIPAddress":7,"userAgent":false,"errorCode":1,"errorMessage":{},"requestID":1,"eventType":2,"resources":"none","recipientAccountId":3}
        "#]],
    );
    check_fields(
        r#""eventSource":"iam.amazonaws.com","eventName":"AttachUserPolicy","requestParameters":{"userName":1,"policyArn":2,"policyName":3,"groupName":4}"#,
        &["user", "policy", "group"],
        expect![[r#"
              user.name = WrongType
              group.name = WrongType
              policy.uid = WrongType
              policy.name = WrongType
        "#]],
    );
    check_fields(
        r#""sourceIPAddress":"ec2.amazonaws.com""#,
        &["src"],
        expect![[r#"
              src_endpoint.domain = "ec2.amazonaws.com"
        "#]],
    );
    check_fields(
        r#""sourceIPAddress":"192.0.2.7""#,
        &["src"],
        expect![[r#"
              src_endpoint.ip = Address(192.0.2.7)
        "#]],
    );
}

#[test]
fn essentials_that_are_missing_make_a_dead_letter() {
    for (line, code) in [
        (r#"{"eventName":"X"}"#, "event-time-missing"),
        (r#"{"eventName":"X","eventTime":null}"#, "event-time-missing"),
        (r#"{"eventName":"X","eventTime":""}"#, "event-time-invalid"),
        (r#"{"eventName":"X","eventTime":1714557600}"#, "event-time-invalid"),
        (r#"{"eventName":"X","eventTime":"yesterday"}"#, "event-time-invalid"),
        (r#"{"eventName":"X","eventTime":"@5us"}"#, "event-time-invalid"),
        (r#"{"eventTime":"2024-05-01T00:00:00Z"}"#, "event-name-missing"),
        (r#"{"eventTime":"2024-05-01T00:00:00Z","eventName":7}"#, "event-name-missing"),
    ] {
        match CloudTrail.read(Box::new(Cursor::new(line)), 0).unwrap().next() {
            Some(Record::DeadLetter(letter)) => assert_eq!(letter.reason_code.code(), code, "{line}"),
            other => panic!("{line}: {other:?}"),
        }
    }
}

#[test]
fn a_receipt_time_is_the_record_s_own_or_none() {
    for (member, expected) in [
        ("", None),
        (r#","countersign.ingestTime":"2024-05-01T00:00:09Z""#, Some("2024-05-01T00:00:09Z")),
        (r#","countersign.ingestTime":"soon""#, None),
    ] {
        let line = format!(r#"{{"eventTime":"2024-05-01T00:00:00Z","eventName":"X"{member}}}"#);
        let Some(Record::Event { event, has_receipt_time }) =
            CloudTrail.read(Box::new(Cursor::new(line)), 0).unwrap().next()
        else {
            panic!("set aside: {member}")
        };
        assert_eq!(has_receipt_time, expected.is_some());
        assert_eq!(event.ingest_time.to_string(), expected.unwrap_or("2024-05-01T00:00:00Z"));
        assert!(event.fields.get(FieldId::Unmapped).is_none());
    }
}

#[test]
fn repeating_texts_are_shared() {
    let line =
        r#"{"eventID":"1","eventTime":"2024-05-01T00:00:00Z","eventName":"X","awsRegion":"eu-west-1","requestID":"r"}"#;
    let events: Vec<Box<Event>> = CloudTrail
        .read(Box::new(Cursor::new(format!("{line}\n{line}"))), 0)
        .unwrap()
        .filter_map(|record| match record {
            Record::Event { event, .. } => Some(event),
            Record::DeadLetter(_) => None,
        })
        .collect();
    for (field, shared) in
        [(FieldId::CloudRegion, true), (FieldId::ApiOperation, true), (FieldId::ApiRequestUid, false)]
    {
        let [Some(Value::Text(first)), Some(Value::Text(second))] =
            [events[0].fields.get(field), events[1].fields.get(field)]
        else {
            panic!("{field:?}")
        };
        assert_eq!(std::sync::Arc::ptr_eq(first, second), shared, "{field:?}");
    }
}
