//! Who acted, how, whether they authenticated, and on whom.

use expect_test::{Expect, expect};

use crate::summary::parties;
use crate::{BOB, BROWSER, FAILURE, SESSION, SUCCESS, event};

fn check(event_type: &str, members: &[&str], expected: Expect) {
    expected.assert_eq(&parties(&event(event_type, &members.join(","))));
}

#[test]
fn sign_ins_are_authenticated_where_they_succeed() {
    check(
        "user.session.start",
        &[SUCCESS, SESSION, BROWSER],
        expect![[r#"
        authentication okta:org:00ualice interactive
          session 102s
          initiator okta:org:00ualice `alice@example.com`
    "#]],
    );
    check(
        "user.session.start",
        &[FAILURE, SESSION, BROWSER],
        expect![[r#"
        authentication okta:org:00ualice interactive, not authenticated
          session 102s
          initiator okta:org:00ualice `alice@example.com`
    "#]],
    );
    check(
        "user.session.start",
        &[FAILURE, r#""actor":{"id":"unknown","type":"User","alternateId":"nobody@example.com"}"#],
        expect![[r#"
            authentication unresolved programmatic, not authenticated
              initiator ? `nobody@example.com`
        "#]],
    );
    check(
        "policy.evaluate_sign_on",
        &[r#""outcome":{"result":"CHALLENGE"}"#, BROWSER],
        expect![[r#"
        authentication okta:org:00ualice interactive, not authenticated
          initiator okta:org:00ualice `alice@example.com`
    "#]],
    );
    check(
        "policy.evaluate_sign_on",
        &[r#""outcome":{"result":"ALLOW"}"#, BROWSER],
        expect![[r#"
        authentication okta:org:00ualice interactive
          initiator okta:org:00ualice `alice@example.com`
    "#]],
    );
    check(
        "user.mfa.okta_verify.deny_push",
        &[SUCCESS, SESSION],
        expect![[r#"
        authentication okta:org:00ualice interactive, not authenticated
          session 102s
          initiator okta:org:00ualice `alice@example.com`
    "#]],
    );
    check(
        "user.account.lock",
        &[FAILURE, SESSION],
        expect![[r#"
        account-change okta:org:00ualice interactive, not authenticated
          session 102s
          initiator okta:org:00ualice `alice@example.com`
    "#]],
    );
    // Nothing says how it went.
    check(
        "user.session.start",
        &[BROWSER],
        expect![[r#"
        authentication okta:org:00ualice interactive, not authenticated
          initiator okta:org:00ualice `alice@example.com`
    "#]],
    );
}

#[test]
fn other_acts_are_authenticated_within_a_session_or_by_success() {
    check(
        "app.generic.unauth_app_access_attempt",
        &[FAILURE, SESSION],
        expect![[r#"
        api-activity okta:org:00ualice interactive
          session 102s
          initiator okta:org:00ualice `alice@example.com`
    "#]],
    );
    check(
        "user.account.privilege.grant",
        &[SUCCESS],
        expect![[r#"
        user-access okta:org:00ualice programmatic
          initiator okta:org:00ualice `alice@example.com`
    "#]],
    );
    check(
        "some.future.act",
        &[FAILURE],
        expect![[r#"
        api-activity okta:org:00ualice programmatic, not authenticated
          initiator okta:org:00ualice `alice@example.com`
    "#]],
    );
}

#[test]
fn tokens_and_jobs_are_programmatic() {
    let token = r#""transaction":{"id":"t","type":"WEB","detail":{"requestApiTokenId":"00Tkey"}}"#;
    check(
        "system.org.rate_limit.warning",
        &[SUCCESS, SESSION, BROWSER, token],
        expect![[r#"
        api-activity okta:org:00ualice programmatic
          session 102s
          token 00Tkey
          initiator okta:org:00ualice `alice@example.com`
    "#]],
    );
    check(
        "application.provision.user.sync",
        &[SUCCESS, SESSION, r#""transaction":{"id":"j","type":"JOB"}"#],
        expect![[r#"
            entity-management okta:org:00ualice programmatic
              session 102s
              initiator okta:org:00ualice `alice@example.com`
        "#]],
    );
    check(
        "user.session.start",
        &[SUCCESS, r#""client":{"userAgent":{"browser":"UNKNOWN"}}"#],
        expect![[r#"
        authentication okta:org:00ualice programmatic
          initiator okta:org:00ualice `alice@example.com`
    "#]],
    );
}

#[test]
fn clients_act_for_the_user_behind_them_or_for_themselves() {
    let client = r#""actor":{"id":"0oaclient","type":"PublicClientApp","displayName":"Sync"}"#;
    let target = format!(r#""target":[{BOB},{{"id":"code1","type":"code"}}]"#);
    check(
        "app.oauth2.token.grant",
        &[SUCCESS, client, &target],
        expect![[r#"
        authentication okta:org:0oaclient delegated
          initiator okta:org:00ubob `bob@example.com`
          executor okta:org:0oaclient `Sync` shared
          on okta:org:00ubob
    "#]],
    );
    check(
        "app.oauth2.token.grant",
        &[SUCCESS, client, r#""debugContext":{"debugData":{"userId":"00ucarol"}}"#],
        expect![[r#"
            authentication okta:org:0oaclient delegated
              initiator okta:org:00ucarol
              executor okta:org:0oaclient `Sync` shared
        "#]],
    );
    check(
        "app.oauth2.token.grant",
        &[SUCCESS, client, r#""debugContext":{"debugData":{"grantType":"client_credentials"}}"#],
        expect![[r#"
            authentication okta:org:0oaclient programmatic
              initiator okta:org:0oaclient `Sync` service-account shared
        "#]],
    );
    check(
        "app.oauth2.token.grant",
        &[FAILURE, SESSION, client],
        expect![[r#"
        authentication okta:org:0oaclient programmatic, not authenticated
          session 102s
          initiator okta:org:0oaclient `Sync` shared
    "#]],
    );
}

#[test]
fn impersonators_come_before_those_whom_they_impersonate() {
    let target = format!(r#""target":[{BOB}]"#);
    check(
        "user.session.impersonation.initiate",
        &[SUCCESS, SESSION, &target],
        expect![[r#"
        authorize-session okta:org:00ualice delegated
          session 102s
          initiator okta:org:00ualice `alice@example.com`
          executor okta:org:00ubob `bob@example.com`
          on okta:org:00ubob
    "#]],
    );
    check(
        "user.session.impersonation.grant",
        &[SUCCESS, SESSION, BROWSER, &target],
        expect![[r#"
        authorize-session okta:org:00ualice interactive
          session 102s
          initiator okta:org:00ualice `alice@example.com`
          on okta:org:00ubob
    "#]],
    );
}

#[test]
fn who_is_no_user() {
    let system = r#""actor":{"id":"unknown","type":"SystemPrincipal","alternateId":"system@okta.com","displayName":"Okta System"}"#;
    check(
        "user.lifecycle.suspend",
        &[SUCCESS, system, &format!(r#""target":[{BOB}]"#)],
        expect![[r#"
        account-change okta:okta:system programmatic
          initiator okta:okta:system `system@okta.com` workload
          on okta:org:00ubob
    "#]],
    );
    let address = r#""actor":{"id":"192.0.2.1","type":"IP address","alternateId":"unknown","displayName":"192.0.2.1"}"#;
    check(
        "security.threat.detected",
        &[SUCCESS, address],
        expect![[r#"
        api-activity unresolved programmatic, not authenticated
          initiator ? `192.0.2.1`
    "#]],
    );
    check(
        "app.inbound",
        &[SUCCESS, r#""actor":{"id":"0oaapp","type":"AppInstance"}"#],
        expect![[r#"
        api-activity okta:org:0oaapp programmatic
          initiator okta:org:0oaapp shared
    "#]],
    );
    check(
        "x",
        &[r#""actor":null"#],
        expect![[r#"
        api-activity unresolved programmatic, not authenticated
          initiator ?
    "#]],
    );
    check(
        "x",
        &[r#""actor":{"id":7,"type":[],"alternateId":{}}"#],
        expect![[r#"
        api-activity unresolved programmatic, not authenticated
          initiator ?
    "#]],
    );
}

#[test]
fn an_act_is_on_the_user_among_its_targets() {
    let token = r#"{"id":"00Tkey","type":"Token","displayName":"ci"}"#;
    check(
        "system.api_token.revoke",
        &[SUCCESS, SESSION, &format!(r#""target":[{token},{BOB}]"#)],
        expect![[r#"
        account-change okta:org:00ualice interactive
          session 102s
          initiator okta:org:00ualice `alice@example.com`
          on okta:org:00ubob token 00Tkey
    "#]],
    );
    check(
        "user.mfa.factor.reset_all",
        &[SUCCESS, SESSION, &format!(r#""target":[{BOB}]"#)],
        expect![[r#"
        account-change okta:org:00ualice interactive
          session 102s
          initiator okta:org:00ualice `alice@example.com`
          on okta:org:00ubob
    "#]],
    );
    check(
        "user.mfa.factor.reset_all",
        &[SUCCESS, SESSION, r#""target":[{"id":"unknown","type":"User"}]"#],
        expect![[r#"
            account-change okta:org:00ualice interactive
              session 102s
              initiator okta:org:00ualice `alice@example.com`
        "#]],
    );
    for odd in [r#""target":{}"#, r#""target":"00ubob""#, r#""target":[7,null,"x",[]]"#, r#""target":null"#] {
        assert_eq!(event("user.mfa.factor.reset_all", odd).target, None, "{odd}");
    }
}
