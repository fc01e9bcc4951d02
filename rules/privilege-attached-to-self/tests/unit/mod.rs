//! The rule over rows: which grants are found.

use countersign_sdk::testing::{Harness, Row, Value, findings, only_finding, row};

use super::*;

const ALICE: &str = "AIDAALICEEXAMPLE";
const DEPLOY: &str = "AROADEPLOYEXAMPLE";
const ADMINISTRATOR: &str = "arn:aws:iam::aws:policy/AdministratorAccess";

/// Alice's long-lived key, acting on Alice.
fn on_alice(operation: &str) -> Row {
    row()
        .at("2024-05-01T08:00:00Z")
        .api_operation(operation)
        .actor_user_type("IAMUser")
        .actor_user_uid(ALICE)
        .actor_user_uid_alt("arn:aws:iam::111122223333:user/alice")
        .actor_user_name("alice")
        .user_uid(ALICE)
        .user_name("alice")
        .user_type("User")
}

/// A session of the role deploy, acting on its role.
fn on_deploy(operation: &str) -> Row {
    row()
        .api_operation(operation)
        .actor_user_type("AssumedRole")
        .actor_user_uid(DEPLOY)
        .actor_user_uid_alt("arn:aws:sts::111122223333:assumed-role/deploy/session")
        .actor_session_issuer("arn:aws:iam::111122223333:role/deploy")
        .user_uid(DEPLOY)
        .user_name("deploy")
        .user_type("Role")
}

fn policy(row: Row, arn: &str) -> Row {
    row.policy_uid(arn).policy_name(arn.rsplit('/').next().unwrap())
}

