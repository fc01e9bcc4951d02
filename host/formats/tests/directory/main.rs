//! What an event of a directory becomes: raw JSON in, a summary of the event out.
#![expect(clippy::panic, reason = "helpers of tests, which clippy takes for other code")]

#[path = "../summary/mod.rs"]
mod summary;

use countersign_formats::DirectoryLog;
use countersign_model::vocabulary::FieldId;
use countersign_model::{Event, Value};
use expect_test::{Expect, expect};
use summary::{dead_letter_of, event_of, fields, parties};

const ALICE: &str = r#"{"type":"account","id":"acc-alice","name":"alice","account_type":"person"}"#;
const ALICE_IN: &str = r#"{"type":"account","id":"acc-alice","name":"alice","account_type":"person","session":"ses-1","credential":"crd-1"}"#;
const CONNECTOR: &str = r#"{"type":"principal","id":"prn-1","name":"connector"}"#;

fn record(kind: &str, actor: &str, members: &str) -> String {
    let comma = if members.is_empty() { "" } else { "," };
    format!(
        r#"{{"directory":"acme","sequence":7,"id":"evt-1","time":"2026-03-02T09:00:00.5Z","type":"{kind}","actor":{actor}{comma}{members}}}"#
    )
}

fn event(kind: &str, actor: &str, members: &str) -> Box<Event> {
    event_of(&DirectoryLog, &record(kind, actor, members))
}

fn check(kind: &str, actor: &str, members: &str, expected: Expect) {
    expected.assert_eq(&parties(&event(kind, actor, members)));
}

const SUCCESS: &str = r#""outcome":"success""#;
const FAILURE: &str = r#""outcome":"failure","reason":"wrong-password""#;

