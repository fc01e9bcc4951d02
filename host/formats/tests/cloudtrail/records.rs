//! Whole records: every field, other JSON types, what is missing.

use std::io::Cursor;

use countersign_formats::{CloudTrail, Format, Record};
use countersign_model::vocabulary::FieldId;
use countersign_model::{Event, Value};
use expect_test::expect;

use crate::{ISSUER, ROLE, check_fields, event, fields};

#[test]
fn every_field_of_a_full_record() {
    let members = format!(
        r#""eventVersion":"1.09","userIdentity":{{{ROLE},"sessionContext":{{{ISSUER},"attributes":{{"creationDate":"2024-05-01T09:00:00Z","mfaAuthenticated":"false"}},
           "webIdFederationData":{{"federatedProvider":"token.example"}}}}}},"eventSource":"s3.amazonaws.com","eventName":"GetObject","awsRegion":"eu-west-1",
           "sourceIPAddress":"2001:db8::1","userAgent":"curl \"8\"","requestParameters":{{"bucketName":"b"}},"responseElements":{{"x":[1, 2]}},"requestID":"r-1",
           "eventType":"AwsApiCall","resources":[{{"ARN":"arn:1"}},{{"type":"t"}},{{"arn":"arn:2"}}],"readOnly":true,"tlsDetails":{{"tlsVersion":"TLSv1.3"}},"odd\"name":null"#
    );
    let event = event(&members);
    expect![[r#"
        metadata.uid = "id"
        metadata.event_code = "AwsApiCall"
        metadata.product.name = "CloudTrail"
        class_uid = Unsigned(6003)
        status_id = Unsigned(1)
        action_id = Unsigned(1)
        is_mfa = Boolean(false)
        cloud.provider = "AWS"
        cloud.account.uid = "999999999999"
        cloud.region = "eu-west-1"
        api.operation = "GetObject"
        api.service.name = "s3.amazonaws.com"
        api.request.uid = "r-1"
        api.request.data = {"bucketName":"b"}
        api.response.data = {"x":[1, 2]}
        actor.user.uid = "AROADEPLOY"
        actor.user.uid_alt = "arn:aws:sts::999999999999:assumed-role/deploy/session"
        actor.user.name = "deploy"
        actor.user.type = "AssumedRole"
        actor.user.account.uid = "999999999999"
        actor.user.credential_uid = "ASIA1"
        actor.session.uid = "AROADEPLOY:session"
        actor.session.issuer = "arn:aws:iam::999999999999:role/deploy"
        actor.session.is_mfa = Boolean(false)
        actor.session.created_time = Timestamp(1714554000000000)
        actor.idp.name = "token.example"
        resources.uid = ["arn:1", "arn:2"]
        src_endpoint.ip = Address(2001:db8::1)
        http_request.user_agent = "curl \"8\""
        unmapped = {"eventVersion":"1.09","readOnly":true,"tlsDetails":{"tlsVersion":"TLSv1.3"},"odd\"name":null}
        raw_data = {"eventID":"id","eventTime":"2024-05-01T10:00:00Z","recipientAccountId":"999999999999","eventVersion":"1.09","userIdentity":{"type":"AssumedRole","principalId":"AROADEPLOY:session","arn":"arn:aws:sts::999999999999:assumed-role/deploy/session","accountId":"999999999999","accessKeyId":"ASIA1","sessionContext":{"sessionIssuer":{"type":"Role","principalId":"AROADEPLOY","arn":"arn:aws:iam::999999999999:role/deploy","accountId":"999999999999","userName":"deploy"},"attributes":{"creationDate":"2024-05-01T09:00:00Z","mfaAuthenticated":"false"},            "webIdFederationData":{"federatedProvider":"token.example"}}},"eventSource":"s3.amazonaws.com","eventName":"GetObject","awsRegion":"eu-west-1",            "sourceIPAddress":"2001:db8::1","userAgent":"curl \"8\"","requestParameters":{"bucketName":"b"},"responseElements":{"x":[1, 2]},"requestID":"r-1",            "eventType":"AwsApiCall","resources":[{"ARN":"arn:1"},{"type":"t"},{"arn":"arn:2"}],"readOnly":true,"tlsDetails":{"tlsVersion":"TLSv1.3"},"odd\"name":null}
    "#]].assert_eq(&fields(&event, &[""]));
    let raw = event.fields.get(FieldId::RawData).cloned();
    assert!(matches!(raw, Some(Value::Json(raw)) if countersign_model::Digest::of(raw.as_bytes()) == event.raw.digest));
    assert_eq!((&*event.tenant, &*event.source, &*event.id), ("999999999999", "cloudtrail", "id"));
}

#[test]
fn another_json_type_is_a_wrong_type_and_no_dead_letter() {
    check_fields(
        r#""userIdentity":{"type":1,"principalId":{},"arn":[],"accountId":9,"accessKeyId":true,"userName":1.5,"invokedBy":{},"sessionContext":{"attributes":{"mfaAuthenticated":"maybe","creationDate":5}}},
           "eventSource":5,"awsRegion":[],"sourceIPAddress":7,"userAgent":false,"errorCode":1,"errorMessage":{},"requestID":1,"eventType":2,"resources":"none","recipientAccountId":3"#,
        &["a", "c", "h", "m", "r", "s"],
        expect![[r#"
            metadata.uid = "id"
            metadata.event_code = WrongType
            metadata.product.name = "CloudTrail"
            class_uid = Unsigned(6003)
            status_id = Unsigned(2)
            status_code = "1"
            status_detail = WrongType
            cloud.provider = "AWS"
            cloud.account.uid = "000000000003"
            cloud.region = WrongType
            api.operation = "ListThings"
            api.service.name = WrongType
            api.request.uid = WrongType
            api.response.error = "1"
            api.response.message = WrongType
            actor.user.uid = WrongType
            actor.user.uid_alt = WrongType
            actor.user.name = WrongType
            actor.user.type = WrongType
            actor.user.account.uid = "000000000009"
            actor.user.credential_uid = WrongType
            actor.session.is_mfa = WrongType
            actor.session.created_time = WrongType
            actor.invoked_by = WrongType
            resources.uid = WrongType
            src_endpoint.ip = WrongType
            http_request.user_agent = WrongType
            raw_data = {"eventID":"id","eventTime":"2024-05-01T10:00:00Z","recipientAccountId":"999999999999","eventName":"ListThings","userIdentity":{"type":1,"principalId":{},"arn":[],"accountId":9,"accessKeyId":true,"userName":1.5,"invokedBy":{},"sessionContext":{"attributes":{"mfaAuthenticated":"maybe","creationDate":5}}},            "eventSource":5,"awsRegion":[],"sourceIPAddress":7,"userAgent":false,"errorCode":1,"errorMessage":{},"requestID":1,"eventType":2,"resources":"none","recipientAccountId":3}
        "#]],
    );
    check_fields(
        r#""eventSource":"iam.amazonaws.com","eventName":"AttachUserPolicy","requestParameters":{"userName":1,"policyArn":2,"policyName":3,"groupName":4}"#,
        &["user", "policy", "group"],
        expect![[r#"
            user.name = WrongType
            group.name = WrongType
            policy.uid = WrongType
            policy.name = WrongType
        "#]],
    );
    check_fields(
        r#""sourceIPAddress":"ec2.amazonaws.com""#,
        &["src"],
        expect![[r#"
        src_endpoint.domain = "ec2.amazonaws.com"
    "#]],
    );
    check_fields(
        r#""sourceIPAddress":"192.0.2.7""#,
        &["src"],
        expect![[r#"
        src_endpoint.ip = Address(192.0.2.7)
    "#]],
    );
    check_fields(
        r#""sourceIPAddress":"10.0.1.17","vpcEndpointId":"vpce-0a1b2c3d4e5f60718""#,
        &["src", "unmapped"],
        expect![[r#"
        src_endpoint.ip = Address(10.0.1.17)
        src_endpoint.uid = "vpce-0a1b2c3d4e5f60718"
    "#]],
    );
}

#[test]
fn essentials_that_are_missing_make_a_dead_letter() {
    for (line, code) in [
        (r#"{"eventName":"X"}"#, "event-time-missing"),
        (r#"{"eventName":"X","eventTime":null}"#, "event-time-missing"),
        (r#"{"eventName":"X","eventTime":""}"#, "event-time-missing"),
        (r#"{"eventName":"X","eventTime":17145}"#, "event-time-invalid"),
        (r#"{"eventName":"X","eventTime":"yesterday"}"#, "event-time-invalid"),
        (r#"{"eventName":"X","eventTime":"@5us"}"#, "event-time-invalid"),
        (r#"{"eventTime":"2024-05-01T00:00:00Z"}"#, "event-name-missing"),
        (r#"{"eventTime":"2024-05-01T00:00:00Z","eventName":7}"#, "event-name-missing"),
    ] {
        match CloudTrail.read(Box::new(Cursor::new(line)), 0).next() {
            Some(Record::DeadLetter(letter)) => assert_eq!(letter.reason_code.code(), code, "{line}"),
            other => panic!("{line}: {other:?}"),
        }
    }
}

#[test]
fn a_receipt_time_is_the_record_s_own_or_none() {
    for (member, expected) in [
        ("", None),
        (r#","countersign.ingestTime":"2024-05-01T00:00:09Z""#, Some("2024-05-01T00:00:09Z")),
        (r#","countersign.ingestTime":"soon""#, None),
    ] {
        let line = format!(r#"{{"eventTime":"2024-05-01T00:00:00Z","eventName":"X"{member}}}"#);
        let Some(Record::Event { event, has_receipt_time, .. }) =
            CloudTrail.read(Box::new(Cursor::new(line)), 0).next()
        else {
            panic!("dead letter: {member}")
        };
        assert_eq!(has_receipt_time, expected.is_some());
        assert_eq!(event.ingest_time.to_string(), expected.unwrap_or("2024-05-01T00:00:00Z"));
        assert!(event.fields.get(FieldId::Unmapped).is_none());
    }
}

#[test]
fn repeating_texts_are_shared() {
    let line =
        r#"{"eventID":"1","eventTime":"2024-05-01T00:00:00Z","eventName":"X","awsRegion":"eu-west-1","requestID":"r"}"#;
    let events: Vec<Box<Event>> = CloudTrail
        .read(Box::new(Cursor::new(format!("{line}\n{line}"))), 0)
        .filter_map(|record| match record {
            Record::Event { event, .. } => Some(event),
            Record::DeadLetter(_) => None,
        })
        .collect();
    for (field, shared) in
        [(FieldId::CloudRegion, true), (FieldId::ApiOperation, true), (FieldId::ApiRequestUid, false)]
    {
        let [Some(Value::Text(first)), Some(Value::Text(second))] =
            [events[0].fields.get(field), events[1].fields.get(field)]
        else {
            panic!("{field:?}")
        };
        assert_eq!(std::sync::Arc::ptr_eq(first, second), shared, "{field:?}");
    }
}
