//! Whom a call acted on, and what it opened.

use expect_test::expect;

use crate::{ISSUER, ROLE, USER, check_acted};

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
    // IAM doesn't tell names apart by case.
    check_acted(
        &iam("PutUserPolicy", r#""requestParameters":{"userName":"ALICE"}"#),
        expect![[r#"
            user-access aws:999999999999:AIDAALICE
              user.uid = "AIDAALICE"
              user.uid_alt = "arn:aws:iam::999999999999:user/alice"
              user.name = "ALICE"
              user.type = "User"
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
