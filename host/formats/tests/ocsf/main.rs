//! What an OCSF event becomes: raw JSON in, a summary of the event out. One test a concern, one case a rule.
#![expect(clippy::panic, reason = "helpers of tests, which clippy takes for other code")]

mod security_lake;
#[path = "../summary/mod.rs"]
mod summary;

use countersign_formats::{Format, Ocsf};
use countersign_model::Event;
use countersign_model::vocabulary::FieldId;
use expect_test::{Expect, expect};
use summary::{bound_event_of, dead_letter_of, fields, parties};

/// A record with these members beside an id, a time and a product.
fn record(class: u32, members: &str) -> String {
    let product = if members.contains(r#""metadata":"#) {
        ""
    } else {
        r#""metadata":{"uid":"m-1","version":"1.3.0","tenant_uid":"t-1","product":{"name":"Directory","vendor_name":"Example"}},"#
    };
    format!(r#"{{{product}"class_uid":{class},"time":1714557600000,{}}}"#, members.replace('\n', " "))
}

fn event(class: u32, members: &str) -> Box<Event> {
    bound_event_of(&Ocsf, &record(class, members))
}

fn check(class: u32, members: &str, expected: Expect) {
    expected.assert_eq(&parties(&event(class, members)));
}

fn check_fields(class: u32, members: &str, prefixes: &[&str], expected: Expect) {
    expected.assert_eq(&fields(&event(class, members), prefixes));
}

const ALICE: &str = r#"{"uid":"u-alice","name":"alice","type":"User","type_id":1,"credential_uid":"k-1"}"#;
const BOB: &str = r#"{"uid":"u-bob","name":"bob","credential_uid":"k-2"}"#;

#[test]
fn every_class_has_its_event_and_others_are_dead_letters() {
    for class in [3001, 3002, 3003, 3004, 3005, 3006, 6003] {
        assert_eq!(event(class, r#""status_id":1"#).class.uid(), class);
    }
    let by_type = bound_event_of(&Ocsf, r#"{"type_uid":300201,"time":1}"#);
    assert_eq!(by_type.class.uid(), 3002);
    let letter = dead_letter_of(&Ocsf, &record(1007, r#""status_id":1"#));
    expect!["class-unsupported: expected one of the classes 3001 (account-change), 3002 (authentication), 3003 (authorize-session), 3004 (entity-management), 3005 (user-access), 3006 (group-management), 6003 (api-activity) in `class_uid`, got `1007`"].assert_eq(&format!("{}: {}", letter.reason_code.code(), letter.reason));
    for (json, code) in [
        (r#"{"time":1}"#, "class-unsupported"),
        (r#"{"class_uid":"sign-in","time":1}"#, "class-unsupported"),
        (r#"{"class_uid":3002}"#, "event-time-missing"),
        (r#"{"class_uid":3002,"time":"noon"}"#, "event-time-invalid"),
        (r#"{"class_uid":3002,"time":1"#, "truncated"),
        ("7", "not-an-object"),
    ] {
        assert_eq!(dead_letter_of(&Ocsf, json).reason_code.code(), code, "{json}");
    }
}

#[test]
fn of_authentication_the_user_acts() {
    check(
        3002,
        &format!(r#""activity_id":1,"status_id":1,"is_mfa":true,"user":{ALICE},"session":{{"uid":"s-1"}}"#),
        expect![[r#"
        authentication example:t-1:u-alice interactive
          session s-1
          token k-1
          initiator example:t-1:u-alice `alice`
    "#]],
    );
    check(
        3002,
        &format!(r#""status_id":2,"user":{ALICE}"#),
        expect![[r#"
        authentication example:t-1:u-alice programmatic, not authenticated
          token k-1
          initiator example:t-1:u-alice `alice`
    "#]],
    );
    check(
        3002,
        &format!(r#""activity_id":1,"status_id":1,"logon_type_id":2,"actor":{{"user":{BOB}}},"user":{ALICE}"#),
        expect![[r#"
        authentication example:t-1:u-alice interactive
          token k-1
          initiator example:t-1:u-bob `bob`
          executor example:t-1:u-alice `alice`
    "#]],
    );
    check(
        3002,
        &format!(r#""type_uid":300201,"status":"Success","actor":{{"user":{ALICE}}}"#),
        expect![[r#"
        authentication example:t-1:u-alice programmatic
          token k-1
          initiator example:t-1:u-alice `alice`
    "#]],
    );
    check(
        3002,
        r#""status_id":1,"user":{"name":"alice"}"#,
        expect![[r#"
        authentication unresolved programmatic, not authenticated
          initiator ?
    "#]],
    );
}

#[test]
fn of_other_classes_the_actor_acts_on_the_user() {
    check(
        3001,
        &format!(r#""activity_id":5,"status_id":1,"actor":{{"user":{ALICE}}},"user":{BOB}"#),
        expect![[r#"
        account-change example:t-1:u-alice programmatic
          token k-1
          initiator example:t-1:u-alice `alice`
          on example:t-1:u-bob token k-2
    "#]],
    );
    check(
        3005,
        &format!(
            r#""activity_id":1,"status_id":2,"actor":{{"user":{ALICE},"session":{{"uid":"s-1","issuer":"i-1"}}}},"user":{BOB}"#
        ),
        expect![[r#"
            user-access example:t-1:u-alice programmatic, not authenticated
              session s-1
              token k-1
              grant i-1
              initiator example:t-1:u-alice `alice`
              on example:t-1:u-bob token k-2
        "#]],
    );
    check(
        6003,
        &format!(r#""status_id":2,"actor":{{"user":{ALICE}}}"#),
        expect![[r#"
        api-activity example:t-1:u-alice programmatic, not authenticated
          token k-1
          initiator example:t-1:u-alice `alice`
    "#]],
    );
    check(
        6003,
        &format!(r#""activity_id":2,"status_id":1,"actor":{{"user":{ALICE},"invoked_by":"backup"}}"#),
        expect![[r#"
        api-activity example:t-1:u-alice delegated
          token k-1
          initiator example:t-1:u-alice `alice`
          executor ? `backup`
    "#]],
    );
}

#[test]
fn accounts_are_those_that_the_providers_own_sources_give() {
    check(
        6003,
        r#""activity_id":2,"status_id":1,"cloud":{"provider":"AWS","account":{"uid":"111122223333"}},"actor":{"user":{"uid":"AROA1:build","type":"AssumedRole","account":{"uid":"999999999999"}}}"#,
        expect![[r#"
            api-activity aws:999999999999:AROA1 programmatic
              session AROA1:build
              temporary
              initiator aws:999999999999:AROA1 shared
        "#]],
    );
    check(
        6003,
        r#""status_id":1,"cloud":{"provider":"AWS","account":{"uid":"111122223333"}},"actor":{"user":{"uid":"AIDA1"}}"#,
        expect![[r#"
            api-activity unresolved programmatic, not authenticated
              initiator ?
        "#]],
    );
    check(
        3001,
        r#""activity_id":5,"status_id":1,"metadata":{"product":{"vendor_name":"Okta"}},"actor":{"user":{"uid":"00u1","org":{"uid":"00o1"}}}"#,
        expect![[r#"
            account-change okta:org:00u1 programmatic
              initiator okta:org:00u1
        "#]],
    );
    // A product, but nothing that says whose account it is.
    check(
        3001,
        r#""status_id":1,"metadata":{"product":{"name":"Directory"}},"actor":{"user":{"uid":"u-1"}}"#,
        expect![[r#"
            account-change unresolved programmatic, not authenticated
              initiator ?
        "#]],
    );
    check(
        3001,
        r#""status_id":1,"metadata":{"tenant_uid":"t-1"},"actor":{"user":{"uid":"u-1"}}"#,
        expect![[r#"
        account-change unresolved programmatic, not authenticated
          initiator ?
    "#]],
    );
    let domain = event(3001, r#""actor":{"user":{"uid":"S-1-5-21-1-2-3-500"}}"#);
    let account = domain.actor.account.as_ref().map(ToString::to_string);
    assert_eq!(account.as_deref(), Some("windows:S-1-5-21-1-2-3:S-1-5-21-1-2-3-500"));
    for (uid, resolved) in [
        ("S-1-5-18", false),
        ("S-1-0-0", false),
        ("S-1-5-21-1-2-3-500", true),
        ("unknown", false),
        ("-", false),
        ("", false),
    ] {
        let event = event(3001, &format!(r#""actor":{{"user":{{"uid":"{uid}"}}}}"#));
        assert_eq!(event.actor.account.is_some(), resolved, "{uid}");
    }
}

#[test]
fn only_a_success_of_a_listed_activity_proves_who_acted() {
    for (class, activity, status, proved) in [
        (3002, 1, 1, true),
        (3002, 1, 2, false),
        (3002, 0, 1, false),
        // Logged off, tickets, a step before the logon.
        (3002, 2, 1, false),
        (3002, 3, 1, false),
        (3002, 6, 1, false),
        (3002, 99, 1, false),
        (3001, 1, 1, true),
        // By a mailed link; locked by the system.
        (3001, 3, 1, false),
        (3001, 4, 1, false),
        (3001, 9, 1, false),
        (3003, 1, 1, false),
        (3004, 4, 1, true),
        (3005, 1, 1, true),
        (3006, 3, 1, true),
        (6003, 2, 1, true),
        (6003, 99, 1, true),
        (6003, 0, 1, false),
        // A failed call may have failed before the actor had shown who it is, session or not.
        (6003, 2, 2, false),
        (6003, 2, 0, false),
    ] {
        let members = format!(
            r#""activity_id":{activity},"status_id":{status},"actor":{{"user":{ALICE},"session":{{"uid":"s-1"}}}}"#
        );
        assert_eq!(event(class, &members).actor.authenticated, proved, "{class} {activity} {status}");
    }
    let aws = r#""cloud":{"provider":"AWS"},"status_id":1,"activity_id":1,"actor":{"user":{"uid":"AIDA1","account":{"uid":"111122223333"}}}"#;
    for (class, members, proved) in [
        (3002, r#""api":{"operation":"ConsoleLogin","service":{"name":"signin.amazonaws.com"}}"#, true),
        (3002, r#""api":{"operation":"CheckMfa","service":{"name":"signin.amazonaws.com"}}"#, false),
        (3002, r#""api":{"operation":"PasswordRecoveryRequested","service":{"name":"signin.amazonaws.com"}}"#, false),
        (6003, r#""metadata":{"product":{"name":"CloudTrail"},"event_code":"AwsApiCall"}"#, true),
        (6003, r#""metadata":{"product":{"name":"CloudTrail"},"event_code":"AwsServiceEvent"}"#, false),
    ] {
        assert_eq!(event(class, &format!("{aws},{members}")).actor.authenticated, proved, "{members}");
    }
}

#[test]
fn what_several_use_is_shared_and_what_is_protected_by_nature_is_protected() {
    for (members, shared, protected) in [
        (r#""cloud":{"provider":"AWS"},"actor":{"user":{"uid":"AROA1","account":{"uid":"1"}}}"#, true, false),
        (r#""cloud":{"provider":"AWS"},"actor":{"user":{"uid":"AIDA1","account":{"uid":"1"}}}"#, false, false),
        (r#""cloud":{"provider":"AWS"},"actor":{"user":{"uid":"111","account":{"uid":"111"}}}"#, false, true),
        (r#""metadata":{"product":{"vendor_name":"Okta"}},"actor":{"user":{"uid":"00u1"}}"#, false, false),
        (r#""metadata":{"product":{"vendor_name":"Okta"}},"actor":{"user":{"uid":"0oa1"}}"#, true, false),
        (r#""metadata":{"product":{"vendor_name":"Okta"}},"actor":{"user":{"uid":"00g1"}}"#, true, false),
        (r#""actor":{"user":{"uid":"S-1-5-21-1-2-3-512"}}"#, true, false),
        (r#""actor":{"user":{"uid":"S-1-5-21-1-2-3-500"}}"#, false, true),
        (r#""actor":{"user":{"uid":"S-1-5-21-1-2-3-1104"}}"#, false, false),
        (r#""actor":{"user":{"uid":"u-1","type":"role"}}"#, true, false),
        (r#""actor":{"user":{"uid":"u-1","type":"User"}}"#, false, false),
    ] {
        let event = event(3001, members);
        assert!(event.actor.account.is_some(), "{members}");
        assert_eq!((event.chain[0].shared, event.chain[0].protected), (shared, protected), "{members}");
        assert_eq!(event.actor_is_shared(), shared, "{members}");
    }
    // Of a target as of an actor.
    let target = event(
        3001,
        &format!(
            r#""cloud":{{"provider":"AWS"}},"actor":{{"user":{ALICE}}},"user":{{"uid":"AROA2","account":{{"uid":"1"}}}}"#
        ),
    );
    assert!(target.target.is_some_and(|target| target.shared));
}

#[test]
fn an_arn_is_no_account_and_the_principals_id_beside_it_is() {
    let user = |rest: &str| {
        format!(
            r#""activity_id":2,"status_id":1,"cloud":{{"provider":"AWS"}},"actor":{{"user":{{"uid":"arn:aws:sts::9:assumed-role/etl/job-1","account":{{"uid":"9"}},"credential_uid":"ASIA1"{rest}}},"session":{{"issuer":"arn:aws:iam::9:role/etl"}}}}"#
        )
    };
    check(
        6003,
        &user(r#","uid_alt":"AROAETL:job-1""#),
        expect![[r#"
            api-activity aws:9:AROAETL programmatic
              session AROAETL:job-1
              token ASIA1
              grant arn:aws:iam::9:role/etl
              temporary
              initiator aws:9:AROAETL shared
        "#]],
    );
    assert_eq!(event(6003, &user("")).actor.account, None);
    // What authentication repeats of the actor in `user` says less of it.
    let repeated = event(
        3002,
        r#""activity_id":1,"status_id":1,"cloud":{"provider":"AWS"},"user":{"uid":"arn:aws:iam::9:user/mira","uid_alt":"AIDA1"},"actor":{"user":{"uid":"arn:aws:iam::9:user/mira","uid_alt":"AIDA1","account":{"uid":"9"}}}"#,
    );
    assert_eq!(repeated.actor.account.as_ref().map(ToString::to_string).as_deref(), Some("aws:9:AIDA1"));
}

#[test]
fn a_person_is_named_only_by_identity_center() {
    let person = |issuer: &str, uid: &str| {
        let members = format!(
            r#""cloud":{{"provider":"AWS"}},"actor":{{"user":{{"uid":"{uid}","account":{{"uid":"9"}}}},"session":{{"issuer":"{issuer}"}}}}"#
        );
        event(6003, &members).actor.person.as_deref().map(str::to_owned)
    };
    let reserved = "arn:aws:iam::9:role/aws-reserved/sso.amazonaws.com/AWSReservedSSO_Read_01";
    assert_eq!(person(reserved, "AROA1:alice@example.com").as_deref(), Some("alice@example.com"));
    for (issuer, uid) in [
        (reserved, "AROA1"),
        (reserved, "AIDA1:alice"),
        ("arn:aws:iam::9:role/AWSReservedSSO_Read_01", "AROA1:alice"),
        ("", "AROA1:alice"),
    ] {
        assert_eq!(person(issuer, uid), None, "{issuer} {uid}");
    }
}

#[test]
fn types_prove_only_what_they_prove() {
    for (type_id, expected) in [
        ("1", None),
        ("2", None),
        ("3", Some("workload")),
        ("4", Some("service-account")),
        ("99", None),
        ("\"3\"", Some("workload")),
        ("{}", None),
    ] {
        let event = event(3001, &format!(r#""actor":{{"user":{{"uid":"u-1","type_id":{type_id}}}}}"#));
        assert_eq!(event.chain[0].proved_type.map(|proved| proved.id()), expected, "{type_id}");
    }
}

#[test]
fn fields_are_at_their_own_paths() {
    let members = format!(
        r#""activity_id":1,"severity_id":3,"status_id":1,"status_code":"0","is_mfa":true,"is_remote":"true","logon_type_id":"3","auth_protocol":"SAML","auth_factors":[{{"factor_type":"OTP"}},{{}},{{"factor_type":"Push"}}],
           "user":{ALICE},"actor":{{"session":{{"uid":"s-1","created_time":1714557000000}},"process":{{"name":"p"}}}},"privileges":["a","b"],"resources":[{{"uid":"r-1","name":"n-1"}},{{"uid":"r-2"}}],
           "device":{{"uid":"d-1","os":{{"name":"Windows 11","type_id":100}}}},"src_endpoint":{{"ip":"198.51.100.7","port":443,"intermediate_ips":["203.0.113.9"],"location":{{"country":"CH","coordinates":[7.44,46.95]}},"autonomous_system":{{"number":64500}}}},
           "http_request":{{"user_agent":"x"}},"unmapped":{{"a":{{"b":[1]}}}},"api":{{"request":{{"data":{{"k":1}}}}}}"#
    );
    check_fields(
        3002,
        &members,
        &["a", "c", "d", "h", "i", "l", "m", "p", "s", "u", "res"],
        expect![[r#"
        metadata.uid = "m-1"
        metadata.product.name = "Directory"
        class_uid = Unsigned(3002)
        activity_id = Unsigned(1)
        severity_id = Unsigned(3)
        status_id = Unsigned(1)
        status_code = "0"
        is_mfa = Boolean(true)
        auth_protocol = "SAML"
        auth_factors.factor_type = ["OTP", "", "Push"]
        logon_type_id = Unsigned(3)
        is_remote = Boolean(true)
        privileges = ["a", "b"]
        api.request.data = {"k":1}
        actor.user.uid = "u-alice"
        actor.user.name = "alice"
        actor.user.type = "User"
        actor.user.account.uid = "t-1"
        actor.user.credential_uid = "k-1"
        actor.session.uid = "s-1"
        actor.session.created_time = Timestamp(1714557000000000)
        actor.process.name = "p"
        user.uid = "u-alice"
        user.name = "alice"
        user.type = "User"
        user.credential_uid = "k-1"
        resources.uid = ["r-1", "r-2"]
        resources.name = ["n-1", ""]
        device.uid = "d-1"
        device.os.name = "Windows"
        src_endpoint.ip = Address(198.51.100.7)
        src_endpoint.port = Unsigned(443)
        src_endpoint.intermediate_ips = ["203.0.113.9"]
        src_endpoint.location.country = "CH"
        src_endpoint.location.lat = Float(46.95)
        src_endpoint.location.long = Float(7.44)
        src_endpoint.autonomous_system.number = Unsigned(64500)
        http_request.user_agent = "x"
        unmapped = {"a":{"b":[1]}}
    "#]],
    );
}

#[test]
fn other_forms_of_the_same_are_read_too() {
    check_fields(
        3002,
        r#""status_id":99,"action_id":0,"device":{"os":{"type":"macOS","name":"whatever"}},"actor":{"session":{"created_time_dt":"2024-05-01T09:50:00Z"}},"src_endpoint":{"location":{"lat":"46.95","long":7}},"access_list":["x"]"#,
        &["status", "action", "device", "actor", "src", "access"],
        expect![[r#"
            actor.session.created_time = Timestamp(1714557000000000)
            access_list = ["x"]
            device.os.name = "macOS"
            src_endpoint.location.lat = Float(46.95)
            src_endpoint.location.long = Float(7.0)
        "#]],
    );
    let logged = event(3002, r#""metadata":{"logged_time":1714557601000}"#);
    assert_eq!(logged.ingest_time.micros_since(logged.time), 1_000_000);
    let envelope =
        event(3002, r#""metadata":{"logged_time":1714557601000},"countersign.ingestTime":"2024-05-01T10:00:02Z""#);
    assert_eq!(envelope.ingest_time.micros_since(envelope.time), 2_000_000);
}

#[test]
fn another_json_type_is_a_wrong_type_and_no_dead_letter() {
    check_fields(
        3002,
        r#""activity_id":"one","severity_id":-1,"message":7,"status_id":{},"is_mfa":"yes","auth_factors":"OTP","user":{"uid":5,"name":[]},"actor":{"user":"alice","session":{"created_time":"x"}},"privileges":[1],
           "resources":{"uid":"r"},"src_endpoint":{"ip":"here","port":1.5,"location":{"lat":91,"long":"x"}},"access_mask":"0x100","cloud":[]"#,
        &["a", "c", "h", "i", "l", "me", "p", "r", "s", "u"],
        expect![[r#"
            metadata.uid = "m-1"
            metadata.product.name = "Directory"
            class_uid = Unsigned(3002)
            activity_id = WrongType
            severity_id = WrongType
            message = WrongType
            status_id = WrongType
            is_mfa = WrongType
            privileges = WrongType
            actor.session.created_time = WrongType
            user.uid = WrongType
            user.name = WrongType
            resources.uid = WrongType
            access_mask = WrongType
            src_endpoint.ip = WrongType
            src_endpoint.port = WrongType
            src_endpoint.location.lat = WrongType
            src_endpoint.location.long = WrongType
            raw_data = {"metadata":{"uid":"m-1","version":"1.3.0","tenant_uid":"t-1","product":{"name":"Directory","vendor_name":"Example"}},"class_uid":3002,"time":1714557600000,"activity_id":"one","severity_id":-1,"message":7,"status_id":{},"is_mfa":"yes","auth_factors":"OTP","user":{"uid":5,"name":[]},"actor":{"user":"alice","session":{"created_time":"x"}},"privileges":[1],            "resources":{"uid":"r"},"src_endpoint":{"ip":"here","port":1.5,"location":{"lat":91,"long":"x"}},"access_mask":"0x100","cloud":[]}
        "#]],
    );
    for odd in ["7", "[]", "\"x\"", "null", "true"] {
        let names = ["actor", "user", "cloud", "session", "src_endpoint", "device", "resources", "unmapped"];
        let members: Vec<String> = names.iter().map(|name| format!(r#""{name}":{odd}"#)).collect();
        assert_eq!(event(3002, &members.join(",")).actor.account, None, "{odd}");
    }
}

#[test]
fn hostile_text_and_depth_stay_within_their_field() {
    let (open, close) = ("[".repeat(200_000), "]".repeat(200_000));
    for place in ["unmapped", "actor", "resources", "x"] {
        assert_eq!(event(3002, &format!(r#""{place}":{open}{close}"#)).class.uid(), 3002, "{place}");
    }
    let nested = r#"{"user":"#.repeat(50_000);
    assert_eq!(event(3002, &format!(r#""actor":{nested}1{}"#, "}".repeat(50_000))).actor.account, None);
    let hostile = event(3001, r#""actor":{"user":{"uid":"a:b%\u0000","name":"x\u202e"}}"#);
    assert_eq!(hostile.actor.account.as_ref().map(ToString::to_string).as_deref(), Some("example:t-1:a%3Ab%25\0"));
}

#[test]
fn ids_tenants_and_rows() {
    let event = event(3002, r#""status_id":1"#);
    assert_eq!((&*event.id, &*event.tenant, &*event.source), ("m-1", "t-1", "ocsf"));
    let without = bound_event_of(&Ocsf, r#"{"class_uid":6003,"time":1}"#);
    assert!(without.id.starts_with("sha256-"));
    assert_eq!(&*without.tenant, "unknown");
    assert!(Ocsf.fields().iter().any(|(field, _)| *field == FieldId::RawData));
}
