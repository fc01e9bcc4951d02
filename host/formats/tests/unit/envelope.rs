//! What is an envelope, and what it hands on.

use super::*;

/// What an object hands on, in short.
fn opened(raw: &str) -> Option<Vec<String>> {
    match open(raw.as_bytes(), 0) {
        Opening::Record => None,
        Opening::TooDeep | Opening::TooMany => panic!("{raw}"),
        Opening::Envelope(items) => {
            let short = |item: &Item| {
                let name = ENVELOPES
                    .iter()
                    .enumerate()
                    .find(|(place, _)| item.out_of == Envelopes(1 << place))
                    .map_or("believed", |(_, envelope)| envelope.name);
                match &item.form {
                    Form::Object => format!("{name}: {}", &raw[item.place.clone()]),
                    Form::Rewritten(text) => format!("{name}: rewritten {text}"),
                    Form::Text => format!("{name}: text {}", &raw[item.place.clone()]),
                    Form::Encoded => format!("{name}: encoded {}", &raw[item.place.clone()]),
                }
            };
            Some(items.iter().map(short).collect())
        }
    }
}

#[test]
fn every_envelope_hands_on_what_the_table_says() {
    for (raw, expected) in [
        (r#"{"x":1,"Records":[{"a":1},{"b":2}]}"#, r#"believed: {"a":1}|believed: {"b":2}"#),
        (r#"{"detail-type":"t","source":"aws.iam","detail":{"a":1}}"#, r#"believed: {"a":1}"#),
        (r#"{"detail-type":"t","source":"aws.partner/okta.com/x","detail":{"a":1}}"#, r#"believed: {"a":1}"#),
        (r#"{"detail-type":"t","source":"my.app","detail":{"a":1}}"#, r#"eventbridge-custom: {"a":1}"#),
        (r#"{"NextToken":"n","Events":[{"CloudTrailEvent":"{}"}]}"#, r#"believed: text "{}""#),
        (r#"{"EventId":"1","CloudTrailEvent":"{}"}"#, r#"believed: text "{}""#),
        (
            r#"{"messageType":"DATA_MESSAGE","logEvents":[{"message":"{}"},{"message":"plain"}]}"#,
            r#"cloudwatch-logs: text "{}"|believed: {"message":"plain"}"#,
        ),
        (r#"{"logStreamName":"s","message":"{}"}"#, r#"cloudwatch-logs: text "{}""#),
        (r#"{"awslogs":{"data":"H4sIAAA="}}"#, r#"kinesis: encoded "H4sIAAA=""#),
        (r#"{"kinesis":{"data":"eyJ9"},"eventSource":"aws:kinesis"}"#, r#"kinesis: encoded "eyJ9""#),
        (r#"{"recordId":"1","data":"eyJ9"}"#, r#"kinesis: encoded "eyJ9""#),
        (r#"{"message":{"data":"eyJ9"}}"#, r#"kinesis: encoded "eyJ9""#),
        (r#"{"eventType":"com.okta.event_hook","data":{"events":[{"a":1}]}}"#, r#"believed: {"a":1}"#),
        (r#"{"EventSource":"aws:sns","Sns":{"Message":"{}"}}"#, r#"sns: text "{}""#),
        (r#"{"TopicArn":"t","Message":"{}"}"#, r#"sns: text "{}""#),
        (r#"{"Messages":[{"Body":"{}"}]}"#, r#"sqs: text "{}""#),
        (r#"{"messageId":"1","body":" \n [{}]"}"#, r#"sqs: text " \n [{}]""#),
        (
            r#"{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"body":{"stringValue":"{}"}},{"body":{"kvlistValue":{"values":[{"key":"a","value":{"intValue":"7"}},{"key":"b","value":{"arrayValue":{"values":[{"boolValue":true},{"kvlistValue":{"values":[]}},{}]}}}]}}}]}]}]}"#,
            r#"opentelemetry: text "{}"|believed: rewritten {"a":7,"b":[true,{},null]}"#,
        ),
        (r#"{"timestamp":"t","body":{"event_id":{"id":1}}}"#, r#"believed: {"event_id":{"id":1}}"#),
        (r#"{"hits":{"total":1,"hits":[{"_source":{"a":1}}]}}"#, r#"believed: {"a":1}"#),
        (r#"{"_index":"i","_source":{"a":1}}"#, r#"believed: {"a":1}"#),
        (r#"{"@timestamp":"t","event":{"original":"{}"},"message":"x"}"#, r#"event-original: text "{}""#),
        (r#"{"event":{"a":1}}"#, r#"believed: {"a":1}"#),
        (r#"{"time":1,"sourcetype":"aws:cloudtrail","event":"{}"}"#, r#"splunk: text "{}""#),
        (r#"{"preview":false,"result":{"_raw":"{}"}}"#, r#"splunk: text "{}""#),
        (r#"{"preview":false,"results":[{"_raw":"{}"}]}"#, r#"splunk: text "{}""#),
        (r#"{"version":"1.1","host":"h","short_message":"{}"}"#, r#"filebeat: text "{}""#),
        (r#"{"agent":{},"data":{"win":{"system":{}}}}"#, r#"believed: {"system":{}}"#),
        (r#"{"agent":{},"rule":{},"full_log":"{}"}"#, r#"wazuh: text "{}""#),
        (r#"{"@timestamp":"t","event":{"dataset":"d"},"message":"{}"}"#, r#"filebeat: text "{}""#),
        (r#"{"log":"{}\n","stream":"stdout"}"#, r#"container-log: text "{}\n""#),
    ] {
        assert_eq!(opened(raw).map(|items| items.join("|")).as_deref(), Some(expected), "{raw}");
    }
}

#[test]
fn what_holds_no_records_is_no_envelope() {
    for raw in [
        "{}",
        "[1]",
        "7",
        "not json",
        r#"{"message":"plain text"}"#,
        r#"{"messageType":"DATA_MESSAGE","logEvents":[{"message":"plain"}]}"#,
        r#"{"Records":"none"}"#,
        r#"{"data":"c2VjcmV0"}"#,
        r#"{"@timestamp":"t","event":{"dataset":"d"},"message":"plain"}"#,
        r#"{"body":"{}"}"#,
    ] {
        assert_eq!(opened(raw), None, "{raw}");
    }
    // Nothing is lost with these.
    for raw in [r#"{"x":1,"Records":[]}"#, r#"{"data":{"events":[]}}"#] {
        assert_eq!(opened(raw), Some(Vec::new()), "{raw}");
    }
}

#[test]
fn a_record_is_no_envelope_whatever_it_holds() {
    for record in [
        r#"{"eventTime":"t","eventSource":"s","eventName":"n","Records":[{"a":1}],"message":"{}"}"#,
        r#"{"winlog":{},"message":"{}","event":{"original":"{}"}}"#,
        r#"{"class_uid":3002,"time":1,"data":{"events":[{"a":1}]}}"#,
        r#"{"eventType":"user.session.start","published":"t","log":"{}"}"#,
    ] {
        assert_eq!(opened(record), None, "{record}");
    }
}

#[test]
fn so_many_are_opened_and_no_more() {
    let raw = br#"{"log":"{}"}"#;
    assert!(matches!(open(raw, MAX_ENVELOPES - 1), Opening::Envelope(_)));
    assert!(matches!(open(raw, MAX_ENVELOPES), Opening::TooDeep));
    assert!(matches!(open(b"{\"log\":\"plain\"}", MAX_ENVELOPES), Opening::Record));
}

#[test]
fn so_many_are_handed_on_and_no_more() {
    let many = |count: usize| format!(r#"{{"x":1,"Records":[{}{{}}]}}"#, "{},".repeat(count - 1));
    assert!(matches!(open(many(MAX_ITEMS).as_bytes(), 0), Opening::Envelope(items) if items.len() == MAX_ITEMS));
    assert!(matches!(open(many(MAX_ITEMS + 1).as_bytes(), 0), Opening::TooMany));
    let nested = format!(r#"{{"hits":{{"hits":[{}{{}}]}}}}"#, r#"{"_source":[{},{}]},"#.repeat(MAX_ITEMS / 2));
    assert!(matches!(open(nested.as_bytes(), 0), Opening::TooMany));
}

#[test]
fn envelopes_are_named_once_and_those_that_need_it() {
    let mut names: Vec<&str> = ENVELOPES.iter().map(|envelope| envelope.name).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), ENVELOPES.len());
    assert!(ENVELOPES.len() <= 32);
    assert_eq!(Envelopes::named("records"), None);
    let (one, other) = (Envelopes::named("filebeat").unwrap(), Envelopes::named("sqs").unwrap());
    assert!(one.and(other).contain(other) && !one.contain(other) && one.contain(Envelopes::NONE));
}
