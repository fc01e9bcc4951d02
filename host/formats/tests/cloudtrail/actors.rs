//! Who acted: accounts, types, chains.

use countersign_model::vocabulary::FieldId;
use expect_test::expect;

use crate::{ISSUER, ROLE, USER, check_actor, event, identity};

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
              temporary
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
              temporary
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
              temporary
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
              temporary
              initiator aws:999999999999:999999999999 human protected
              executor aws:999999999999:999999999999%3Abob
        "#]],
    );
    check_actor(
        r#""type":"WebIdentityUser","principalId":"accounts.google.com:app:42","userName":"42","identityProvider":"accounts.google.com""#,
        expect![[r#"
            aws:accounts.google.com:app%3A42 programmatic, not authenticated
              session accounts.google.com:app:42
              temporary
              initiator aws:accounts.google.com:app%3A42 `42`
        "#]],
    );
    check_actor(
        r#""type":"SAMLUser","principalId":"bdGO=:jdoe","userName":"jdoe","identityProvider":"bdGO=""#,
        expect![[r#"
            aws:bdGO=:jdoe programmatic, not authenticated
              session bdGO=:jdoe
              temporary
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
            aws:999999999999:dir-user programmatic, not authenticated
              initiator aws:999999999999:dir-user
        "#]],
    );
    // Left out, the account is the one in the principal's ARN.
    check_actor(
        r#""type":"AssumedRole","principalId":"AROADEPLOY:s","arn":"arn:aws:sts::333333333333:assumed-role/deploy/s""#,
        expect![[r#"
            aws:333333333333:AROADEPLOY programmatic
              session AROADEPLOY:s
              temporary
              initiator aws:333333333333:AROADEPLOY `arn:aws:sts::333333333333:assumed-role/deploy/s` shared
        "#]],
    );
}

#[test]
fn an_account_id_is_nobodys_but_roots() {
    // What AWS writes where it can't place the user of a directory.
    let unknown = r#""type":"Unknown","principalId":"999999999999","arn":"","accountId":"999999999999","accessKeyId":"","userName":"zoe""#;
    check_actor(
        unknown,
        expect![[r#"
            unresolved programmatic, not authenticated
              initiator ? `zoe`
        "#]],
    );
    check_actor(
        &format!(
            r#"{unknown},"onBehalfOf":{{"userId":"u-zoe","identityStoreArn":"arn:aws:identitystore::9:identitystore/d-9067"}}"#
        ),
        expect![[r#"
            aws:d-9067:u-zoe programmatic, not authenticated
              initiator aws:d-9067:u-zoe `zoe`
        "#]],
    );
    for (kind, resolved) in [("Unknown", false), ("Directory", false), ("IAMUser", false), ("", false), ("Root", true)]
    {
        let event = identity(&unknown.replace("Unknown", kind));
        assert_eq!(event.actor.account.is_some(), resolved, "{kind}");
    }
    assert_eq!(identity(&unknown.replace("\"999999999999\",\"arn\"", "\"someone\",\"arn\"")).actor.account, None);
}

#[test]
fn a_person_is_named_only_by_identity_center() {
    let person = |arn: &str, role: &str| {
        let issuer = format!(r#""sessionIssuer":{{"type":"Role","principalId":"AROADEPLOY","arn":"{arn}"}}"#);
        let event = identity(&format!(r#"{role},"sessionContext":{{{issuer}}}"#));
        assert!(event.actor_is_shared() && event.actor.temporary, "{arn}");
        event.actor.person.as_deref().map(str::to_owned)
    };
    let reserved = "arn:aws:iam::9:role/aws-reserved/sso.amazonaws.com/eu-west-1/AWSReservedSSO_Admin_0123";
    assert_eq!(person(reserved, ROLE).as_deref(), Some("session"));
    assert_eq!(person(reserved, &ROLE.replace(":session\"", "\"")), None);
    assert_eq!(person(reserved, &ROLE.replace(":session\"", ":\"")), None);
    // In every other role the caller chose the name.
    for arn in [
        "arn:aws:iam::9:role/AWSReservedSSO_Admin_0123",
        "arn:aws:iam::9:role/x/aws-reserved/sso.amazonaws.com/AWSReservedSSO_Admin_0123",
        "arn:aws:iam::9:role/aws-reserved/sso.amazonaws.com/deploy",
        "arn:aws:iam::9:role/deploy",
    ] {
        assert_eq!(person(arn, ROLE), None, "{arn}");
    }
    let user = identity(USER);
    assert!(!user.actor.temporary && !user.actor_is_shared() && user.actor.person.is_none());
    // A user's key may be a temporary one too.
    assert!(identity(&USER.replace("AKIA1", "ASIA1")).actor.temporary);
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
        // Any caller can name a role so; only the path is AWS's alone.
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
    // The caller that assumes a role chooses the session's name.
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
              temporary
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
              temporary
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
              temporary
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
              temporary
              initiator aws:d-9067:544894e8 `544894e8`
              executor aws:999999999999:AROADEPLOY `deploy` shared
        "#]],
    );
}
