//! What is longer than a field or an id may be: seen as wrong-type, or set aside; never silent, and nothing else with it.
#![expect(clippy::unwrap_used, reason = "helpers of tests, which clippy takes for other code")]

use std::io::Cursor;

use countersign_formats::{Record, format_by_name};
use countersign_model::vocabulary::FieldId;
use countersign_model::{Event, Value};

fn only(format: &str, raw: String) -> Result<Box<Event>, String> {
    let format = format_by_name(format).unwrap();
    match format.read(Box::new(Cursor::new(raw)), 0).next() {
        Some(Record::Event { event, .. }) => Ok(event),
        Some(Record::DeadLetter(letter)) => Err(letter.reason_code.code().to_owned()),
        None => Err("nothing".to_owned()),
    }
}

/// A call with these texts at these places.
fn call(session: &str, key: &str, agent: &str, more: &str) -> String {
    format!(
        r#"{{"eventID":"e","eventTime":"2026-02-03T09:15:00Z","eventSource":"s3.amazonaws.com","eventName":"GetObject","userAgent":"{agent}","userIdentity":{{"type":"AssumedRole","principalId":"AROAX:{session}","accountId":"111122223333","accessKeyId":"{key}"}}{more}}}"#
    )
}

#[test]
fn a_padded_field_is_wrong_type_and_hides_no_other() {
    let long = "x".repeat(64 * 1024 + 1);
    let more = format!(
        r#","requestParameters":{{"bucketName":"b","pad":"{long}"}},"additionalEventData":{{"pad":"{long}"}},"serviceEventDetails":{{"kept":true}}"#
    );
    let event = only("cloudtrail", call("s", "ASIA1", &long, &more)).unwrap();
    for field in [FieldId::HttpRequestUserAgent, FieldId::ApiRequestData, FieldId::RawData] {
        assert_eq!(event.fields.get(field), Some(&Value::WrongType), "{}", field.field().path);
    }
    assert_eq!(event.fields.text(FieldId::ApiOperation), Some("GetObject"));
    let Some(Value::Json(unmapped)) = event.fields.get(FieldId::Unmapped) else { panic!("{:?}", event.fields) };
    assert_eq!(&**unmapped, r#"{"additionalEventData":null,"serviceEventDetails":{"kept":true}}"#);
    let fits = only("cloudtrail", call("s", "ASIA1", &long[1..], "")).unwrap();
    assert_eq!(fits.fields.text(FieldId::HttpRequestUserAgent).map(str::len), Some(64 * 1024));
}

#[test]
fn an_id_that_is_too_long_is_a_dead_letter_wherever_it_stands() {
    let id = "x".repeat(513);
    let million = "x".repeat(900_000);
    assert!(only("cloudtrail", call(&id[..500], &id[1..], "a", "")).is_ok());
    for raw in [call(&id, "ASIA1", "a", ""), call("s", &id, "a", ""), call("s", &million, "a", "")] {
        assert_eq!(only("cloudtrail", raw).unwrap_err(), "id-too-long");
    }
    let okta = |actor: &str, session: &str| {
        format!(
            r#"{{"uuid":"u","published":"2026-02-03T09:15:00Z","eventType":"user.session.start","actor":{{"id":"{actor}","type":"User","alternateId":"a"}},"authenticationContext":{{"externalSessionId":"{session}"}}}}"#
        )
    };
    assert!(only("okta", okta("00u1", "s")).is_ok());
    assert_eq!(only("okta", okta(&id, "s")).unwrap_err(), "id-too-long");
    assert_eq!(only("okta", okta("00u1", &id)).unwrap_err(), "id-too-long");
    let ocsf = format!(
        r#"{{"class_uid":3002,"time":1770110100000,"metadata":{{"uid":"e","product":{{"vendor_name":"v"}}}},"user":{{"uid":"u","account":{{"uid":"{id}"}}}}}}"#
    );
    assert_eq!(only("ocsf", ocsf).unwrap_err(), "id-too-long");
    let windows = format!(
        r#"{{"EventID":4624,"Channel":"Security","Computer":"pc1","TimeCreated":"2026-02-03T09:15:00Z","TargetUserSid":"S-1-5-21-1-2-3-4","TargetLogonId":"{id}"}}"#
    );
    assert_eq!(only("windows-security", windows).unwrap_err(), "id-too-long");
}

#[test]
fn a_name_in_a_chain_is_cut() {
    let raw = call("s", "ASIA1", "a", "")
        .replace(r#""accountId""#, &format!(r#""userName":"{}","accountId""#, "é".repeat(400)));
    let event = only("cloudtrail", raw).unwrap();
    assert_eq!(event.chain[0].name.as_deref().map(str::len), Some(512));
}
