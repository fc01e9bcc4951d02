//! Whole records: shapes of collectors, ids, other JSON types, what is missing.

use countersign_formats::Record;
use countersign_model::vocabulary::FieldId;
use countersign_model::{Event, Value};
use expect_test::expect;

use crate::{check, event, read, summary};

fn only(text: &str) -> Result<Box<Event>, String> {
    match read(text).pop() {
        Some(Record::Event { event, .. }) => Ok(event),
        Some(Record::DeadLetter(letter)) => Err(format!("{}: {}", letter.reason_code.code(), letter.reason)),
        None => Err("no record".to_owned()),
    }
}

#[test]
fn every_collectors_shape_gives_the_same_event() {
    let data = r#""TargetUserSid":"S-1-5-21-1-2-3-1104","TargetUserName":"alice","TargetDomainName":"EXAMPLE","TargetLogonId":"0x9","LogonType":"3","IpAddress":"192.0.2.7","IpPort":"50000""#;
    let list = r##"{"@Name":"TargetUserSid","#text":"S-1-5-21-1-2-3-1104"},{"@Name":"TargetUserName","#text":"alice"},{"@Name":"TargetDomainName","#text":"EXAMPLE"},{"@Name":"TargetLogonId","#text":"0x9"},{"@Name":"LogonType","#text":"3"},{"@Name":"IpAddress","#text":"192.0.2.7"},{"@Name":"IpPort","#text":"50000"}"##;
    let dotted = data
        .replace("\"Target", "\"winlog.event_data.Target")
        .replace("\"LogonType", "\"winlog.event_data.LogonType")
        .replace("\"Ip", "\"winlog.event_data.Ip");
    let shapes = [
        format!(
            r#"{{"TimeCreated":"2024-05-01T10:00:00Z","EventID":4624,"Channel":"Security","SourceName":"Microsoft-Windows-Security-Auditing","Hostname":"PC1.example.com","RecordNumber":7,"Keywords":"0x8020000000000000",{data}}}"#
        ),
        format!(
            r#"{{"@timestamp":"2024-05-01T10:00:00Z","event":{{"code":"4624"}},"winlog":{{"event_id":"4624","channel":"Security","provider_name":"Microsoft-Windows-Security-Auditing","computer_name":"PC1.example.com","record_id":"7","keywords":["Audit Success"],"event_data":{{{data}}}}}}}"#
        ),
        format!(
            r#"{{"@timestamp":"2024-05-01T10:00:00Z","winlog.event_id":4624,"winlog.channel":"Security","winlog.provider_name":"Microsoft-Windows-Security-Auditing","winlog.computer_name":"PC1.example.com","winlog.record_id":7,"event.outcome":"success",{dotted}}}"#
        ),
        format!(
            r##"{{"Event":{{"System":{{"Provider":{{"#attributes":{{"Name":"Microsoft-Windows-Security-Auditing"}}}},"EventID":4624,"Channel":"Security","Computer":"PC1.example.com","EventRecordID":7,"Keywords":"0x8020000000000000","TimeCreated":{{"#attributes":{{"SystemTime":"2024-05-01T10:00:00.0000000Z"}}}}}},"EventData":{{{data}}}}}}}"##
        ),
        format!(
            r#"{{"System":{{"Provider":{{"@Name":"Microsoft-Windows-Security-Auditing"}},"EventID":"4624","Channel":"Security","Computer":"PC1.example.com","EventRecordID":"7","TimeCreated":{{"@SystemTime":"2024-05-01T10:00:00Z"}}}},"EventData":{{"Data":[{list}]}}}}"#
        ),
    ];
    let events: Vec<Box<Event>> = shapes.iter().map(|shape| only(shape).unwrap()).collect();
    expect![[r#"
        authentication: windows:S-1-5-21-1-2-3:S-1-5-21-1-2-3-1104 programmatic
          session pc1.example.com/0x9
          initiator windows:S-1-5-21-1-2-3:S-1-5-21-1-2-3-1104 `alice`
            metadata.event_code = "4624"
            activity_id = Unsigned(1)
            status_id = Unsigned(1)
            action_id = Unsigned(1)
            logon_type_id = Unsigned(3)
            is_remote = Boolean(true)
            actor.user.name = "alice"
            actor.user.domain = "EXAMPLE"
            session.uid = "pc1.example.com/0x9"
            src_endpoint.ip = Address(192.0.2.7)
            src_endpoint.port = Unsigned(50000)
    "#]]
    .assert_eq(&summary(&events[0]));
    for (event, shape) in events.iter().zip(&shapes) {
        assert_eq!(summary(event), summary(&events[0]), "{shape}");
        assert_eq!(
            (&event.id, &event.tenant, event.time),
            (&events[0].id, &events[0].tenant, events[0].time),
            "{shape}"
        );
    }
    assert_eq!(
        (&*events[0].id, &*events[0].tenant),
        ("pc1.example.com/security/7@2024-05-01T10:00:00Z", "example.com")
    );
}

#[test]
fn ids_are_the_logs_own_only_where_the_record_says_all_of_them() {
    let with_number = event(r#""EventID":4624,"TargetUserName":"a","RecordNumber":88329"#);
    assert_eq!(&*with_number.id, "dc1.example.com/security/88329@2024-05-01T10:00:00Z");
    assert!(event(r#""EventID":4624,"TargetUserName":"a""#).id.starts_with("sha256-"));
}

#[test]
fn another_json_type_is_a_wrong_type_and_no_dead_letter() {
    check(
        r#""EventID":4624,"TargetUserSid":{},"TargetUserName":[],"TargetDomainName":true,"TargetLogonId":{},"LogonType":"two","IpAddress":"somewhere","IpPort":{},"WorkstationName":{},
           "PrivilegeList":{},"Properties":7,"AccessMask":"all","Keywords":{},"Status":{},"TicketEncryptionType":"strong","Message":false,"ProcessName":5"#,
        expect![[r#"
            authentication: unresolved programmatic, not authenticated
              initiator ? `DC1.example.com`
                metadata.event_code = "4624"
                activity_id = Unsigned(1)
                message = WrongType
                status_id = Unsigned(1)
                action_id = Unsigned(1)
                logon_type_id = WrongType
                privileges = WrongType
                authentication_token.encryption_details.algorithm = "strong"
                actor.user.name = WrongType
                actor.user.domain = WrongType
                actor.process.name = "5"
                access_mask = WrongType
                src_endpoint.ip = WrongType
                src_endpoint.hostname = WrongType
                src_endpoint.port = WrongType
        "#]],
    );
    // A name may be a number, which some collectors then write as one.
    let event = event(r#""EventID":4624,"TargetUserName":10023,"TargetUserSid":"S-1-5-21-1-2-3-1104""#);
    assert_eq!(event.fields.get(FieldId::ActorUserName), Some(&Value::Text("10023".into())));
}

#[test]
fn what_no_event_can_be_made_of_says_why() {
    for (record, expected) in [
        (
            r#"{"EventID":4624}"#,
            "event-time-missing: expected a time in `TimeCreated`, `EventTime` or `@timestamp`, got none",
        ),
        (
            r#"{"EventID":4624,"EventTime":"2024-05-01"}"#,
            "event-time-invalid: expected a time in `TimeCreated`, `EventTime` or `@timestamp`, got `\"2024-05-01\"`",
        ),
        (
            r#"{"TimeCreated":"2024-05-01T10:00:00Z"}"#,
            "event-name-missing: expected a number in `EventID` or what stands for it, got none",
        ),
        (
            r#"{"TimeCreated":"2024-05-01T10:00:00Z","EventID":"logon"}"#,
            "event-name-missing: expected a number in `EventID` or what stands for it, got none",
        ),
        ("7", "not-an-object: expected a JSON object, got another JSON value"),
    ] {
        assert_eq!(only(record).map(|event| event.id.to_string()), Err(expected.to_owned()), "{record}");
    }
}

#[test]
fn containers_within_containers_are_looked_into_only_so_deep() {
    let deep = (0..40).fold("1".to_owned(), |json, _| format!(r#"{{"System":{json}}}"#));
    let event = event(&format!(r#""EventID":4624,"TargetUserName":"a","Event":{deep}"#));
    assert!(
        matches!(event.fields.get(FieldId::Unmapped), Some(Value::Json(json)) if json.contains("Event.System.System"))
    );
}

#[test]
fn nothing_that_a_member_may_hold_is_fatal() {
    let names = [
        "EventID",
        "SourceName",
        "Channel",
        "Hostname",
        "RecordNumber",
        "Keywords",
        "EventType",
        "Message",
        "TimeCreated",
        "EventTime",
        "@timestamp",
        "EventReceivedTime",
        "SubjectUserSid",
        "TargetUserSid",
        "TargetSid",
        "TargetUserName",
        "TargetDomainName",
        "TargetLogonId",
        "MemberSid",
        "ServiceSid",
        "ServiceName",
        "LogonType",
        "LogonGuid",
        "TransmittedServices",
        "PrivilegeList",
        "Status",
        "SubStatus",
        "TicketEncryptionType",
        "PreAuthType",
        "IpAddress",
        "IpPort",
        "ObjectName",
        "ObjectType",
        "AccessMask",
        "AccessList",
        "Properties",
        "winlog",
        "Event",
        "EventData",
    ];
    let values = [
        r#""""#,
        r#""-""#,
        "null",
        "0",
        "-1",
        "1e400",
        "18446744073709551616",
        "true",
        "[]",
        "{}",
        r#"[{"Name":[]}]"#,
        r#"{"Data":[{"Name":"LogonType"},null,7]}"#,
        r#""%{""#,
        r#""{}""#,
        r#""0x""#,
        r#""0xffffffffffffffffff""#,
        r#""S-1-""#,
        r#""S-1-5-21-99999999999999999999-2-3-4""#,
        r#""@""#,
        r#""\ud800""#,
        r#""ü%""#,
        r#""9999-12-31T23:59:59Z""#,
        r#""-262143-01-01 00:00:00""#,
    ];
    let mut lines = Vec::new();
    for id in [4624, 4625, 4648, 4662, 4728, 4740, 4768, 4769, 4778, 5136, 412, 7] {
        for name in names {
            lines.extend(values.map(|value| {
                format!(r#"{{"@timestamp":"2024-05-01T10:00:00Z","EventID":{id},"Hostname":"PC1","AccessMask":"0x1","{name}":{value}}}"#)
            }));
        }
    }
    let records = read(&lines.join("\n"));
    assert_eq!(records.len(), lines.len());
    let dead = |record: &&Record| matches!(record, Record::DeadLetter(_));
    for (record, line) in records.iter().zip(&lines).filter(|(record, _)| dead(record)) {
        let Record::DeadLetter(letter) = record else { continue };
        // Only for want of a number or of a readable time.
        assert!(
            ["event-name-missing", "event-time-invalid", "event-time-missing", "malformed-json"]
                .contains(&letter.reason_code.code()),
            "{line}"
        );
    }
}
