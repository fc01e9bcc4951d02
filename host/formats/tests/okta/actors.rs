//! Who acted, how, whether they authenticated, and on whom.

use countersign_model::Value;
use countersign_model::vocabulary::FieldId;
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
            authentication okta:org:00ualice interactive, not authenticated
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
fn only_listed_events_prove_that_their_actor_authenticated() {
    let system = r#""actor":{"id":"okta.system","type":"SystemPrincipal"}"#;
    let client = r#""actor":{"id":"0oaclient","type":"PublicClientApp"}"#;
    let token = r#""transaction":{"id":"t","type":"WEB","detail":{"requestApiTokenId":"00Tkey"}}"#;
    let push = r#""debugContext":{"debugData":{"factor":"OKTA_VERIFY_PUSH"}}"#;
    let password = r#""debugContext":{"debugData":{"factor":"PASSWORD_AS_FACTOR"}}"#;
    let own = r#""debugContext":{"debugData":{"grantType":"client_credentials"}}"#;
    let (on_bob, on_alice) =
        (format!(r#""target":[{BOB}]"#), r#""target":[{"id":"00ualice","type":"User"}]"#.to_owned());
    let cases: &[(&str, &[&str], bool)] = &[
        ("user.session.start", &[SUCCESS], true),
        ("user.session.start", &[SUCCESS, client], false),
        ("user.session.start", &[r#""outcome":{"result":"CHALLENGE"}"#, SESSION], false),
        ("user.authentication.sso", &[SUCCESS, SESSION], true),
        ("user.authentication.sso", &[FAILURE, SESSION], false),
        // The second factor; the first, which Okta logs alike; one that isn't named.
        ("user.authentication.auth_via_mfa", &[SUCCESS, SESSION, push], true),
        ("user.authentication.auth_via_mfa", &[FAILURE, SESSION, push], false),
        ("user.authentication.auth_via_mfa", &[SUCCESS, SESSION, password], false),
        ("user.authentication.auth_via_mfa", &[SUCCESS, SESSION], false),
        ("user.authentication.auth_via_IDP", &[SUCCESS, SESSION], false),
        ("user.authentication.auth_via_AD_agent", &[SUCCESS, SESSION], false),
        ("user.authentication.auth_via_radius", &[SUCCESS, SESSION], false),
        ("user.authentication.verify", &[SUCCESS, SESSION], false),
        ("policy.evaluate_sign_on", &[r#""outcome":{"result":"ALLOW"}"#, SESSION], false),
        // Anyone who types a name has these written.
        ("system.push.send_factor_verify_push", &[SUCCESS, SESSION], false),
        ("system.sms.send_factor_verify_message", &[SUCCESS, SESSION], false),
        ("system.email.send_factor_verify_message", &[SUCCESS, SESSION], false),
        ("system.org.rate_limit.warning", &[SUCCESS, SESSION, token], false),
        ("security.threat.detected", &[SUCCESS, SESSION], false),
        ("security.request.blocked", &[SUCCESS, SESSION], false),
        ("user.mfa.okta_verify.deny_push", &[SUCCESS, SESSION], false),
        ("user.mfa.attempt_bypass", &[FAILURE, SESSION], false),
        ("user.account.lock", &[SUCCESS, SESSION], false),
        ("user.account.unlock", &[SUCCESS, SESSION], false),
        ("user.account.unlock_token", &[SUCCESS, SESSION], false),
        ("user.account.report_suspicious_activity_by_enduser", &[SUCCESS, SESSION], false),
        ("user.risk.detect", &[SUCCESS, SESSION], false),
        ("user.session.context.change", &[SUCCESS, SESSION], false),
        // By a mailed link, to oneself; by an administrator, to another.
        ("user.account.reset_password", &[SUCCESS, SESSION], false),
        ("user.account.reset_password", &[SUCCESS, SESSION, &on_alice], false),
        ("user.account.reset_password", &[SUCCESS, SESSION, &on_bob], true),
        ("user.account.reset_password", &[SUCCESS, &on_bob], false),
        ("user.mfa.factor.activate", &[SUCCESS, SESSION, &on_alice], false),
        ("user.mfa.factor.deactivate", &[SUCCESS, token, &on_bob], true),
        ("user.mfa.factor.reset_all", &[FAILURE, SESSION, &on_bob], true),
        ("user.account.privilege.grant", &[FAILURE], false),
        ("user.account.privilege.grant", &[FAILURE, token], true),
        ("user.account.privilege.grant", &[r#""outcome":{"result":"UNKNOWN"}"#, SESSION], false),
        ("user.lifecycle.suspend", &[SUCCESS, system, &on_bob], false),
        ("policy.lifecycle.update", &[SUCCESS, SESSION], true),
        ("policy.rule.update", &[SUCCESS, client], true),
        ("app.generic.unauth_app_access_attempt", &[FAILURE], false),
        ("app.oauth2.token.grant", &[SUCCESS, client, own], true),
        ("app.oauth2.as.token.grant.access_token", &[SUCCESS, client, own], true),
        ("app.oauth2.token.grant", &[FAILURE, client, own], false),
        // A public client has no secret.
        ("app.oauth2.token.grant", &[SUCCESS, client], false),
        ("app.oauth2.token.detect_reuse", &[FAILURE, client, own], false),
        ("some.future.act", &[SUCCESS, SESSION, token], false),
    ];
    for (event_type, members, authenticated) in cases {
        let event = event(event_type, &members.join(","));
        assert!(event.actor.account.is_some(), "{event_type}");
        assert_eq!(event.actor.authenticated, *authenticated, "{event_type} {members:?}");
    }
    let of_bob = |factor: &str| event("user.authentication.auth_via_mfa", &[SUCCESS, factor].join(","));
    assert_eq!(of_bob(push).fields.get(FieldId::IsMfa), Some(&Value::Boolean(true)));
    assert_eq!(of_bob(password).fields.get(FieldId::IsMfa), None);
}

#[test]
fn tokens_and_jobs_are_programmatic() {
    let token = r#""transaction":{"id":"t","type":"WEB","detail":{"requestApiTokenId":"00Tkey"}}"#;
    check(
        "user.account.privilege.grant",
        &[SUCCESS, SESSION, BROWSER, token],
        expect![[r#"
        user-access okta:org:00ualice programmatic
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
            authentication okta:org:0oaclient delegated, not authenticated
              initiator okta:org:00ubob `bob@example.com`
              executor okta:org:0oaclient `Sync` shared
              on okta:org:00ubob
        "#]],
    );
    check(
        "app.oauth2.token.grant",
        &[SUCCESS, client, r#""debugContext":{"debugData":{"userId":"00ucarol"}}"#],
        expect![[r#"
            authentication okta:org:0oaclient delegated, not authenticated
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
            account-change okta:okta:system programmatic, not authenticated
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
            api-activity okta:org:0oaapp programmatic, not authenticated
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
