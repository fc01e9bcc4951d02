//! CloudTrail's records as Security Lake writes them, version by version: whom they name, and what they did, is what
//! the format `cloudtrail` reads from the records themselves.

use countersign_formats::{CloudTrail, Ocsf};
use countersign_model::Event;

use super::summary::{bound_event_of, event_of};

/// A record of CloudTrail, and what of it the mapping needs.
struct Original {
    service: &'static str,
    operation: &'static str,
    class: u32,
    kind: &'static str,
    principal: &'static str,
    arn: &'static str,
    /// Further members of `userIdentity`, and of `actor` and `actor.user` in OCSF.
    identity: &'static str,
    actor: &'static str,
    request: &'static str,
    response: &'static str,
}

const ORIGINAL: Original = Original {
    service: "s3",
    operation: "GetObject",
    class: 6003,
    kind: "IAMUser",
    principal: "AIDAKIM",
    arn: "arn:aws:iam::111122223333:user/kim",
    identity: "",
    actor: "",
    request: "null",
    response: "null",
};

const ROLE: Original = Original {
    kind: "AssumedRole",
    principal: "AROAETL:job-1",
    arn: "arn:aws:sts::111122223333:assumed-role/etl/job-1",
    identity: r#","sessionContext":{"sessionIssuer":{"type":"Role","principalId":"AROAETL","arn":"arn:aws:iam::111122223333:role/etl","accountId":"111122223333","userName":"etl"}}"#,
    actor: r#","session":{"issuer":"arn:aws:iam::111122223333:role/etl"}"#,
    ..ORIGINAL
};

fn originals() -> Vec<Original> {
    vec![
        ORIGINAL,
        ROLE,
        Original {
            principal: "AROASSO:kim@corp.test",
            arn: "arn:aws:sts::111122223333:assumed-role/AWSReservedSSO_Read_1/kim@corp.test",
            identity: r#","sessionContext":{"sessionIssuer":{"type":"Role","principalId":"AROASSO","arn":"arn:aws:iam::111122223333:role/aws-reserved/sso.amazonaws.com/AWSReservedSSO_Read_1","accountId":"111122223333"}}"#,
            actor: r#","session":{"issuer":"arn:aws:iam::111122223333:role/aws-reserved/sso.amazonaws.com/AWSReservedSSO_Read_1"}"#,
            ..ROLE
        },
        Original {
            service: "signin",
            operation: "ConsoleLogin",
            class: 3002,
            kind: "Root",
            principal: "111122223333",
            arn: "arn:aws:iam::111122223333:root",
            response: r#"{"ConsoleLogin":"Success"}"#,
            ..ORIGINAL
        },
        Original { kind: "Unknown", principal: "111122223333", arn: "", ..ORIGINAL },
        Original {
            kind: "FederatedUser",
            principal: "111122223333:guest",
            arn: "arn:aws:sts::111122223333:federated-user/guest",
            ..ORIGINAL
        },
        Original {
            kind: "AWSService",
            principal: "",
            arn: "",
            identity: r#","invokedBy":"ecs.amazonaws.com""#,
            actor: r#","invoked_by":"ecs.amazonaws.com""#,
            ..ORIGINAL
        },
        Original {
            service: "sts",
            operation: "AssumeRoleWithWebIdentity",
            class: 3002,
            kind: "WebIdentityUser",
            principal: "idp.test:aud:sub-1",
            arn: "",
            identity: r#","identityProvider":"idp.test""#,
            actor: r#","idp":{"name":"idp.test"}"#,
            ..ORIGINAL
        },
        Original {
            service: "iam",
            operation: "CreateUser",
            class: 3001,
            request: r#"{"userName":"new"}"#,
            response: r#"{"user":{"arn":"arn:aws:iam::111122223333:user/new","userId":"AIDANEW","userName":"new"}}"#,
            ..ROLE
        },
        Original {
            service: "iam",
            operation: "UpdateAssumeRolePolicy",
            class: 3005,
            request: r#"{"roleName":"target","policyDocument":"{}"}"#,
            ..ORIGINAL
        },
    ]
}

fn event_type(original: &Original) -> &'static str {
    if original.service == "signin" { "AwsConsoleSignIn" } else { "AwsApiCall" }
}

fn cloudtrail(original: &Original) -> Box<Event> {
    let Original { service, operation, kind, principal, arn, identity, request, response, .. } = original;
    let event_type = event_type(original);
    let raw = format!(
        r#"{{"eventID":"e-1","eventTime":"2026-02-03T09:15:00Z","eventSource":"{service}.amazonaws.com","eventName":"{operation}","eventType":"{event_type}","recipientAccountId":"111122223333","userIdentity":{{"type":"{kind}","principalId":"{principal}","arn":"{arn}","accountId":"111122223333","accessKeyId":"ASIA1"{identity}}},"requestParameters":{request},"responseElements":{response}}}"#
    );
    event_of(&CloudTrail, &raw)
}

