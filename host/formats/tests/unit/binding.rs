//! Which events a source is believed about, and what is left of the others.

use std::io::Cursor;

use super::*;
use crate::{Record, format_by_name};

/// The events of records in a format, each with whether its source is bound and its actor authenticated.
fn marks(format: &str, records: &str) -> Vec<(bool, bool)> {
    let format = format_by_name(format).unwrap();
    let records = format.read(Box::new(Cursor::new(records.to_owned())), 0);
    let mark = |record| match record {
        Record::Event { event, .. } => (event.binding.bound, event.actor.authenticated),
        Record::DeadLetter(letter) => panic!("{letter:?}"),
    };
    // `Records` reads with the binding of the format.
    records.map(mark).collect()
}

const CALL: &str = r#"{"eventID":"1","eventTime":"2026-06-01T00:00:00Z","eventSource":"iam.amazonaws.com","eventName":"ListUsers","userIdentity":{"type":"IAMUser","principalId":"AIDA1","accountId":"111122223333","accessKeyId":"AKIA1"}}"#;
const ACT: &str = r#"{"class_uid":3002,"activity_id":1,"status_id":1,"time":1780272000000,"metadata":{"uid":"1","version":"1.5.0"},"user":{"uid":"AIDA1","type":"User","account":{"uid":"111122223333","type":"AWS Account"}},"cloud":{"provider":"AWS"}}"#;

#[test]
fn a_format_of_one_provider_speaks_for_it_and_ocsf_for_nobody() {
    for format in ["cloudtrail", "auto"] {
        assert_eq!(marks(format, CALL), [(true, true)], "{format}");
    }
    for format in ["ocsf", "auto"] {
        assert_eq!(marks(format, ACT), [(false, false)], "{format}");
    }
}

