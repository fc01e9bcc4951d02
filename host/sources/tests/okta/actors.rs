//! Who acted, how, whether they authenticated, and on whom.

use expect_test::{Expect, expect};

use crate::summary::parties;
use crate::{BOB, BROWSER, FAILURE, SESSION, SUCCESS, event};

fn check(event_type: &str, members: &[&str], expected: Expect) {
    expected.assert_eq(&parties(&event(event_type, &members.join(","))));
}

#[test]
fn sign_ins_are_authenticated_where_they_succeed() {
    check("user.session.start", &[SUCCESS, SESSION, BROWSER], expect![[""]]);
    check("user.session.start", &[FAILURE, SESSION, BROWSER], expect![[""]]);
    check(
        "user.session.start",
        &[FAILURE, r#""actor":{"id":"unknown","type":"User","alternateId":"nobody@example.com"}"#],
        expect![[""]],
    );
    check("policy.evaluate_sign_on", &[r#""outcome":{"result":"CHALLENGE"}"#, BROWSER], expect![[""]]);
    check("policy.evaluate_sign_on", &[r#""outcome":{"result":"ALLOW"}"#, BROWSER], expect![[""]]);
    check("user.mfa.okta_verify.deny_push", &[SUCCESS, SESSION], expect![[""]]);
    check("user.account.lock", &[FAILURE, SESSION], expect![[""]]);
    // Nothing says how it went.
    check("user.session.start", &[BROWSER], expect![[""]]);
}

#[test]
fn other_acts_are_authenticated_within_a_session_or_by_success() {
    check("app.generic.unauth_app_access_attempt", &[FAILURE, SESSION], expect![[""]]);
    check("user.account.privilege.grant", &[SUCCESS], expect![[""]]);
    check("some.future.act", &[FAILURE], expect![[""]]);
}

#[test]
fn tokens_and_jobs_are_programmatic() {
    let token = r#""transaction":{"id":"t","type":"WEB","detail":{"requestApiTokenId":"00Tkey"}}"#;
    check("system.org.rate_limit.warning", &[SUCCESS, SESSION, BROWSER, token], expect![[""]]);
    check(
        "application.provision.user.sync",
        &[SUCCESS, SESSION, r#""transaction":{"id":"j","type":"JOB"}"#],
        expect![[""]],
    );
    check("user.session.start", &[SUCCESS, r#""client":{"userAgent":{"browser":"UNKNOWN"}}"#], expect![[""]]);
}

#[test]
fn clients_act_for_the_user_behind_them_or_for_themselves() {
    let client = r#""actor":{"id":"0oaclient","type":"PublicClientApp","displayName":"Sync"}"#;
    let target = format!(r#""target":[{BOB},{{"id":"code1","type":"code"}}]"#);
    check("app.oauth2.token.grant", &[SUCCESS, client, &target], expect![[""]]);
    check(
        "app.oauth2.token.grant",
        &[SUCCESS, client, r#""debugContext":{"debugData":{"userId":"00ucarol"}}"#],
        expect![[""]],
    );
    check(
        "app.oauth2.token.grant",
        &[SUCCESS, client, r#""debugContext":{"debugData":{"grantType":"client_credentials"}}"#],
        expect![[""]],
    );
    check("app.oauth2.token.grant", &[FAILURE, SESSION, client], expect![[""]]);
}

#[test]
fn impersonators_come_before_those_whom_they_impersonate() {
    let target = format!(r#""target":[{BOB}]"#);
    check("user.session.impersonation.initiate", &[SUCCESS, SESSION, &target], expect![[""]]);
    check("user.session.impersonation.grant", &[SUCCESS, SESSION, BROWSER, &target], expect![[""]]);
}

#[test]
fn who_is_no_user() {
    let system = r#""actor":{"id":"unknown","type":"SystemPrincipal","alternateId":"system@okta.com","displayName":"Okta System"}"#;
    check("user.lifecycle.suspend", &[SUCCESS, system, &format!(r#""target":[{BOB}]"#)], expect![[""]]);
    let address = r#""actor":{"id":"192.0.2.1","type":"IP address","alternateId":"unknown","displayName":"192.0.2.1"}"#;
    check("security.threat.detected", &[SUCCESS, address], expect![[""]]);
    check("app.inbound", &[SUCCESS, r#""actor":{"id":"0oaapp","type":"AppInstance"}"#], expect![[""]]);
    check("x", &[r#""actor":null"#], expect![[""]]);
    check("x", &[r#""actor":{"id":7,"type":[],"alternateId":{}}"#], expect![[""]]);
}

#[test]
fn an_act_is_on_the_user_among_its_targets() {
    let token = r#"{"id":"00Tkey","type":"Token","displayName":"ci"}"#;
    check("system.api_token.revoke", &[SUCCESS, SESSION, &format!(r#""target":[{token},{BOB}]"#)], expect![[""]]);
    check("user.mfa.factor.reset_all", &[SUCCESS, SESSION, &format!(r#""target":[{BOB}]"#)], expect![[""]]);
    check(
        "user.mfa.factor.reset_all",
        &[SUCCESS, SESSION, r#""target":[{"id":"unknown","type":"User"}]"#],
        expect![[""]],
    );
    for odd in [r#""target":{}"#, r#""target":"00ubob""#, r#""target":[7,null,"x",[]]"#, r#""target":null"#] {
        assert_eq!(event("user.mfa.factor.reset_all", odd).target, None, "{odd}");
    }
}
