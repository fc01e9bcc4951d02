//! Whole records: every field, spellings, times, other JSON types, what is missing.

use countersign_formats::{Format, Okta, Record};
use countersign_model::Value;
use countersign_model::vocabulary::FieldId;
use expect_test::{Expect, expect};

use crate::summary::{event_of, fields, parties, records_of};
use crate::{BROWSER, FAILURE, SESSION, SUCCESS, dead_letter, event, record};

/// A record with a value for nearly everything.
const FULL: &str = r#"{"uuid":"u-1","published":"2024-05-01T10:00:00.123Z","eventType":"user.session.start","version":"0","severity":"WARN","legacyEventType":"core.user_auth.login_success",
    "displayMessage":"User login to Okta","actor":{"id":"00ualice","type":"User","alternateId":"alice@example.com","displayName":"Alice"},
    "client":{"id":"0oaclient","ipAddress":"198.51.100.7","device":"Computer","zone":"null","userAgent":{"rawUserAgent":"Mozilla/5.0","os":"Mac OS 14.4.1 (Sonoma)","browser":"CHROME"},
    "geographicalContext":{"city":"Bern","state":null,"country":"Switzerland","geolocation":{"lat":46.9481,"lon":7}}},"device":{"id":"guo1","name":"laptop"},
    "authenticationContext":{"externalSessionId":"102s","rootSessionId":"101r","authenticationProvider":"FACTOR_PROVIDER","credentialType":"OTP","issuer":{"id":"https://example.okta.com","type":"ORG"}},
    "securityContext":{"asNumber":64500,"asOrg":"example networks","isp":"example isp","domain":"example.net","isProxy":false},"outcome":{"result":"SUCCESS","reason":null},
    "target":[{"id":"lae1","type":"AuthenticatorEnrollment","displayName":"Password","alternateId":"unknown"},{"id":"pfd1","type":"AuthenticatorEnrollment","displayName":"Okta Verify","detailEntry":{"methodTypeUsed":"Get a push notification"}},
    {"id":"0oaapp","type":"AppInstance","displayName":"Dashboard"},{"id":"00g1","type":"UserGroup","displayName":"Admins"},{"id":"00p1","type":"PolicyEntity","displayName":"Strict"}],
    "transaction":{"id":"t-1","type":"WEB","detail":{}},"request":{"ipChain":[{"ip":"198.51.100.7"},{"ip":"203.0.113.9"},{}]},
    "debugContext":{"debugData":{"factor":"OKTA_VERIFY_PUSH","requestId":"r-1","dtHash":"d1","deviceFingerprint":"f1","signOnMode":"SAML 2.0","privilegeGranted":"Super administrator, Read only admin","risk":"{reasons=New IP, level=HIGH}"}},"extra":[1]}"#;

fn check_fields(event_type: &str, members: &[&str], prefixes: &[&str], expected: Expect) {
    expected.assert_eq(&fields(&event(event_type, &members.join(",")), prefixes));
}