#[test]
fn who_signs_in_is_proved_by_success_alone() {
    check(
        "session.started",
        ALICE_IN,
        SUCCESS,
        expect![[r#"
        authentication directory:acme:acc-alice interactive
          session ses-1
          token crd-1
          initiator directory:acme:acc-alice `alice`
    "#]],
    );
    check(
        "session.started",
        ALICE,
        FAILURE,
        expect![[r#"
        authentication directory:acme:acc-alice interactive, not authenticated
          initiator directory:acme:acc-alice `alice`
    "#]],
    );
    check(
        "session.started",
        r#"{"type":"anonymous","name":"nobody"}"#,
        FAILURE,
        expect![[r#"
        authentication unresolved programmatic, not authenticated
          initiator ? `nobody`
    "#]],
    );
    let key = r#"{"type":"account","id":"acc-job","name":"job","account_type":"service","session":"ses-2","credential":"crd-2"}"#;
    check(
        "session.started",
        key,
        SUCCESS,
        expect![[r#"
        authentication directory:acme:acc-job programmatic
          session ses-2
          token crd-2
          initiator directory:acme:acc-job `job` service-account
    "#]],
    );
}

#[test]
fn a_refresh_token_is_proof_unless_it_was_used_before() {
    let actor = r#"{"type":"account","id":"acc-alice","name":"alice","account_type":"person","session":"ses-1","token":"tok-1"}"#;
    check(
        "token.refreshed",
        actor,
        SUCCESS,
        expect![[r#"
        authentication directory:acme:acc-alice interactive
          session ses-1
          token tok-1
          initiator directory:acme:acc-alice `alice`
    "#]],
    );
    check(
        "token.refreshed",
        actor,
        r#""outcome":"failure","reason":"account-suspended""#,
        expect![[r#"
        authentication directory:acme:acc-alice interactive, not authenticated
          session ses-1
          token tok-1
          initiator directory:acme:acc-alice `alice`
    "#]],
    );
    check(
        "token.reused",
        actor,
        r#""outcome":"failure","reason":"token-reused""#,
        expect![[r#"
        authentication directory:acme:acc-alice interactive, not authenticated
          session ses-1
          token tok-1
          initiator directory:acme:acc-alice `alice`
    "#]],
    );
}

#[test]
fn administration_is_proved_by_a_credential_or_a_session() {
    let target = format!(r#""target":{ALICE},{SUCCESS}"#);
    check(
        "account.suspended",
        CONNECTOR,
        &target,
        expect![[r#"
        account-change directory:acme:prn-1 programmatic
          initiator directory:acme:prn-1 `connector` service-account
          on directory:acme:acc-alice
    "#]],
    );
    check(
        "account.unsuspended",
        r#"{"type":"system"}"#,
        &target,
        expect![[r#"
        account-change directory:acme:system programmatic, not authenticated
          initiator directory:acme:system workload
          on directory:acme:acc-alice
    "#]],
    );
    check(
        "account.created",
        r#"{"type":"console"}"#,
        &target,
        expect![[r#"
        account-change unresolved programmatic, not authenticated
          initiator ?
          on directory:acme:acc-alice
    "#]],
    );
    check(
        "access.denied",
        ALICE_IN,
        r#""outcome":"failure","scope":"accounts.write""#,
        expect![[r#"
        api-activity directory:acme:acc-alice interactive
          session ses-1
          token crd-1
          initiator directory:acme:acc-alice `alice`
    "#]],
    );
    let credential = r#""target":{"type":"credential","id":"crd-9","kind":"api-key","account":"acc-job","account_type":"service"},"outcome":"success""#;
    check(
        "credential.disabled",
        CONNECTOR,
        credential,
        expect![[r#"
        account-change directory:acme:prn-1 programmatic
          initiator directory:acme:prn-1 `connector` service-account
          on directory:acme:acc-job service-account token crd-9
    "#]],
    );
    let session =
        r#""target":{"type":"session","id":"ses-1","account":"acc-alice","account_name":"alice"},"outcome":"success""#;
    check(
        "session.ended",
        CONNECTOR,
        session,
        expect![[r#"
        authentication directory:acme:prn-1 programmatic
          initiator directory:acme:prn-1 `connector` service-account
          on directory:acme:acc-alice
    "#]],
    );
}

#[test]
fn every_field_of_a_sign_in_and_of_a_membership() {
    let members = r#""outcome":"success","session":"ses-1","factors":["password","totp"],
        "request":{"id":"req-1","idempotency_key":"key-1","address":"192.0.2.7","proxy":"127.0.0.1","user_agent":"curl/8"},"extra":[1]"#;
    let prefixes = [
        "metadata", "activity", "class", "status", "action", "is_", "auth", "api", "actor", "session", "src", "http",
        "unmapped",
    ];
    expect![[r#"
        metadata.uid = "evt-1"
        metadata.event_code = "session.started"
        metadata.product.name = "Countersign directory"
        metadata.correlation_uid = "key-1"
        class_uid = Unsigned(3002)
        activity_id = Unsigned(1)
        status_id = Unsigned(1)
        status_code = "success"
        action_id = Unsigned(1)
        is_mfa = Boolean(true)
        auth_factors.factor_type = ["password", "totp"]
        api.request.uid = "req-1"
        actor.user.uid = "acc-alice"
        actor.user.name = "alice"
        actor.user.type = "person"
        actor.user.account.uid = "acme"
        actor.user.credential_uid = "crd-1"
        actor.session.uid = "ses-1"
        session.uid = "ses-1"
        src_endpoint.ip = Address(192.0.2.7)
        src_endpoint.intermediate_ips = ["127.0.0.1"]
        http_request.user_agent = "curl/8"
        unmapped = {"sequence":7,"extra":[1]}
    "#]]
    .assert_eq(&fields(&event("session.started", ALICE_IN, &members.replace('\n', " ")), &prefixes));
    let group = r#""group":{"type":"group","id":"grp-1","name":"payroll"}"#;
    let members = format!(r#""target":{ALICE},{group},{SUCCESS},"changes":{{"since":["a",null]}}"#);
    let prefixes = ["activity", "class", "actor", "user", "group", "entity", "unmapped"];
    expect![[r#"
        class_uid = Unsigned(3006)
        activity_id = Unsigned(4)
        actor.user.uid = "prn-1"
        actor.user.name = "connector"
        actor.user.type = "principal"
        actor.user.account.uid = "acme"
        user.uid = "acc-alice"
        user.name = "alice"
        user.account.uid = "acme"
        user.type = "person"
        group.name = "payroll"
        group.uid = "grp-1"
        unmapped = {"sequence":7,"changes":{"since":["a",null]}}
    "#]]
    .assert_eq(&fields(&event("group.member-removed", CONNECTOR, &members), &prefixes));
    let members = format!(r#""target":{{"type":"principal","id":"prn-2","name":"reader"}},{SUCCESS}"#);
    expect![[r#"
        class_uid = Unsigned(3004)
        activity_id = Unsigned(1)
        actor.user.uid = "prn-1"
        actor.user.name = "connector"
        actor.user.type = "principal"
        actor.user.account.uid = "acme"
        user.uid = "prn-2"
        user.name = "reader"
        user.account.uid = "acme"
        entity.uid = "prn-2"
        entity.name = "reader"
        entity.type = "principal"
        unmapped = {"sequence":7}
    "#]]
    .assert_eq(&fields(&event("principal.created", CONNECTOR, &members), &prefixes));
}

#[test]
fn odd_members_are_marked_and_nothing_is_guessed() {
    let odd =
        event("session.started", r#"{"type":"account","id":7,"name":[]}"#, r#""outcome":true,"factors":"password""#);
    assert!(odd.actor.account.is_none() && !odd.actor.authenticated);
    for field in [FieldId::ActorUserName, FieldId::StatusCode, FieldId::AuthFactorsFactorType] {
        assert_eq!(odd.fields.get(field), Some(&Value::WrongType), "{field:?}");
    }
    // Whose directory it is isn't said: nobody is known.
    let nowhere = event_of(&DirectoryLog, &record("session.started", ALICE_IN, SUCCESS).replace("\"acme\"", "null"));
    assert!(nowhere.actor.account.is_none() && !nowhere.actor.authenticated);
    assert_eq!(&*nowhere.tenant, "unknown");
    let letter = dead_letter_of(&DirectoryLog, &record("session.started", ALICE, "").replace("\"time\"", "\"at\""));
    assert_eq!(letter.reason_code.code(), "event-time-missing");
    let letter =
        dead_letter_of(&DirectoryLog, &record("session.started", ALICE, "").replace("\"session.started\"", "1"));
    assert_eq!(letter.reason_code.code(), "event-name-missing");
}
