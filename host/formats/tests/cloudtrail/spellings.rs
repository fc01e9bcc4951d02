//! Records as collectors and tables change them: names, numbers, texts, times; and how a call went in other words.

use countersign_formats::{CloudTrail, Record};
use countersign_model::vocabulary::FieldId;
use countersign_model::{Event, Value};

use crate::event;

fn whole(raw: &str) -> Box<Event> {
    match countersign_formats::Format::read(&CloudTrail, Box::new(std::io::Cursor::new(raw.to_owned())), 0).next() {
        Some(Record::Event { event, .. }) => event,
        other => panic!("{raw}: {other:?}"),
    }
}

#[test]
fn a_row_of_a_table_is_the_record_that_it_was_made_of() {
    let original = whole(
        r#"{"eventID":"e-1","eventTime":"2026-02-03T09:15:00Z","eventSource":"iam.amazonaws.com","eventName":"CreateAccessKey","eventType":"AwsApiCall","recipientAccountId":"012345678901","userIdentity":{"type":"AssumedRole","principalId":"AROAX:s-1","accountId":"012345678901","accessKeyId":"ASIA1","sessionContext":{"sessionIssuer":{"arn":"arn:aws:iam::012345678901:role/x","userName":"x"}}},"requestParameters":{"userName":"kim"},"responseElements":{"accessKey":{"userName":"kim","accessKeyId":"AKIA2"}}}"#,
    );
    let row = whole(
        r#"{"eventid":"e-1","eventtime":"2026-02-03 09:15:00.000","eventsource":"iam.amazonaws.com","eventname":"CreateAccessKey","eventtype":"AwsApiCall","recipientaccountid":12345678901,"useridentity":{"type":"AssumedRole","principalid":"AROAX:s-1","accountid":12345678901,"accesskeyid":"ASIA1","sessioncontext":{"sessionissuer":{"arn":"arn:aws:iam::012345678901:role/x","username":"x"}}},"requestparameters":"{\"userName\":\"kim\"}","responseelements":"{\"accessKey\":{\"userName\":\"kim\",\"accessKeyId\":\"AKIA2\"}}"}"#,
    );
    let moved = whole(
        r#"{"event_id":"e-1","@timestamp":"2026-02-03T09:15:00.000Z","eventSource":"iam.amazonaws.com","eventName":"CreateAccessKey","eventType":"AwsApiCall","recipientAccountId":"012345678901","userIdentity":"{\"type\":\"AssumedRole\",\"principalId\":\"AROAX:s-1\",\"accountId\":\"012345678901\",\"accessKeyId\":\"ASIA1\",\"sessionContext\":{\"sessionIssuer\":{\"arn\":\"arn:aws:iam::012345678901:role/x\",\"userName\":\"x\"}}}","requestParameters":{"userName":"kim"},"responseElements":{"accessKey":{"userName":"kim","accessKeyId":"AKIA2"}}}"#,
    );
    for changed in [row, moved] {
        let mut changed = changed;
        for field in [FieldId::RawData, FieldId::Unmapped] {
            changed.fields.set(field, Value::WrongType);
        }
        changed.raw = original.raw;
        let mut expected = original.clone();
        for field in [FieldId::RawData, FieldId::Unmapped] {
            expected.fields.set(field, Value::WrongType);
        }
        assert_eq!(
            format!("{:?}", changed.fields.iter().collect::<Vec<_>>()),
            format!("{:?}", expected.fields.iter().collect::<Vec<_>>())
        );
        assert_eq!(
            format!("{:?}", (&changed.actor, &changed.chain, &changed.id, changed.time)),
            format!("{:?}", (&expected.actor, &expected.chain, &expected.id, expected.time))
        );
    }
}