#[test]
fn every_field_of_a_full_record() {
    let event = event_of(&Okta, &FULL.replace('\n', " "));
    let all: Vec<&str> = [
        "metadata", "activity", "class", "severity", "message", "status", "action", "is_", "auth", "risk", "priv",
        "service", "api",
    ]
    .into();
    expect![[r#"
        metadata.uid = "u-1"
        metadata.event_code = "user.session.start"
        metadata.product.name = "Okta System Log"
        metadata.correlation_uid = "t-1"
        class_uid = Unsigned(3002)
        activity_id = Unsigned(1)
        severity_id = Unsigned(3)
        message = "User login to Okta"
        status_id = Unsigned(1)
        status_code = "SUCCESS"
        action_id = Unsigned(1)
        is_mfa = Boolean(true)
        auth_protocol = "SAML 2.0"
        auth_factors.factor_type = ["OKTA_VERIFY_PUSH", "OTP", "Password", "Okta Verify", "Get a push notification"]
        risk_level = "HIGH"
        privileges = ["Super administrator", "Read only admin"]
        service.name = "Dashboard"
        service.uid = "0oaapp"
        api.request.uid = "r-1"
    "#]]
    .assert_eq(&fields(&event, &all));
    expect![[r#"
        actor.user.uid = "00ualice"
        actor.user.name = "alice@example.com"
        actor.user.type = "User"
        actor.user.account.uid = "org"
        actor.session.uid = "102s"
        actor.session.issuer = "https://example.okta.com"
        actor.idp.name = "FACTOR_PROVIDER"
        actor.app_uid = "0oaclient"
        group.name = "Admins"
        group.uid = "00g1"
        policy.uid = "00p1"
        policy.name = "Strict"
        resources.uid = ["lae1", "pfd1", "0oaapp", "00g1", "00p1"]
        resources.name = ["Password", "Okta Verify", "Dashboard", "Admins", "Strict"]
        resources.type = ["AuthenticatorEnrollment", "AuthenticatorEnrollment", "AppInstance", "UserGroup", "PolicyEntity"]
        session.uid = "102s"
        device.uid = "guo1"
        device.hostname = "laptop"
        device.os.name = "macOS"
        src_endpoint.ip = Address(198.51.100.7)
        src_endpoint.intermediate_ips = ["198.51.100.7", "203.0.113.9"]
        src_endpoint.location.country = "Switzerland"
        src_endpoint.location.city = "Bern"
        src_endpoint.location.lat = Float(46.9481)
        src_endpoint.location.long = Float(7.0)
        src_endpoint.location.isp = "example isp"
        src_endpoint.autonomous_system.number = Unsigned(64500)
        src_endpoint.autonomous_system.name = "example networks"
        http_request.user_agent = "Mozilla/5.0"
        unmapped = {"authenticationContext":{"externalSessionId":"102s","rootSessionId":"101r","authenticationProvider":"FACTOR_PROVIDER","credentialType":"OTP","issuer":{"id":"https://example.okta.com","type":"ORG"}},"client":{"id":"0oaclient","ipAddress":"198.51.100.7","device":"Computer","zone":"null","userAgent":{"rawUserAgent":"Mozilla/5.0","os":"Mac OS 14.4.1 (Sonoma)","browser":"CHROME"},     "geographicalContext":{"city":"Bern","state":null,"country":"Switzerland","geolocation":{"lat":46.9481,"lon":7}}},"debugContext":{"debugData":{"factor":"OKTA_VERIFY_PUSH","requestId":"r-1","dtHash":"d1","deviceFingerprint":"f1","signOnMode":"SAML 2.0","privilegeGranted":"Super administrator, Read only admin","risk":"{reasons=New IP, level=HIGH}"}},"device":{"id":"guo1","name":"laptop"},"securityContext":{"asNumber":64500,"asOrg":"example networks","isp":"example isp","domain":"example.net","isProxy":false},"transaction":{"id":"t-1","type":"WEB","detail":{}},"version":"0","extra":[1]}
    "#]].assert_eq(&fields(
        &event,
        &["actor", "user", "group", "policy", "resources", "entity", "session", "device", "src", "http", "unmapped"],
    ));
    assert_eq!((&*event.tenant, &*event.source, &*event.id), ("org", "okta", "u-1"));
    assert_eq!(event.time.to_string(), "2024-05-01T10:00:00.123Z");
}

#[test]
fn names_are_known_in_any_spelling() {
    let first = event_of(&Okta, &FULL.replace('\n', " "));
    for respelled in [
        FULL.replace("eventType", "eventtype")
            .replace("debugContext", "debugcontext")
            .replace("authenticationContext", "authenticationcontext"),
        FULL.replace("eventType", "event_type")
            .replace("ipAddress", "ip_address")
            .replace("alternateId", "alternate_id")
            .replace("securityContext", "security_context"),
    ] {
        let event = event_of(&Okta, &respelled.replace('\n', " "));
        assert_eq!(parties(&event), parties(&first));
        let but_raw = |event| {
            let all = fields(event, &[""]);
            all.lines().filter(|line| !line.starts_with("raw_data")).map(str::to_owned).collect::<Vec<String>>()
        };
        assert!(but_raw(&event).len() > 40);
        let spelled_back = |lines: Vec<String>| {
            lines.join("\n").replace("ip_address", "ipAddress").replace("alternate_id", "alternateId")
        };
        assert_eq!(spelled_back(but_raw(&event)), spelled_back(but_raw(&first)));
    }
}

#[test]
fn times_have_a_zone_or_are_utc() {
    for (published, expected) in [
        ("2024-05-02 18:46:21.121000000", "2024-05-02T18:46:21.121Z"),
        ("2024-05-02T18:46:21.121Z", "2024-05-02T18:46:21.121Z"),
        ("2021-01-08 21:28:34.875", "2021-01-08T21:28:34.875Z"),
        ("2024-05-02T20:46:21+02:00", "2024-05-02T18:46:21Z"),
        ("1714675581121", "2024-05-02T18:46:21.121Z"),
    ] {
        let json = record("x", "").replace("2024-05-01T10:00:00.000Z", published);
        assert_eq!(event_of(&Okta, &json).time.to_string(), expected, "{published}");
    }
    for published in [r#""yesterday""#, "17145", "{}", r#""@1us""#, r#""2024-05-02Z""#, r#""2024-13-01 00:00:00""#] {
        let json = record("x", "").replace(r#""2024-05-01T10:00:00.000Z""#, published);
        assert_eq!(dead_letter(&json).reason_code.code(), "event-time-invalid", "{published}");
    }
    let without = record("x", "").replace(r#""published":"2024-05-01T10:00:00.000Z","#, "");
    assert_eq!(event_of(&Okta, &without).time.to_string(), "1970-01-01T00:00:00Z");
    let moved = without.replacen('{', r#"{"@timestamp":"2024-05-02T18:46:21.121Z","#, 1);
    assert_eq!(event_of(&Okta, &moved).time.to_string(), "2024-05-02T18:46:21.121Z");
    let collected = without.replacen('{', r#"{"p_event_time":"2024-05-02 18:46:21.121","#, 1);
    assert_eq!(event_of(&Okta, &collected).time.to_string(), "2024-05-02T18:46:21.121Z");
    let received = event("x", r#""countersign.ingestTime":"2024-05-01T10:00:09Z""#);
    assert_eq!(received.ingest_time.to_string(), "2024-05-01T10:00:09Z");
}

#[test]
fn what_is_no_event_is_a_dead_letter() {
    for (json, code) in [
        (r#"{"uuid":"u","published":"2024-05-01T10:00:00Z"}"#, "event-name-missing"),
        (r#"{"published":"2024-05-01T10:00:00Z","eventType":7}"#, "event-name-missing"),
        ("[1]", "not-an-object"),
        (r#"{"eventType":"x""#, "truncated"),
        (r#"{"eventType":x}"#, "malformed-json"),
    ] {
        assert_eq!(dead_letter(json).reason_code.code(), code, "{json}");
    }
    let legacy =
        event_of(&Okta, r#"{"published":"2024-05-01T10:00:00Z","legacyEventType":"core.user_auth.login_success"}"#);
    assert_eq!(legacy.fields.text(FieldId::MetadataEventCode), Some("core.user_auth.login_success"));
}

#[test]
fn another_json_type_is_a_wrong_type_and_no_dead_letter() {
    check_fields(
        "application.lifecycle.update",
        &[
            r#""severity":1,"displayMessage":{},"outcome":{"result":1,"reason":[]},"client":{"ipAddress":"here","userAgent":{"os":1,"rawUserAgent":2},"geographicalContext":{"city":1,"country":[],
            "geolocation":{"lat":"north","lon":181}}},"securityContext":{"asNumber":-1,"asOrg":1,"isp":{}},"target":"x","transaction":{"id":1},"request":{"ipChain":"x"},
            "debugContext":{"debugData":{"requestId":1,"factor":2,"risk":3,"privilegeGranted":{}}},"authenticationContext":{"externalSessionId":5},"actor":{"id":1,"type":2,"alternateId":3}"#,
        ],
        &["m", "s", "a", "r", "p", "e", "d", "u", "h"],
        expect![[r#"
            metadata.uid = "u-1"
            metadata.event_code = "application.lifecycle.update"
            metadata.product.name = "Okta System Log"
            metadata.correlation_uid = WrongType
            severity_id = WrongType
            message = WrongType
            status_code = WrongType
            status_detail = WrongType
            privileges = WrongType
            api.request.uid = WrongType
            actor.user.uid = WrongType
            actor.user.name = WrongType
            actor.user.type = WrongType
            actor.session.uid = WrongType
            resources.uid = WrongType
            resources.name = WrongType
            resources.type = WrongType
            src_endpoint.ip = WrongType
            src_endpoint.intermediate_ips = WrongType
            src_endpoint.location.country = WrongType
            src_endpoint.location.city = WrongType
            src_endpoint.location.lat = WrongType
            src_endpoint.location.long = WrongType
            src_endpoint.location.isp = WrongType
            src_endpoint.autonomous_system.number = WrongType
            src_endpoint.autonomous_system.name = WrongType
            http_request.user_agent = WrongType
            unmapped = {"authenticationContext":{"externalSessionId":5},"client":{"ipAddress":"here","userAgent":{"os":1,"rawUserAgent":2},"geographicalContext":{"city":1,"country":[],             "geolocation":{"lat":"north","lon":181}}},"debugContext":{"debugData":{"requestId":1,"factor":2,"risk":3,"privilegeGranted":{}}},"securityContext":{"asNumber":-1,"asOrg":1,"isp":{}},"transaction":{"id":1}}
            raw_data = {"uuid":"u-1","published":"2024-05-01T10:00:00.000Z","eventType":"application.lifecycle.update","severity":1,"displayMessage":{},"outcome":{"result":1,"reason":[]},"client":{"ipAddress":"here","userAgent":{"os":1,"rawUserAgent":2},"geographicalContext":{"city":1,"country":[],             "geolocation":{"lat":"north","lon":181}}},"securityContext":{"asNumber":-1,"asOrg":1,"isp":{}},"target":"x","transaction":{"id":1},"request":{"ipChain":"x"},             "debugContext":{"debugData":{"requestId":1,"factor":2,"risk":3,"privilegeGranted":{}}},"authenticationContext":{"externalSessionId":5},"actor":{"id":1,"type":2,"alternateId":3}}
        "#]],
    );
    for odd in ["7", "[]", "\"x\"", "null", "true"] {
        let names = [
            "actor",
            "client",
            "outcome",
            "target",
            "transaction",
            "request",
            "device",
            "debugContext",
            "authenticationContext",
            "securityContext",
        ];
        let members: Vec<String> = names.iter().map(|name| format!(r#""{name}":{odd}"#)).collect();
        assert_eq!(event("x", &members.join(",")).actor.account, None, "{odd}");
    }
}

#[test]
fn what_is_not_said_is_absent() {
    check_fields(
        "user.session.start",
        &[
            r#""client":{"ipAddress":null,"userAgent":{"os":"Unknown","browser":"UNKNOWN"},"geographicalContext":{"geolocation":null}},"securityContext":{"asNumber":0,"asOrg":""}"#,
        ],
        &["s", "d", "a", "is_"],
        expect![[r#"
            activity_id = Unsigned(1)
            actor.user.uid = "00ualice"
            actor.user.name = "alice@example.com"
            actor.user.type = "User"
            actor.user.account.uid = "org"
        "#]],
    );
    check_fields(
        "user.session.start",
        &[
            r#""actor":{"id":"unknown","type":"User","alternateId":"unknown"},"authenticationContext":{"externalSessionId":"unknown"}"#,
        ],
        &["actor", "session"],
        expect![[r#"
            actor.user.type = "User"
        "#]],
    );
}

#[test]
fn denied_pushes_say_so_in_one_way() {
    let push = r#""debugContext":{"debugData":{"factor":"OKTA_VERIFY_PUSH"}}"#;
    let prefixes = &["metadata.event_code", "status_id", "status_detail", "auth_factors", "is_mfa", "activity"];
    check_fields(
        "user.mfa.okta_verify.deny_push",
        &[SUCCESS],
        prefixes,
        expect![[r#"
        metadata.event_code = "user.mfa.okta_verify.deny_push"
        activity_id = Unsigned(6)
        status_id = Unsigned(2)
        auth_factors.factor_type = ["OKTA_VERIFY_PUSH"]
    "#]],
    );
    check_fields(
        "user.authentication.auth_via_mfa",
        &[FAILURE, push],
        prefixes,
        expect![[r#"
        metadata.event_code = "user.authentication.auth_via_mfa"
        activity_id = Unsigned(6)
        status_id = Unsigned(2)
        status_detail = "INVALID_CREDENTIALS"
        auth_factors.factor_type = ["OKTA_VERIFY_PUSH"]
    "#]],
    );
    check_fields(
        "user.authentication.auth_via_mfa",
        &[SUCCESS, push],
        prefixes,
        expect![[r#"
        metadata.event_code = "user.authentication.auth_via_mfa"
        activity_id = Unsigned(6)
        status_id = Unsigned(1)
        is_mfa = Boolean(true)
        auth_factors.factor_type = ["OKTA_VERIFY_PUSH"]
    "#]],
    );
}

#[test]
fn a_device_is_what_its_management_calls_it_and_not_what_the_caller_sends() {
    let debug = r#""debugContext":{"debugData":{"dtHash":"d1","deviceFingerprint":"f1"}}"#;
    check_fields("user.session.start", &[SUCCESS, debug], &["device.uid"], expect![""]);
    check_fields(
        "user.session.start",
        &[SUCCESS, debug, r#""device":{"id":"guo1"}"#],
        &["device.uid"],
        expect![[r#"
            device.uid = "guo1"
        "#]],
    );
}

#[test]
fn risk_is_read_in_all_its_forms() {
    for (debug, expected) in [
        (r#""risk":"{level=LOW}""#, Some("LOW")),
        (r#""risk":"{reasons=New City, level=HIGH}""#, Some("HIGH")),
        (r#""risk":{"level":"MEDIUM"}"#, Some("MEDIUM")),
        (r#""logOnlySecurityData":{"risk":{"level":"LOW"}}"#, Some("LOW")),
        (r#""logOnlySecurityData":"{\"risk\":{\"level\":\"LOW\"}}""#, Some("LOW")),
        (r#""logOnlySecurityData":"{\"risk\":""#, None),
        (r#""risk":"{}""#, None),
        (r#""risk":"level=LOW""#, None),
    ] {
        let event = event("x", &format!(r#""debugContext":{{"debugData":{{{debug}}}}}"#));
        assert_eq!(event.fields.text(FieldId::RiskLevel), expected, "{debug}");
    }
}

#[test]
fn entities_and_refusals() {
    let app = r#""target":[{"id":"0oa1","type":"AppInstance","displayName":"Org2Org"}]"#;
    check_fields(
        "application.lifecycle.update",
        &[SUCCESS, app],
        &["entity", "service", "class", "activity", "action"],
        expect![[r#"
            class_uid = Unsigned(3004)
            action_id = Unsigned(1)
            service.name = "Org2Org"
            service.uid = "0oa1"
            entity.uid = "0oa1"
            entity.name = "Org2Org"
            entity.type = "AppInstance"
        "#]],
    );
    check_fields(
        "app.generic.unauth_app_access_attempt",
        &[FAILURE, SESSION, BROWSER, app],
        &["entity", "service", "class", "action", "status"],
        expect![[r#"
            class_uid = Unsigned(6003)
            status_id = Unsigned(2)
            status_code = "FAILURE"
            status_detail = "INVALID_CREDENTIALS"
            action_id = Unsigned(2)
            service.name = "Org2Org"
            service.uid = "0oa1"
        "#]],
    );
    check_fields(
        "system.operation.rate_limit.violation",
        &[r#""outcome":{"result":"DENY"}"#],
        &["action", "status"],
        expect![[r#"
            status_id = Unsigned(2)
            status_code = "DENY"
            action_id = Unsigned(2)
        "#]],
    );
}

#[test]
fn hostile_text_and_depth_stay_within_their_field() {
    let deep = format!(r#""debugContext":{}{}"#, "[".repeat(200_000), "]".repeat(200_000));
    assert_eq!(event("user.session.start", &deep).class.uid(), 3002);
    let deep_target = format!(r#""target":[{}{}]"#, "[".repeat(200_000), "]".repeat(200_000));
    assert_eq!(event("user.session.start", &deep_target).target, None);
    let hostile = event("x", r#""actor":{"id":"00u:1%\u0000\"","type":"User","alternateId":"a\nb\u202e"}"#);
    assert_eq!(hostile.actor.account.as_ref().map(ToString::to_string).as_deref(), Some("okta:org:00u%3A1%25\0\""));
    assert_eq!(hostile.fields.text(FieldId::ActorUserName), Some("a\nb\u{202e}"));
    // Half of a surrogate pair is no text.
    let broken = event("x", r#""displayMessage":"\ud800""#);
    assert_eq!(broken.fields.get(FieldId::Message), Some(&Value::WrongType));
}

#[test]
fn ids_are_the_uuid_or_made_of_the_content_and_arrays_are_read_as_lines_are() {
    let one = record("x", "").replace(r#""uuid":"u-1","#, "");
    let lines = records_of(&Okta, &format!("{one}\n{one}\n{}\n", record("y", "")));
    let array = records_of(&Okta, &format!("[{one},\n {one}, {}]", record("y", "")));
    let ids = |records: &[Record]| -> Vec<String> {
        records
            .iter()
            .map(|record| match record {
                Record::Event { event, .. } => event.id.to_string(),
                Record::DeadLetter(letter) => panic!("{letter:?}"),
            })
            .collect()
    };
    assert_eq!(ids(&lines), ids(&array));
    let [first, second, third] = <[String; 3]>::try_from(ids(&lines)).unwrap();
    assert!(first.starts_with("sha256-") && first.ends_with("-0") && second.ends_with("-1"), "{first} {second}");
    assert_eq!(third, "u-1");
}

#[test]
fn every_field_has_a_row() {
    let rows: Vec<FieldId> = Okta.fields().into_iter().map(|(field, _)| field).collect();
    let event = event_of(&Okta, &FULL.replace('\n', " "));
    for (field, _) in event.fields.iter() {
        assert!(rows.iter().any(|row| row.field().path == field.path), "{}", field.path);
    }
}