#[test]
fn a_record_out_of_a_text_merely_names_accounts_unless_the_source_names_the_envelope() {
    let line = |record: &str| format!(r#"{{"@timestamp":"t","message":{}}}"#, serde_json::to_string(record).unwrap());
    let nested = format!(r#"{{"_source":{}}}"#, line(CALL));
    let in_two = line(&format!(r#"{{"log":{}}}"#, serde_json::to_string(CALL).unwrap()));
    for text in [line(CALL), nested.clone(), in_two.clone()] {
        assert_eq!(marks("auto", &text), [(false, false)], "{text}");
        assert_eq!(marks("cloudtrail", &text), [(false, false)], "{text}");
    }
    assert_eq!(marks("auto", &format!(r#"{{"_source":{CALL}}}"#)), [(true, true)]);
    let bound = |text: &str, names: &[&str]| {
        let named = names.iter().map(|name| Envelopes::named(name).unwrap()).fold(Envelopes::NONE, Envelopes::and);
        let patterns = vec![TenantPattern::parse("aws:111122223333").unwrap()];
        let binding = SourceBinding::named("trail".into(), patterns, ActionClass::Contain).with_envelopes(named);
        let format = format_by_name("cloudtrail").unwrap();
        match crate::Records::of_source(format, binding, Box::new(Cursor::new(text.to_owned())), 0).next() {
            Some(Record::Event { event, .. }) => (event.binding.bound, event.binding.target_bound),
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(bound(&line(CALL), &[]), (false, false));
    assert_eq!(bound(&line(CALL), &["filebeat"]), (true, true));
    assert_eq!(bound(&line(CALL), &["sqs", "splunk"]), (false, false));
    assert_eq!(bound(&nested, &["filebeat"]), (true, true));
    // Each text that it was taken out of has to be named.
    assert_eq!(bound(&in_two, &["filebeat"]), (false, false));
    assert_eq!(bound(&in_two, &["filebeat", "container-log"]), (true, true));
    // Another's account stays another's.
    let other = CALL.replace("111122223333", "444455556666");
    assert_eq!(bound(&line(&other), &["filebeat"]), (false, false));
}

#[test]
fn patterns_are_of_provider_and_tenant() {
    let matches =
        |pattern: &str, account: &str| TenantPattern::parse(pattern).unwrap().matches(&account.parse().unwrap());
    assert!(matches("aws:111122223333", "aws:111122223333:AIDA1"));
    assert!(matches("aws:1111*", "aws:111122223333:AIDA1"));
    assert!(matches("*:*", "okta:example.okta.com:00u1"));
    assert!(!matches("aws:1111", "aws:111122223333:AIDA1"));
    assert!(!matches("aws:*", "okta:example.okta.com:00u1"));
    assert!(!matches("windows:*.corp.example", "windows:corp.example:S-1-5-21-1-2-3-1000"));
    for wrong in ["aws", "aws:", ":1", "aws:1:2", "aws:[1]", "aws:?"] {
        assert!(TenantPattern::parse(wrong).is_err(), "{wrong}");
    }
}

#[test]
fn without_an_account_the_tenant_whose_telemetry_it_is_counts() {
    let failed = r#"{"eventID":"1","eventTime":"2026-06-01T00:00:00Z","eventSource":"signin.amazonaws.com","eventName":"ConsoleLogin","recipientAccountId":"111122223333","userIdentity":{"type":"IAMUser","userName":"HIDDEN_DUE_TO_SECURITY_REASONS"},"responseElements":{"ConsoleLogin":"Failure"}}"#;
    let format = format_by_name("cloudtrail").unwrap();
    let Some(Record::Event { event, .. }) = format.read(Box::new(Cursor::new(failed)), 0).next() else { panic!() };
    assert_eq!((event.actor.account.is_none(), &*event.tenant), (true, "111122223333"));
    for (pattern, bound) in [("aws:111122223333", true), ("aws:444455556666", false), ("okta:*", false)] {
        let patterns = vec![TenantPattern::parse(pattern).unwrap()];
        let mut event = event.clone();
        SourceBinding::named("trail".into(), patterns, ActionClass::Contain).mark(&mut event, Envelopes::NONE);
        assert_eq!(event.binding.bound, bound, "{pattern}");
    }
}

#[test]
fn an_account_acted_on_may_be_anothers() {
    let call = r#"{"eventID":"1","eventTime":"2026-06-01T00:00:00Z","eventSource":"sts.amazonaws.com","eventName":"AssumeRole","recipientAccountId":"111122223333","userIdentity":{"type":"IAMUser","principalId":"AIDA1","accountId":"111122223333","accessKeyId":"AKIA1"},"requestParameters":{"roleArn":"arn:aws:iam::444455556666:role/r"},"responseElements":{"assumedRoleUser":{"assumedRoleId":"AROA1:s","arn":"arn:aws:sts::444455556666:assumed-role/r/s"}}}"#;
    let format = format_by_name("cloudtrail").unwrap();
    let Some(Record::Event { event, .. }) = format.read(Box::new(Cursor::new(call)), 0).next() else { panic!() };
    assert_eq!(event.target.as_ref().unwrap().account.tenant, "444455556666");
    for (patterns, bound, target_bound) in
        [(&["aws:111122223333"][..], true, false), (&["aws:444455556666"], false, false), (&["aws:*"], true, true)]
    {
        let patterns = patterns.iter().map(|pattern| TenantPattern::parse(pattern).unwrap()).collect();
        let mut event = event.clone();
        SourceBinding::named("trail".into(), patterns, ActionClass::Contain).mark(&mut event, Envelopes::NONE);
        assert_eq!((event.binding.bound, event.binding.target_bound), (bound, target_bound));
    }
}

#[test]
fn the_services_of_aws_are_in_nobodys_tenant() {
    let service = r#"{"eventID":"1","eventTime":"2026-06-01T00:00:00Z","eventSource":"sts.amazonaws.com","eventName":"AssumeRole","userIdentity":{"type":"AWSService","invokedBy":"ec2.amazonaws.com"}}"#;
    let format = format_by_name("cloudtrail").unwrap();
    let Some(Record::Event { event, .. }) = format.read(Box::new(Cursor::new(service)), 0).next() else { panic!() };
    for (pattern, bound) in [("aws:111122223333", true), ("okta:*", false)] {
        let patterns = vec![TenantPattern::parse(pattern).unwrap()];
        let mut event = event.clone();
        SourceBinding::named("trail".into(), patterns, ActionClass::Contain).mark(&mut event, Envelopes::NONE);
        assert_eq!((event.binding.bound, event.source.as_str()), (bound, "trail"), "{pattern}");
        assert_eq!(event.chain.iter().any(|member| member.proved_type.is_some()), bound, "{pattern}");
    }
}
