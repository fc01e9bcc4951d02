//! The rule over rows: which openings are found.

use countersign_sdk::testing::{Harness, Row, Value, check, check_state_size, findings, only_finding, row};

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
        // The caller chooses an external id.
        (document(everybody, id), 90, 90),
        (document(AWAY, ""), 75, 60),
        (document(AWAY, id), 75, 60),
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
fn a_document_that_the_record_does_not_have_weighs_little() {
    for unread in [
        call("UpdateAssumeRolePolicy"),
        call("UpdateAssumeRolePolicy").api_request_data(r#"{"roleName":"deploy"}"#),
        updated("not JSON"),
        updated("%ff"),
    ] {
        assert_eq!(confidence_of(unread.clone()), 55, "{unread:?}");
    }
    let found = findings::<Rule>(&[call("CreateRole")]);
    assert_eq!((found[0].confidence, found[0].severity), (45, Severity::Medium));
    assert!(
        found[0].message.ends_with("the role deploy to principals that the record doesn't show"),
        "{}",
        found[0].message
    );
}

#[test]
fn a_document_too_large_for_the_record_is_as_wide_as_any() {
    let omitted = r#"{"omitted":true,"originalSize":131072,"reason":"requestParameters too large"}"#;
    for operation in ["UpdateAssumeRolePolicy", "CreateRole"] {
        for hidden in [
            call(operation).api_request_data(omitted).api_response_data(omitted),
            call(operation).set("api.request.data", Value::WrongType),
        ] {
            let found = findings::<Rule>(&[hidden]);
            assert_eq!((found[0].confidence, found[0].severity), (90, Severity::Critical));
            let to = "the role deploy to principals in a document too large for the record";
            assert!(found[0].message.ends_with(to), "{}", found[0].message);
        }
    }
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

const KEY: &str = "aws:111122223333:AIDAALICEEXAMPLE";

fn federated(provider: &str) -> String {
    document(&format!(r#"{{"Federated":"arn:aws:iam::111122223333:{provider}"}}"#), "")
}

/// A provider made by the same actor.
fn makes(operation: &str, request: &str, response: &str) -> Row {
    call(operation).key(KEY).api_request_data(request).api_response_data(response)
}

fn makes_issuer() -> Row {
    makes(
        "CreateOpenIDConnectProvider",
        r#"{"url":"https://Login.Stranger.example/","clientIDList":["x"]}"#,
        r#"{"openIDConnectProviderArn":"arn:aws:iam::111122223333:oidc-provider/login.stranger.example"}"#,
    )
}

fn makes_anchor() -> Row {
    makes("CreateTrustAnchor", r#"{"name":"ca","enabled":true,"source":{"sourceType":"CERTIFICATE_BUNDLE"}}"#, "{}")
}

fn anywhere() -> String {
    document(
        r#"{"Service":"rolesanywhere.amazonaws.com"}"#,
        r#","Condition":{"ArnEquals":{"aws:SourceArn":"arn:aws:rolesanywhere:eu-west-1:111122223333:trust-anchor/x"}}"#,
    )
}

#[test]
fn a_role_opened_to_a_provider_of_the_actor_s_own_making_is_found() {
    let open = || updated(&federated("oidc-provider/login.stranger.example")).key(KEY).plus_secs(60);
    let finding = only_finding::<Rule>(&[makes_issuer(), open()]);
    assert_eq!((finding.row, finding.confidence, finding.severity), (1, 75, Severity::High));
    assert_eq!(finding.evidence, [0]);
    assert_eq!(
        finding.message,
        "arn:aws:iam::111122223333:user/alice opened the role deploy to the identity provider \
         oidc-provider/login.stranger.example, made by the same actor"
    );
    // One that was there before, or that somebody else made.
    assert_eq!(findings::<Rule>(&[open()]), []);
    assert_eq!(findings::<Rule>(&[makes_issuer().key("aws:111122223333:AIDABOB"), open()]), []);
    assert_eq!(findings::<Rule>(&[makes_issuer(), open().plus_secs(3_600)]), []);
    let other = updated(&federated("oidc-provider/login.example.test")).key(KEY).plus_secs(60);
    assert_eq!(findings::<Rule>(&[makes_issuer(), other]), []);
    // Without the response.
    let by_url = makes("CreateOpenIDConnectProvider", r#"{"url":"https://Login.Stranger.example/"}"#, "{}");
    check::<Rule>(&[by_url, open()], &[(1, 75)]);
}

#[test]
fn certificates_and_assertions_are_providers_too() {
    let new = |document: &str, seconds: i64| created(document).key(KEY).plus_secs(seconds);
    check::<Rule>(&[makes_anchor(), new(&anywhere(), 10)], &[(1, 60)]);
    check::<Rule>(&[new(&anywhere(), 10)], &[]);
    let replaced =
        makes("UpdateTrustAnchor", r#"{"trustAnchorId":"x","source":{"sourceType":"CERTIFICATE_BUNDLE"}}"#, "{}");
    check::<Rule>(&[replaced, new(&anywhere(), 10)], &[(1, 60)]);
    check::<Rule>(
        &[makes("UpdateTrustAnchor", r#"{"trustAnchorId":"x","name":"y"}"#, "{}"), new(&anywhere(), 10)],
        &[],
    );
    let saml = "arn:aws:iam::111122223333:saml-provider/IdP";
    for provider in [
        makes("CreateSAMLProvider", r#"{"name":"IdP"}"#, &format!(r#"{{"sAMLProviderArn":"{saml}"}}"#)),
        makes("CreateSAMLProvider", r#"{"name":"IdP"}"#, "{}"),
        makes("UpdateSAMLProvider", &format!(r#"{{"sAMLProviderArn":"{saml}"}}"#), "{}"),
    ] {
        check::<Rule>(&[provider, new(&federated("saml-provider/IdP"), 10)], &[(1, 60)]);
    }
}

#[test]
fn the_role_may_be_opened_first() {
    let open = created(&anywhere()).key(KEY);
    let finding = only_finding::<Rule>(&[open.clone(), makes_anchor().plus_secs(120), makes_anchor().plus_secs(180)]);
    assert_eq!((finding.row, finding.confidence, finding.evidence.as_slice()), (1, 60, &[0][..]));
    assert_eq!(
        finding.message,
        "arn:aws:iam::111122223333:user/alice made or changed a trust anchor of Roles Anywhere, to which the same actor \
         opened a role 2m before"
    );
    check::<Rule>(&[makes_anchor().plus_secs(120), open.late()], &[(1, 60)]);
}

#[test]
fn of_new_roles_the_first_is_reported_and_of_old_ones_each() {
    let new = |seconds: i64| created(&anywhere()).key(KEY).plus_secs(seconds);
    let old = |seconds: i64| updated(&anywhere()).key(KEY).plus_secs(seconds);
    check::<Rule>(&[makes_anchor(), new(1), new(2), old(3), new(4), old(5)], &[(1, 60), (3, 75), (5, 75)]);
}

#[test]
fn a_cluster_s_provider_weighs_less() {
    let eks = "oidc-provider/oidc.eks.eu-west-1.amazonaws.com/id/0A1B2C3D4E5F60718293A4B5C6D7E8F9";
    let made = makes(
        "CreateOpenIDConnectProvider",
        "{}",
        &format!(r#"{{"openIDConnectProviderArn":"arn:aws:iam::111122223333:{eks}"}}"#),
    );
    check::<Rule>(&[made.clone(), created(&federated(eks)).key(KEY)], &[(1, 45)]);
    check::<Rule>(&[made, updated(&federated(eks)).key(KEY)], &[(1, 60)]);
}

#[test]
fn everybody_at_a_public_provider_is_found_and_its_owner_s_own_pipelines_are_not() {
    let github = |condition: &str| {
        let principal =
            r#"{"Federated":"arn:aws:iam::111122223333:oidc-provider/token.actions.githubusercontent.com"}"#;
        document(principal, &format!(r#","Condition":{condition}"#))
    };
    let audience = r#"{"StringEquals":{"token.actions.githubusercontent.com:aud":"sts.amazonaws.com"}}"#;
    let found = only_finding::<Rule>(&[created(&github(audience))]);
    assert_eq!((found.confidence, found.severity), (70, Severity::Critical));
    assert!(
        found.message.ends_with("made and opened the role deploy to any repository of GitHub"),
        "{}",
        found.message
    );
    assert_eq!(confidence_of(updated(&github(audience))), 80);
    let own = r#"{"StringLike":{"token.actions.githubusercontent.com:sub":"repo:example/app:*"}}"#;
    let made = makes(
        "CreateOpenIDConnectProvider",
        r#"{"url":"https://token.actions.githubusercontent.com"}"#,
        r#"{"openIDConnectProviderArn":"arn:aws:iam::111122223333:oidc-provider/token.actions.githubusercontent.com"}"#,
    );
    assert_eq!(findings::<Rule>(&[made, created(&github(own)).key(KEY)]), []);
    let strangers = Harness::<Rule>::new().set("own-subjects", ["repo:else/"]).feed(&[created(&github(own))]);
    assert_eq!(strangers[0].confidence, 60);
    assert!(strangers[0].message.ends_with("to repo:example/app:*, which isn't among the own subjects"));
}

#[test]
fn a_document_in_the_place_of_its_text_is_read() {
    let open = document(r#""*""#, "");
    assert_eq!(
        confidence_of(call("CreateRole").api_request_data(&format!(r#"{{"assumeRolePolicyDocument":{open}}}"#))),
        90
    );
    let own = document(r#"{"AWS":"111122223333"}"#, "");
    assert_eq!(
        findings::<Rule>(&[call("UpdateAssumeRolePolicy").api_request_data(&format!(r#"{{"policyDocument":{own}}}"#))]),
        []
    );
}

#[test]
fn the_layout_of_state_is_that_of_its_version() {
    check_state_size::<Rule>(&[makes_anchor()], KEY, 768);
}
