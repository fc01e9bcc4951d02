//! The rule over rows: which credentials of which user.

use countersign_sdk::testing::{Harness, Row, Value, findings, only_finding, row};

use super::*;

const ALICE: &str = "AIDAALICEEXAMPLE";

/// Alice's long-lived key, and Bob named in the request.
fn for_bob(operation: &str) -> Row {
    row()
        .at("2024-05-01T08:00:00Z")
        .api_operation(operation)
        .api_request_data(r#"{"userName":"bob"}"#)
        .actor_user_type("IAMUser")
        .actor_user_uid(ALICE)
        .actor_user_uid_alt("arn:aws:iam::111122223333:user/alice")
        .user_name("bob")
}

fn confidence_of(row: Row) -> u8 {
    only_finding::<Rule>(&[row]).confidence
}

#[test]
fn a_key_for_another_is_found_about_the_actor() {
    let finding = only_finding::<Rule>(&[for_bob("CreateAccessKey").user_credential_uid("AKIABOBEXAMPLE")]);
    assert_eq!((finding.class, finding.confidence, finding.about), (SignalClass::Credential, 70, Role::Actor));
    assert_eq!(finding.severity, Severity::High);
    assert_eq!(finding.techniques, ["T1098.001"]);
    assert_eq!(
        finding.message,
        "arn:aws:iam::111122223333:user/alice made an access key (AKIABOBEXAMPLE) for the user bob"
    );
}

#[test]
fn every_kind_of_credential_has_its_weight() {
    for (operation, expected) in [
        ("UpdateLoginProfile", 75),
        ("CreateLoginProfile", 70),
        ("ResetServiceSpecificCredential", 70),
        ("CreateServiceSpecificCredential", 65),
        ("UploadSSHPublicKey", 65),
        ("UploadSigningCertificate", 65),
        ("EnableMFADevice", 55),
    ] {
        assert_eq!(confidence_of(for_bob(operation)), expected, "{operation}");
    }
    assert_eq!(findings::<Rule>(&[for_bob("EnableMFADevice")])[0].techniques, ["T1098.005"]);
}

#[test]
fn activating_counts_and_deactivating_does_not() {
    for operation in
        ["UpdateAccessKey", "UpdateSSHPublicKey", "UpdateSigningCertificate", "UpdateServiceSpecificCredential"]
    {
        let status =
            |status: &str| for_bob(operation).api_request_data(&format!(r#"{{"userName":"bob","status":"{status}"}}"#));
        assert_eq!(confidence_of(status("Active")), 60, "{operation}");
        assert_eq!(findings::<Rule>(&[status("Inactive")]), [], "{operation}");
        assert_eq!(findings::<Rule>(&[for_bob(operation)]), [], "{operation}");
    }
}

#[test]
fn signs_of_legitimate_work_lower_confidence() {
    let reset = r#"{"userName":"bob","passwordResetRequired":true}"#;
    let kept = r#"{"userName":"bob","passwordResetRequired":false}"#;
    let profile = |body: &str| for_bob("CreateLoginProfile").api_request_data(body);
    assert_eq!(confidence_of(profile(kept).actor_session_is_mfa(false)), 70);
    assert_eq!(confidence_of(profile(kept).actor_session_is_mfa(true)), 55);
    assert_eq!(confidence_of(profile(reset)), 55);
    assert_eq!(confidence_of(profile(reset).actor_session_is_mfa(true)), 40);
    assert_eq!(confidence_of(for_bob("CreateAccessKey").actor_invoked_by("cloudformation.amazonaws.com")), 60);
}

#[test]
fn expected_actors_stay_below_the_floor() {
    let mut harness = Harness::<Rule>::new().set("expected-actors", [ALICE]);
    let other = for_bob("CreateAccessKey").actor_user_uid("AIDACAROLEXAMPLE");
    let unknown = row().api_operation("CreateAccessKey").user_name("bob");
    let found = harness.feed(&[for_bob("CreateAccessKey"), other, unknown]);
    assert_eq!(found.iter().map(|one| one.confidence).collect::<Vec<_>>(), [30, 70, 70]);
    assert_eq!(found[2].message, "an unnamed caller made an access key for the user bob");
}

#[test]
fn one_s_own_credentials_are_quiet() {
    // Named, named in another case, and not named: in each the host has found that it is the actor.
    for own in [Some("alice"), Some("ALICE"), None] {
        let rotation = for_bob("CreateAccessKey").user_uid(ALICE);
        let rotation = own.map_or_else(|| rotation.clone(), |name| rotation.clone().user_name(name));
        assert_eq!(findings::<Rule>(&[rotation]), [], "{own:?}");
    }
    // No user named, and the actor unresolved; a name that is no text.
    let unnamed = row().api_operation("CreateAccessKey").actor_user_type("IAMUser");
    assert_eq!(findings::<Rule>(std::slice::from_ref(&unnamed)), []);
    assert_eq!(findings::<Rule>(&[unnamed.set("user.name", Value::WrongType)]), []);
}

#[test]
fn the_provider_s_own_work_is_quiet() {
    assert_eq!(findings::<Rule>(&[for_bob("CreateAccessKey").actor_user_type("AWSService")]), []);
    let in_role = |arn: &str| for_bob("CreateAccessKey").actor_user_type("AssumedRole").actor_session_issuer(arn);
    let linked = "arn:aws:iam::111122223333:role/aws-service-role/x.amazonaws.com/AWSServiceRoleForX";
    assert_eq!(findings::<Rule>(&[in_role(linked)]), []);
    // A path that anyone may choose.
    let disguised = "arn:aws:iam::111122223333:role/a:role/aws-service-role/deploy";
    assert_eq!(confidence_of(in_role(disguised)), 70);
}

#[test]
fn a_person_s_session_with_the_user_s_name_weighs_little_and_a_chosen_name_nothing() {
    let session = |role: &str, name: &str| {
        for_bob("CreateAccessKey")
            .actor_user_type("AssumedRole")
            .actor_session_issuer(&format!("arn:aws:iam::111122223333:role/{role}"))
            .actor_session_uid(&format!("AROAEXAMPLE:{name}"))
    };
    let reserved = "aws-reserved/sso.amazonaws.com/eu-west-1/AWSReservedSSO_Admin_0123456789abcdef";
    assert_eq!(confidence_of(session(reserved, "Bob@example.org")), 40);
    assert_eq!(confidence_of(session(reserved, "alice@example.org")), 70);
    assert_eq!(confidence_of(session("deploy", "bob")), 70);
}