/// The record as a version of the schema has it: the members of the user's ids, the tenant's, and the bodies.
fn ocsf(original: &Original, version: &str) -> Box<Event> {
    let Original { service, operation, class, kind, principal, arn, actor, request, response, .. } = original;
    let event_type = event_type(original);
    let (ids, account) = match version {
        "1.0.0-rc.2" | "1.0.0" => (format!(r#""uid":"{principal}","uuid":"{arn}""#), r#""account_uid":"111122223333""#),
        _ => (format!(r#""uid":"{arn}","uid_alt":"{principal}""#), r#""account":{"uid":"111122223333"}"#),
    };
    let early = version == "1.0.0-rc.2";
    let (class, name) = match class {
        6003 if early => (3005, "API Activity"),
        6003 => (6003, "API Activity"),
        3001 => (3001, "Account Change"),
        3002 => (3002, "Authentication"),
        _ if early => (3001, "Account Change"),
        _ => (3005, "User Access Management"),
    };
    let body = |json: &str| if json == "null" { json.to_owned() } else { serde_json::Value::from(json).to_string() };
    let (request, response) = (body(request), body(response));
    // `user` repeats the caller, with the other's name.
    let user = if class == 6003 || early { String::new() } else { format!(r#","user":{{{ids},"name":"new"}}"#) };
    let raw = format!(
        r#"{{"metadata":{{"uid":"e-1","version":"{version}","event_code":"{event_type}","product":{{"name":"CloudTrail","vendor_name":"AWS"}}}},"time":1770110100000,"class_uid":{class},"class_name":"{name}","activity_id":1,"status":"Success","cloud":{{"provider":"AWS"}},"api":{{"operation":"{operation}","service":{{"name":"{service}.amazonaws.com"}},"request":{{"data":{request}}},"response":{{"data":{response}}}}},"actor":{{"user":{{"type":"{kind}",{ids},{account},"credential_uid":"ASIA1"}}{actor}}}{user},"unmapped":{{"recipientAccountId":"111122223333"}}}}"#
    );
    bound_event_of(&Ocsf, &raw)
}

#[test]
fn every_version_names_whom_the_record_named() {
    for original in originals() {
        let expected = cloudtrail(&original);
        for version in ["1.0.0-rc.2", "1.0.0", "1.1.0", "1.5.0", "1.8.0"] {
            let event = ocsf(&original, version);
            let of = |event: &Event| {
                let own = event.chain.iter().find(|member| member.account == event.actor.account);
                format!(
                    "{:#?}",
                    (
                        (&event.actor.account, &event.actor.session, &event.actor.person, &event.actor.token),
                        (event.actor.temporary, event.actor.authenticated, &event.tenant),
                        own.map(|member| (member.proved_type, member.shared, member.protected)),
                        event.target.as_ref().map(|target| (&target.account, target.proved_type, target.shared)),
                        &event.trust,
                    )
                )
            };
            assert_eq!(of(&event), of(&expected), "{version} {} {}", original.kind, original.operation);
        }
    }
}

#[test]
fn numbers_of_classes_mean_what_the_version_says() {
    let class = |version: &str, uid: u32, name: &str| {
        let raw = format!(
            r#"{{"metadata":{{"uid":"e","version":"{version}"}},"time":1770110100000,"class_uid":{uid},"class_name":"{name}"}}"#
        );
        let records = super::summary::records_of(&Ocsf, &raw);
        match records.into_iter().next() {
            Some(countersign_formats::Record::Event { event, .. }) => event.class.uid(),
            _ => 0,
        }
    };
    for (version, uid, name, expected) in [
        ("1.0.0-rc.2", 3005, "API Activity", 6003),
        ("1.0.0-rc.2", 3005, "", 6003),
        ("1.0.0-rc.2", 3006, "Access Activity", 0),
        ("1.0.0-rc.2", 3003, "Authorization", 0),
        ("1.0.0-rc.3", 3005, "User Access Management", 3005),
        ("1.0.0-rc.3", 3005, "API Activity", 6003),
        ("1.0.0", 3005, "API Activity", 3005),
        ("1.8.0", 3005, "User Access Management", 3005),
        ("", 3005, "API Activity", 6003),
        ("", 3005, "Something", 3005),
        ("1.1.0", 6003, "", 6003),
    ] {
        assert_eq!(class(version, uid, name), expected, "{version} {uid} {name}");
    }
}

#[test]
fn a_user_of_identity_center_belongs_to_its_store() {
    let event = bound_event_of(
        &Ocsf,
        r#"{"class_uid":3002,"activity_id":99,"time":1770110100000,"metadata":{"uid":"e","version":"1.5.0","product":{"name":"CloudTrail"}},"cloud":{"provider":"AWS","account":{"uid":"111122223333"}},"actor":{"idp":{"uid":"arn:aws:identitystore::111122223333:identitystore/d-1"},"user":{"type":"IdentityCenterUser","uid_alt":"u-kim","name":"kim","account":{"uid":"111122223333"}}},"api":{"operation":"CredentialVerification","service":{"name":"signin.amazonaws.com"}},"status":"Failure"}"#,
    );
    assert_eq!(event.actor.account.as_ref().map(ToString::to_string).as_deref(), Some("aws:d-1:u-kim"));
}
