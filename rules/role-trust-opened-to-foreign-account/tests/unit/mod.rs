//! The rule over rows: which openings are found.

use countersign_sdk::testing::{Harness, Row, findings, only_finding, row};

use super::*;

const AWAY: &str = r#"{"AWS":"arn:aws:iam::999988887777:root"}"#;

fn document(principal: &str, more: &str) -> String {
    format!(
        r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Principal":{principal},"Action":"sts:AssumeRole"{more}}}]}}"#
    )
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

fn call(operation: &str) -> Row {
    row()
        .at("2024-05-01T08:00:00Z")
        .api_operation(operation)
        .cloud_account_uid("111122223333")
        .actor_user_type("IAMUser")
        .actor_user_uid("AIDAALICEEXAMPLE")
        .actor_user_uid_alt("arn:aws:iam::111122223333:user/alice")
        .user_name("deploy")
}

fn updated(document: &str) -> Row {
    call("UpdateAssumeRolePolicy")
        .api_request_data(&format!(r#"{{"roleName":"deploy","policyDocument":{}}}"#, quoted(document)))
}

fn created(document: &str) -> Row {
    call("CreateRole")
        .api_request_data(&format!(r#"{{"roleName":"deploy","assumeRolePolicyDocument":{}}}"#, quoted(document)))
}

fn confidence_of(row: Row) -> u8 {
    only_finding::<Rule>(&[row]).confidence
}

#[test]
fn an_existing_role_opened_to_another_account_is_found() {
    let finding = only_finding::<Rule>(&[updated(&document(AWAY, ""))]);
    assert_eq!((finding.class, finding.confidence, finding.about), (SignalClass::Federation, 75, Role::Actor));
    assert_eq!(finding.severity, Severity::High);
    assert_eq!(finding.techniques, ["T1484.002", "T1098.003"]);
    assert_eq!(
        finding.message,
        "arn:aws:iam::111122223333:user/alice opened the role deploy to the account 999988887777"
    );
}

#[test]
fn how_wide_the_door_is_decides() {
    let id = r#","Condition":{"StringEquals":{"sts:ExternalId":"x7"}}"#;
    let organisation = r#","Condition":{"StringEquals":{"aws:PrincipalOrgID":"o-away"}}"#;
    let everybody = r#"{"AWS":"*"}"#;
    for (document, existing, new) in [
        (document(everybody, ""), 90, 90),
        (document(everybody, id), 75, 75),
        (document(AWAY, ""), 75, 60),
        (document(AWAY, id), 60, 45),
        (document(everybody, organisation), 60, 45),
    ] {
        assert_eq!(confidence_of(updated(&document)), existing, "{document}");
        assert_eq!(confidence_of(created(&document)), new, "{document}");
    }
    let open = findings::<Rule>(&[created(&document(everybody, ""))]);
    assert_eq!(open[0].severity, Severity::Critical);
    assert!(open[0].message.ends_with("made and opened the role deploy to everybody"), "{}", open[0].message);
}

#[test]
fn the_widest_way_in_counts_and_all_are_named() {
    let accounts: Vec<String> = (1..=5).map(|last| format!("\"99998888777{last}\"")).collect();
    let many = document(&format!(r#"{{"AWS":[{}]}}"#, accounts.join(",")), "");
    let message = &findings::<Rule>(&[updated(&many)])[0].message;
    assert!(message.ends_with("the account 999988887774 and 1 more"), "{message}");
    let narrow = r#"{"Effect":"Allow","Principal":{"AWS":"999988887777"},"Action":"sts:AssumeRole","Condition":{"StringEquals":{"sts:ExternalId":"x7"}}}"#;
    let both = document(AWAY, "").replace("]}", &format!(",{narrow},{narrow}]}}"));
    let found = findings::<Rule>(&[updated(&both)]);
    assert_eq!(found[0].confidence, 75);
    let to = "to the account 999988887777, the account 999988887777 with an external id";
    assert!(found[0].message.ends_with(to), "{}", found[0].message);
}

#[test]
fn a_second_factor_and_a_service_between_lower_confidence() {
    let opened = || updated(&document(AWAY, ""));
    assert_eq!(confidence_of(opened().actor_session_is_mfa(false)), 75);
    assert_eq!(confidence_of(opened().actor_session_is_mfa(true)), 65);
    assert_eq!(confidence_of(opened().actor_invoked_by("cloudformation.amazonaws.com")), 65);
}

#[test]
fn the_response_s_document_serves_where_the_request_has_none() {
    let encoded: String = document(AWAY, "").bytes().map(|byte| format!("%{byte:02X}")).collect();
    let response = format!(r#"{{"role":{{"roleName":"deploy","assumeRolePolicyDocument":"{encoded}"}}}}"#);
    assert_eq!(confidence_of(call("CreateRole").api_response_data(&response)), 60);
    let own = created(&document(r#"{"AWS":"111122223333"}"#, "")).api_response_data(&response);
    assert_eq!(findings::<Rule>(&[own]), []);
    assert_eq!(confidence_of(updated(&encoded)), 75);
}

#[test]
fn a_document_that_the_record_leaves_out_weighs_little() {
    let omitted = r#"{"omitted":true,"originalSize":131072,"reason":"requestParameters too large"}"#;
    for unread in [
        call("UpdateAssumeRolePolicy"),
        call("UpdateAssumeRolePolicy").api_request_data(omitted),
        call("UpdateAssumeRolePolicy").api_request_data(r#"{"roleName":"deploy"}"#),
        updated("not JSON"),
        updated("%ff"),
    ] {
        assert_eq!(confidence_of(unread.clone()), 55, "{unread:?}");
    }
    let found = findings::<Rule>(&[call("CreateRole").api_request_data(omitted).api_response_data(omitted)]);
    assert_eq!((found[0].confidence, found[0].severity), (45, Severity::Medium));
    assert!(
        found[0].message.ends_with("the role deploy to principals that the record doesn't show"),
        "{}",
        found[0].message
    );
}

#[test]
fn the_operator_names_trusted_accounts() {
    let mut harness = Harness::<Rule>::new()
        .set("trusted-accounts", ["999988887777"])
        .set("trusted-organisations", ["o-home"])
        .set("expected-actors", ["AIDAALICEEXAMPLE"]);
    let home = document(r#""*""#, r#","Condition":{"StringEquals":{"aws:PrincipalOrgID":"o-home"}}"#);
    let rows = [updated(&document(AWAY, "")), updated(&home), updated(&document(r#""*""#, ""))];
    let found = harness.feed(&rows);
    assert_eq!(found.iter().map(|one| (one.row, one.confidence)).collect::<Vec<_>>(), [(2, 30)]);
}

#[test]
fn the_provider_s_own_work_is_quiet() {
    let open = document(r#""*""#, "");
    assert_eq!(findings::<Rule>(&[updated(&open).actor_user_type("AWSService")]), []);
    let linked = "arn:aws:iam::111122223333:role/aws-service-role/sso.amazonaws.com/AWSServiceRoleForSSO";
    assert_eq!(findings::<Rule>(&[updated(&open).actor_session_issuer(linked)]), []);
    assert_eq!(confidence_of(updated(&open).actor_session_issuer("arn:aws:iam::1:role/deploy")), 90);
}