fn inline(row: Row, actions: &str) -> Row {
    let document = format!(r#"{{\"Statement\":{{\"Effect\":\"Allow\",\"Action\":\"{actions}\",\"Resource\":\"*\"}}}}"#);
    row.policy_name("extra").api_request_data(&format!(r#"{{"userName":"alice","policyDocument":"{document}"}}"#))
}

fn confidence_of(row: Row) -> u8 {
    only_finding::<Rule>(&[row]).confidence
}

#[test]
fn an_administrator_s_policy_for_oneself_is_found() {
    let finding = only_finding::<Rule>(&[policy(on_alice("AttachUserPolicy"), ADMINISTRATOR)]);
    assert_eq!((finding.class, finding.confidence, finding.about), (SignalClass::Privilege, 85, Role::Actor));
    assert_eq!(finding.severity, Severity::High);
    assert_eq!(finding.techniques, ["T1098.003", "T1078.004"]);
    assert_eq!(
        finding.message,
        "arn:aws:iam::111122223333:user/alice attached the policy AdministratorAccess to itself, the user alice: an \
         administrator's rights"
    );
}

#[test]
fn every_way_has_its_weight() {
    for (row, expected) in [
        (inline(on_alice("PutUserPolicy"), "*"), 85),
        (inline(on_alice("PutUserPolicy"), "iam:AttachUserPolicy"), 80),
        (inline(on_alice("PutUserPolicy"), "s3:PutObject"), 65),
        (inline(on_alice("PutUserPolicy"), "s3:List*"), 55),
        (on_alice("PutUserPolicy"), 65),
        (on_alice("AddUserToGroup").group_name("Administrators"), 85),
        (on_alice("AddUserToGroup").group_name("Developers"), 65),
        (on_alice("AddUserToGroup"), 65),
        (on_alice("DeleteUserPermissionsBoundary"), 70),
        (policy(on_alice("AttachUserPolicy"), "arn:aws:iam::aws:policy/AmazonS3FullAccess"), 65),
        (policy(on_alice("AttachUserPolicy"), "arn:aws:iam::aws:policy/job-function/ViewOnlyAccess"), 55),
        // The name of a customer's policy proves nothing.
        (policy(on_alice("AttachUserPolicy"), "arn:aws:iam::111122223333:policy/ReadOnlyAccess"), 65),
        (policy(on_alice("AttachUserPolicy"), "arn:aws:iam::111122223333:policy/x:aws:AWSDenyAll"), 65),
        (on_alice("AttachUserPolicy"), 65),
    ] {
        assert_eq!(confidence_of(row.clone()), expected, "{row:?}");
    }
}

#[test]
fn joining_a_group_has_its_own_message() {
    let message = &findings::<Rule>(&[on_alice("AddUserToGroup").group_name("Administrators")])[0].message;
    let expected = "added itself, the user alice, to the group Administrators: an administrator's rights";
    assert!(message.ends_with(expected), "{message}");
}

#[test]
fn a_session_that_raises_its_own_role_is_found() {
    let finding = only_finding::<Rule>(&[policy(on_deploy("AttachRolePolicy"), ADMINISTRATOR)]);
    assert_eq!(finding.confidence, 75);
    assert_eq!(
        finding.message,
        "arn:aws:sts::111122223333:assumed-role/deploy/session attached the policy AdministratorAccess to itself, \
         the role deploy: an administrator's rights"
    );
    let found = findings::<Rule>(&[on_deploy("DeleteRolePermissionsBoundary")]);
    assert_eq!(found[0].confidence, 60);
    let message = "took the permissions boundary off itself, the role deploy: what the boundary kept out";
    assert!(found[0].message.ends_with(message), "{}", found[0].message);
}

#[test]
fn a_second_factor_and_a_service_between_lower_confidence() {
    let attach = || policy(on_alice("AttachUserPolicy"), ADMINISTRATOR);
    assert_eq!(confidence_of(attach().actor_session_is_mfa(false)), 85);
    assert_eq!(confidence_of(attach().actor_session_is_mfa(true)), 75);
    assert_eq!(confidence_of(attach().actor_invoked_by("cloudformation.amazonaws.com")), 75);
}

#[test]
fn the_operator_names_policies_groups_and_expected_actors() {
    let own = "arn:aws:iam::111122223333:policy/own-admin";
    let mut harness = Harness::<Rule>::new()
        .set("admin-policies", [own])
        .set("admin-groups", ["Chiefs"])
        .set("expected-actors", [DEPLOY]);
    let rows = [
        policy(on_alice("AttachUserPolicy"), own),
        on_alice("AddUserToGroup").group_name("it-chiefs"),
        on_alice("AddUserToGroup").group_name("Administrators"),
        policy(on_deploy("AttachRolePolicy"), own),
    ];
    assert_eq!(harness.feed(&rows).iter().map(|one| one.confidence).collect::<Vec<_>>(), [85, 85, 65, 30]);
}

#[test]
fn rights_of_others_are_quiet() {
    let on_bob = policy(on_alice("AttachUserPolicy"), ADMINISTRATOR).user_name("bob");
    assert_eq!(findings::<Rule>(&[on_bob.clone().user_uid("AIDABOBEXAMPLE")]), []);
    assert_eq!(findings::<Rule>(&[on_bob.set("user.uid", Value::WrongType)]), []);
    // Neither account is known, so they aren't the same.
    assert_eq!(
        findings::<Rule>(&[row().api_operation("AttachUserPolicy").user_name("alice").actor_user_name("alice")]),
        []
    );
}

#[test]
fn what_takes_rights_away_is_quiet() {
    let deny = r#"{"policyDocument":"{\"Statement\":[{\"Effect\":\"Deny\",\"Action\":\"*\",\"Resource\":\"*\"}]}"}"#;
    assert_eq!(
        findings::<Rule>(&[on_deploy("PutRolePolicy").policy_name("AWSRevokeOlderSessions").api_request_data(deny)]),
        []
    );
    for name in ["AWSDenyAll", "AWSCompromisedKeyQuarantineV3"] {
        let arn = format!("arn:aws:iam::aws:policy/{name}");
        assert_eq!(findings::<Rule>(&[policy(on_alice("AttachUserPolicy"), &arn)]), [], "{name}");
    }
    assert_eq!(findings::<Rule>(&[on_alice("DetachUserPolicy")]), []);
}

#[test]
fn a_service_in_its_own_role_is_quiet() {
    let linked = "arn:aws:iam::111122223333:role/aws-service-role/x.amazonaws.com/AWSServiceRoleForX";
    let raised = policy(on_deploy("AttachRolePolicy"), ADMINISTRATOR);
    assert_eq!(findings::<Rule>(&[raised.clone().actor_session_issuer(linked)]), []);
    assert_eq!(confidence_of(raised.actor_session_issuer("arn:aws:iam::1:role/a:role/aws-service-role/deploy")), 75);
}
