//! Which format a record is recognised as, and that its events equal the named format's.

use std::io::Cursor;

use countersign_formats::{Auto, Format, Record, format_by_name};
use expect_test::{Expect, expect};

const CLOUDTRAIL: &str = r#"{"eventTime":"2024-05-01T10:00:00Z","eventSource":"s3.amazonaws.com","eventName":"GetObject","userIdentity":{"type":"Root","principalId":"1","accountId":"1"}}"#;
const DIRECTORY: &str = r#"{"directory":"acme","sequence":1,"id":"evt-1","time":"2024-05-01T10:00:00Z","type":"session.started","outcome":"success","actor":{"type":"account","id":"acc-1"}}"#;
const OCSF: &str = r#"{"class_uid":3002,"time":1714557600000,"status_id":1,"metadata":{"product":{"vendor_name":"Example"}},"user":{"uid":"u-1"}}"#;
const OKTA: &str = r#"{"published":"2024-05-01T10:00:00Z","eventType":"user.session.start","actor":{"id":"00u1","type":"User","alternateId":"a@example.com"}}"#;
const OKTA_RESPELLED: &str = r#"{"eventtype":"user.session.start","actor":{"id":"00u1","type":"User","alternateId":"a@example.com"},"outcome":{"result":"SUCCESS"}}"#;
const WINDOWS: &str = r#"{"TimeCreated":"2024-05-01T10:00:00Z","EventID":4624,"Channel":"Security","Hostname":"PC1","TargetUserName":"a"}"#;
const WINLOGBEAT: &str = r#"{"@timestamp":"2024-05-01T10:00:00Z","winlog":{"event_id":4624,"channel":"Security","event_data":{"TargetUserName":"a"}}}"#;
const RENDERED: &str = r#"{"Event":{"System":{"EventID":4624,"TimeCreated":{"SystemTime":"2024-05-01T10:00:00Z"}},"EventData":{"TargetUserName":"a"}}}"#;

fn records(source: &dyn Format, text: &str) -> Vec<Record> {
    source.read(Box::new(Cursor::new(text.to_owned())), 0).collect()
}

fn check(text: &str, expected: Expect) {
    let summaries: String = records(&Auto, text)
        .iter()
        .map(|record| match record {
            Record::Event { event, .. } => format!("{} {}\n", event.source, event.class),
            Record::DeadLetter(letter) => format!("{}: {}\n", letter.reason_code.code(), letter.reason),
        })
        .collect();
    expected.assert_eq(&summaries);
}

#[test]
fn records_of_several_sources_stand_in_one_input() {
    check(
        &format!(
            "{DIRECTORY}\n{OCSF}\n{OKTA}\n{OKTA_RESPELLED}\n{{\"EventType\":\"AUDIT_SUCCESS\",{}\n",
            &WINDOWS[1..]
        ),
        expect![[r#"
            directory authentication
            ocsf authentication
            okta authentication
            okta authentication
            windows-security authentication
        "#]],
    );
    check(
        &format!("{CLOUDTRAIL}\n{WINDOWS}\n{WINLOGBEAT}\n{RENDERED}\n"),
        expect![[r#"
        cloudtrail api-activity
        windows-security authentication
        windows-security authentication
        windows-security authentication
    "#]],
    );
    check(
        &format!(r#"{{"Records":[{CLOUDTRAIL},{WINDOWS}]}}{WINDOWS}"#),
        expect![[r#"
        cloudtrail api-activity
        windows-security authentication
        windows-security authentication
    "#]],
    );
    check(
        &format!("[{WINDOWS},\n{CLOUDTRAIL}]\n{CLOUDTRAIL}"),
        expect![[r#"
        windows-security authentication
        cloudtrail api-activity
        cloudtrail api-activity
    "#]],
    );
}

#[test]
fn what_has_no_signs_or_those_of_several_is_set_aside_with_what_was_looked_for() {
    let both = format!("{},{}", &CLOUDTRAIL[..CLOUDTRAIL.len() - 1], &WINDOWS[1..]);
    check(
        &format!("{{}}\n{{\"eventName\":\"x\",\"EventID\":null}}\n{both}\n7\n{{\"winlog\":\n"),
        expect![[r#"
            source-unknown: expected the signs of a source or an envelope, got no members: cloudtrail: `eventSource` and `eventName`, in any spelling, with `eventTime` or, in any spelling, `userIdentity`; directory: `directory` and `sequence` with `type` and an object `actor`; ocsf: `class_uid` or `type_uid` with `time`, `time_dt` or `metadata`; okta: `eventType` or `legacyEventType` with `published`, `debugContext` or an `actor` with `alternateId`; in any spelling; windows-security: `EventID`, `EventCode` or `Id` with a channel, a provider or `TimeCreated`; `winlog`; `System` or `Event` with what an event has in it; `win`; in any spelling
            source-unknown: expected the signs of a source or an envelope, got `eventName`, `EventID`: cloudtrail: `eventSource` and `eventName`, in any spelling, with `eventTime` or, in any spelling, `userIdentity`; directory: `directory` and `sequence` with `type` and an object `actor`; ocsf: `class_uid` or `type_uid` with `time`, `time_dt` or `metadata`; okta: `eventType` or `legacyEventType` with `published`, `debugContext` or an `actor` with `alternateId`; in any spelling; windows-security: `EventID`, `EventCode` or `Id` with a channel, a provider or `TimeCreated`; `winlog`; `System` or `Event` with what an event has in it; `win`; in any spelling
            source-ambiguous: expected the signs of one source, got those of `cloudtrail` and of `windows-security`; name the source to have the record read
            not-an-object: expected a JSON object, got another JSON value
            truncated: expected the rest of a JSON object, got: EOF while parsing a value at line 1 column 10
        "#]],
    );
}

#[test]
fn events_are_the_very_same_as_the_named_sources() {
    // Two of the same bytes without an id, amid records of the other source.
    let text = format!(
        "{CLOUDTRAIL}\n{WINDOWS}\n{CLOUDTRAIL}\n{OCSF}\n{OKTA}\n{OCSF}\n{WINDOWS}\n{OKTA}\n{WINLOGBEAT}\n{OKTA_RESPELLED}\n{RENDERED}\n"
    );
    let recognised = records(&Auto, &text);
    for name in ["cloudtrail", "ocsf", "okta", "windows-security"] {
        let named = records(format_by_name(name).unwrap(), &text);
        let mut compared = 0;
        for (named, recognised) in named.iter().zip(&recognised) {
            let Record::Event { event, .. } = recognised else { panic!("{recognised:?}") };
            if event.source == name {
                assert_eq!(format!("{named:?}"), format!("{recognised:?}"));
                compared += 1;
            }
        }
        assert!(compared >= 2, "{name}");
    }
}