#[test]
fn how_a_call_went_is_said_in_several_ways() {
    let status = |members: &str| {
        let event = event(members);
        let number = |field| match event.fields.get(field) {
            Some(Value::Unsigned(number)) => Some(*number),
            None => None,
            other => panic!("{members}: {other:?}"),
        };
        (
            number(FieldId::StatusId),
            event.fields.text(FieldId::StatusCode).map(str::to_owned),
            event.fields.get(FieldId::ApiResponseError).is_some(),
        )
    };
    let code = |code: &str| Some(code.to_owned());
    for (members, expected) in [
        (r#""errorCode":"200""#, (Some(1), code("200"), false)),
        (r#""errorCode":204,"errorMessage":"no content""#, (Some(1), code("204"), false)),
        (r#""errorCode":"Success""#, (Some(1), code("Success"), false)),
        (r#""errorCode":"403""#, (Some(2), code("403"), true)),
        (r#""errorCode":403"#, (Some(2), code("403"), true)),
        (r#""errorCode":"","errorMessage":"""#, (Some(1), None, false)),
        (r#""errorMessage":"no""#, (Some(2), None, false)),
        (
            r#""serviceEventDetails":{"result":{"statusType":"success","statusCode":"200"}}"#,
            (Some(1), code("200"), false),
        ),
        (
            r#""serviceEventDetails":{"result":{"statusType":"failure","statusCode":"401"}}"#,
            (Some(2), code("401"), false),
        ),
        (
            r#""errorCode":"200","serviceEventDetails":{"result":{"statusType":"failure","statusCode":"401"}}"#,
            (Some(2), code("200"), false),
        ),
        (r#""serviceeventdetails":"{\"result\":{\"statusCode\":500}}""#, (Some(2), code("500"), false)),
    ] {
        assert_eq!(status(members), expected, "{members}");
    }
}

#[test]
fn a_wrong_password_of_identity_center_is_a_failure_and_a_right_one_is_half_a_sign_in() {
    let went = |operation: &str, details: &str| {
        let event = event(&format!(
            r#""eventSource":"signin.amazonaws.com","eventName":"{operation}","eventType":"AwsServiceEvent","userIdentity":{{"type":"IdentityCenterUser","onBehalfOf":{{"userId":"u-kim","identityStoreArn":"arn:aws:identitystore::999999999999:identitystore/d-1"}}}},{details}"#
        ));
        let account = event.actor.account.as_ref().map(ToString::to_string);
        assert_eq!(account.as_deref(), Some("aws:d-1:u-kim"));
        (event.fields.get(FieldId::StatusId).cloned(), event.actor.authenticated)
    };
    for (operation, details, expected) in [
        (
            "CredentialVerification",
            r#""serviceEventDetails":{"CredentialVerification":"Failure"}"#,
            (Some(Value::Unsigned(2)), false),
        ),
        (
            "CredentialVerification",
            r#""additionalEventData":{"CredentialVerification":"failure"}"#,
            (Some(Value::Unsigned(2)), false),
        ),
        ("CredentialVerification", r#""serviceEventDetails":{"CredentialVerification":"Success"}"#, (None, false)),
        ("CredentialChallenge", r#""serviceEventDetails":{"CredentialChallenge":"Success"}"#, (None, false)),
        (
            "UserAuthentication",
            r#""serviceEventDetails":{"UserAuthentication":"Success"}"#,
            (Some(Value::Unsigned(1)), true),
        ),
    ] {
        assert_eq!(went(operation, details), expected, "{operation} {details}");
    }
}

#[test]
fn an_accounts_own_id_names_nobody_but_root() {
    let account = |kind: &str, rest: &str| {
        let event = event(&format!(
            r#""userIdentity":{{"type":"{kind}","principalId":"999999999999","accountId":"999999999999","userName":"kim"{rest}}}"#
        ));
        event.actor.account.as_ref().map(ToString::to_string)
    };
    for kind in ["Unknown", "IAMUser", "AWSAccount", "Directory", "SAMLUser", "FederatedUser", ""] {
        assert_eq!(account(kind, ""), None, "{kind}");
    }
    assert_eq!(account("Root", "").as_deref(), Some("aws:999999999999:999999999999"));
    let behind = r#","onBehalfOf":{"userId":"u-kim","identityStoreArn":"arn:aws:identitystore::999999999999:identitystore/d-1"}"#;
    assert_eq!(account("Unknown", behind).as_deref(), Some("aws:d-1:u-kim"));
}
