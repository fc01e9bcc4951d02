//! The shapes in which shippers and tools write one and the same event, and what no shape can be made of.

use countersign_formats::Record;
use countersign_model::vocabulary::FieldId;
use countersign_model::{Event, Value};
use expect_test::expect;

use crate::{read, summary};

/// The data of a directory replication, in the order of its template.
const DATA: &[(&str, &str)] = &[
    ("SubjectUserSid", "S-1-5-21-11-22-33-1604"),
    ("SubjectUserName", "sam"),
    ("SubjectDomainName", "LAB"),
    ("SubjectLogonId", "0x7ab"),
    ("ObjectServer", "DS"),
    ("ObjectType", "%{19195a5b-6da0-11d0-afd3-00c04fd930c9}"),
    ("ObjectName", "%{0e5e6a4c-7c7c-4d5b-9e0f-000000000001}"),
    ("OperationType", "Object Access"),
    ("HandleId", "0x0"),
    ("AccessList", "%%7688\n\t\t\t\t"),
    ("AccessMask", "0x100"),
    ("Properties", "%%7688\n\t\t{1131f6aa-9c07-11d1-f79f-00c04fc2dcd2}\n"),
    ("AdditionalInfo", "-"),
    ("AdditionalInfo2", ""),
];

/// JSON of a text.
fn json(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

fn joined(of: impl Fn(&str, &str) -> String) -> String {
    DATA.iter().map(|(name, value)| of(name, value)).collect::<Vec<String>>().join(",")
}

/// The data as members.
fn members(prefix: &str) -> String {
    joined(|name, value| format!("{}:{}", json(&format!("{prefix}{name}")), json(value)))
}

/// The same with a small first letter.
fn camel() -> String {
    joined(|name, value| format!("{}:{}", json(&(name[..1].to_lowercase() + &name[1..])), json(value)))
}

/// The data as elements with these names for the name and the value.
fn elements(name_key: &str, value_key: &str) -> String {
    joined(|name, value| format!("{{{name_key:?}:{},{value_key:?}:{}}}", json(name), json(value)))
}

fn xml() -> String {
    let data: String = DATA.iter().map(|(name, value)| format!("<Data Name=\"{name}\">{value}</Data>")).collect();
    format!("<EventData>{data}</EventData>")
}

const PROVIDER: &str = "Microsoft-Windows-Security-Auditing";

fn event(raw: &str) -> Box<Event> {
    match read(raw).pop() {
        Some(Record::Event { event, .. }) => event,
        other => panic!("{raw}: {other:?}"),
    }
}

fn shapes() -> Vec<(&'static str, String)> {
    let positions = joined(|_, value| json(value));
    let whole_xml = format!(
        "<Event xmlns=\"http://schemas.microsoft.com/win/2004/08/events/event\"><System><Provider Name=\"{PROVIDER}\"/>\
         <EventID>4662</EventID><Keywords>0x8020000000000000</Keywords><TimeCreated SystemTime=\"2026-02-03T09:15:00.5Z\"/>\
         <EventRecordID>77</EventRecordID><Channel>Security</Channel><Computer>dc9.lab.test</Computer></System>{}</Event>",
        xml()
    );
    let data = members("");
    let payload = json(&format!(r#"{{"EventData":{{"Data":[{}]}}}}"#, elements("@Name", "#text")));
    vec![
        (
            "names in capitals and in snake case",
            format!(
                r#"{{"EVENTID":4662,"source_name":"{PROVIDER}","CHANNEL":"Security","HOSTNAME":"dc9.lab.test","RECORD_NUMBER":77,"eventtime":"2026-02-03 10:15:00.5 +0100","KEYWORDS":"0x8020000000000000",{}}}"#,
                members("").replace("SubjectUserSid", "SUBJECT_USER_SID")
            ),
        ),
        (
            "another language",
            format!(
                r#"{{"EventID":4662,"ProviderName":"Überwachung der Sicherheit","ProviderGuid":"{{54849625-5478-4994-A5BA-3E3B0328C30D}}","Channel":"Security","Computer":"dc9.lab.test","RecordNumber":77,"TimeCreated":"2026-02-03T09:15:00.5Z","Keywords":["Überwachung erfolgreich"],{}}}"#,
                data.replace(r#""0x7ab""#, "1963")
            ),
        ),
        (
            "Kinesis Agent",
            format!(
                r#"{{"EventId":4662,"LogName":"Security","MachineName":"dc9.lab.test","ProviderName":"{PROVIDER}","TimeCreated":"2026-02-03T09:15:00.5Z","Index":77,"EventRecordId":77,"Keywords":"Audit Success","EventData":[{positions}]}}"#
            ),
        ),
        (
            "Splunk",
            format!(
                r#"{{"_time":"2026-02-03T10:15:00.500+01:00","EventCode":"4662","LogName":"Security","SourceName":"Microsoft Windows security auditing.","ComputerName":"dc9.lab.test","RecordNumber":"77","Keywords":"Audit Success",{data}}}"#
            ),
        ),
        (
            "EvtxECmd",
            format!(
                r#"{{"EventId":4662,"Provider":"{PROVIDER}","Channel":"Security","Computer":"dc9.lab.test","EventRecordId":"77","TimeCreated":"2026-02-03T09:15:00.5000000+00:00","Keywords":"Audit success","Payload":{payload}}}"#
            ),
        ),
        (
            "Fluent Bit",
            format!(
                r#"{{"ProviderName":"{PROVIDER}","EventID":4662,"Keywords":"0x8020000000000000","TimeCreated":"2026-02-03 10:15:00.5 +0100","EventRecordID":77,"Channel":"Security","Computer":"dc9.lab.test","Message":"m","StringInserts":[{positions}]}}"#
            ),
        ),
        ("Fluent Bit's XML", format!(r#"{{"System":{},"Message":"m"}}"#, json(&whole_xml))),
        (
            "XML as Go escapes it",
            format!(r#"{{"System":{}}}"#, json(&whole_xml).replace('<', "\\u003c").replace('>', "\\u003e")),
        ),
        (
            "chainsaw and hayabusa",
            format!(
                r##"{{"Event_attributes":{{"xmlns":"x"}},"Event":{{"System":{{"Provider_attributes":{{"Name":"{PROVIDER}"}},"EventID":4662,"Keywords":"0x8020000000000000","TimeCreated_attributes":{{"SystemTime":"2026-02-03T09:15:00.5Z"}},"EventRecordID":77,"Channel":"Security","Computer":"dc9.lab.test","Security":null}},"EventData":{{{data}}}}}}}"##
            ),
        ),
        (
            "evtx_dump",
            format!(
                r##"{{"Event":{{"#attributes":{{"xmlns":"x"}},"System":{{"Provider":{{"#attributes":{{"Name":"{PROVIDER}"}}}},"EventID":{{"#attributes":{{"Qualifiers":0}},"#text":4662}},"Keywords":"0x8020000000000000","TimeCreated":{{"#attributes":{{"SystemTime":"2026-02-03T09:15:00.5Z"}}}},"EventRecordID":77,"Channel":"Security","Computer":"dc9.lab.test"}},"EventData":{{"Data":{{"#text":[{positions}]}}}}}}}}"##
            ),
        ),
        (
            "Velociraptor",
            format!(
                r#"{{"System":{{"Provider":{{"Name":"{PROVIDER}"}},"EventID":{{"Value":4662}},"Keywords":9232379236109516800,"TimeCreated":{{"SystemTime":1770110100.5}},"EventRecordID":77,"Channel":"Security","Computer":"dc9.lab.test"}},"EventData":{{{data}}},"Message":"m"}}"#
            ),
        ),
        (
            "OpenTelemetry",
            format!(
                r#"{{"event_id":{{"id":4662,"qualifiers":0}},"provider":{{"name":"{PROVIDER}","guid":"{{x}}","event_source":""}},"system_time":"2026-02-03T09:15:00.5Z","computer":"dc9.lab.test","channel":"Security","record_id":77,"keywords":["Audit Success"],"message":"m","event_data":{{"data":[{}]}}}}"#,
                joined(|name, value| format!("{{{}:{}}}", json(name), json(value)))
            ),
        ),
        (
            "OpenTelemetry, by name",
            format!(
                r#"{{"event_id":{{"id":4662}},"provider":{{"name":"{PROVIDER}"}},"system_time":"2026-02-03T09:15:00.5Z","computer":"dc9.lab.test","channel":"Security","record_id":77,"keywords":["0x8020000000000000"],"event_data":{{{data}}}}}"#
            ),
        ),
        (
            "Wazuh",
            format!(
                r#"{{"win":{{"system":{{"providerName":"{PROVIDER}","eventID":"4662","keywords":"0x8020000000000000","systemTime":"2026-02-03T09:15:00.5Z","eventRecordID":"77","channel":"Security","computer":"dc9.lab.test","severityValue":"AUDIT_SUCCESS"}},"eventdata":{{{}}}}}}}"#,
                camel()
            ),
        ),
        (
            "Wazuh's object alone",
            format!(
                r#"{{"system":{{"providerName":"{PROVIDER}","eventID":"4662","systemTime":"2026-02-03T09:15:00.5Z","eventRecordID":"77","channel":"Security","computer":"dc9.lab.test"}},"eventdata":{{{}}}}}"#,
                camel()
            ),
        ),
        (
            "Winlogbeat without names",
            format!(
                r#"{{"@timestamp":"2026-02-03T09:15:00.5Z","event":{{"outcome":"success"}},"winlog":{{"event_id":"4662","channel":"Security","provider_name":"{PROVIDER}","computer_name":"dc9.lab.test","record_id":77,"event_data":{{{}}}}}}}"#,
                DATA.iter()
                    .enumerate()
                    .map(|(place, (_, value))| format!(r#""param{}":{}"#, place + 1, json(value)))
                    .collect::<Vec<String>>()
                    .join(",")
            ),
        ),
        (
            "PowerShell",
            format!(
                r#"{{"Id":4662,"ProviderName":"{PROVIDER}","LogName":"Security","MachineName":"dc9.lab.test","RecordId":77,"TimeCreated":"\/Date(1770110100500)\/","Keywords":-9214364837600034816,"KeywordsDisplayNames":["Überwachung erfolgreich"],"Properties":[{}]}}"#,
                DATA.iter()
                    .map(|(name, value)| match *name {
                        "SubjectUserSid" => format!(r#"{{"Value":{{"BinaryLength":28,"Value":{}}}}}"#, json(value)),
                        _ => format!(r#"{{"Value":{}}}"#, json(value)),
                    })
                    .collect::<Vec<String>>()
                    .join(",")
            ),
        ),
        (
            "data as XML",
            format!(
                r#"{{"EventID":4662,"Source":"x","EventSourceName":"{PROVIDER}","Channel":"Security","Computer":"dc9.lab.test","EventRecordId":77,"TimeCreated":"2026-02-03T09:15:00.5Z","EventData":{}}}"#,
                json(&xml())
            ),
        ),
        ("the event as XML", format!(r#"{{"EventXml":{}}}"#, json(&whole_xml))),
        (
            "xml2js",
            format!(
                r#"{{"Event":{{"System":{{"Provider":{{"$":{{"Name":"{PROVIDER}"}}}},"EventID":{{"_":"4662","$":{{"Qualifiers":""}}}},"TimeCreated":{{"$":{{"SystemTime":"2026-02-03T09:15:00.5Z"}}}},"EventRecordID":"77","Channel":"Security","Computer":"dc9.lab.test"}},"EventData":{{"Data":[{}]}}}}}}"#,
                joined(|name, value| format!(r#"{{"_":{},"$":{{"Name":{}}}}}"#, json(value), json(name)))
            ),
        ),
        (
            "mxj",
            format!(
                r##"{{"Event":{{"System":{{"Provider":{{"-Name":"{PROVIDER}"}},"EventID":"4662","TimeCreated":{{"-SystemTime":"2026-02-03T09:15:00.5Z"}},"EventRecordID":"77","Channel":"Security","Computer":"dc9.lab.test"}},"EventData":{{"Data":[{}]}}}}}}"##,
                elements("-Name", "#text")
            ),
        ),
        (
            "dotted names",
            format!(
                r#"{{"Event.System.Provider.Name":"{PROVIDER}","Event.System.EventID":4662,"Event.System.TimeCreated.SystemTime":"2026-02-03T09:15:00.5Z","Event.System.EventRecordID":77,"Event.System.Channel":"Security","Event.System.Computer":"dc9.lab.test",{}}}"#,
                members("Event.EventData.")
            ),
        ),
    ]
}

#[test]
fn one_event_is_the_same_in_every_shape() {
    let shapes = shapes();
    let (_, first) = &shapes[0];
    let first = event(first);
    expect![[r#"
        entity-management: windows:S-1-5-21-11-22-33:S-1-5-21-11-22-33-1604 programmatic
          session dc9.lab.test/0x7ab
          initiator windows:S-1-5-21-11-22-33:S-1-5-21-11-22-33-1604 `sam`
            metadata.event_code = "4662"
            activity_id = Unsigned(99)
            status_id = Unsigned(1)
            action_id = Unsigned(1)
            actor.user.name = "sam"
            actor.user.domain = "LAB"
            entity.uid = "0e5e6a4c-7c7c-4d5b-9e0f-000000000001"
            entity.name = "%{0e5e6a4c-7c7c-4d5b-9e0f-000000000001}"
            entity.type = "19195a5b-6da0-11d0-afd3-00c04fd930c9"
            access_mask = Unsigned(256)
            access_list = ["%%7688"]
            win.object_properties = ["1131f6aa-9c07-11d1-f79f-00c04fc2dcd2"]
    "#]]
    .assert_eq(&without_the_rest(&first));
    assert_eq!(&*first.id, "dc9.lab.test/security/77@2026-02-03T09:15:00.5Z");
    for (name, shape) in &shapes {
        let event = event(shape);
        assert_eq!((&event.id, event.time, &event.tenant), (&first.id, first.time, &first.tenant), "{name}: {shape}");
        assert_eq!(without_the_rest(&event), without_the_rest(&first), "{name}: {shape}");
        let auto = countersign_formats::Format::read(
            &countersign_formats::Auto,
            Box::new(std::io::Cursor::new(shape.clone())),
            0,
        );
        assert!(matches!(&auto.collect::<Vec<_>>()[..], [Record::Event { .. }]), "{name}: {shape}");
    }
}

/// The summary without what shapes differ in: the message and members that have no field.
fn without_the_rest(event: &Event) -> String {
    let mut event = event.clone();
    event.fields.set(FieldId::Message, Value::WrongType);
    event.fields.set(FieldId::Unmapped, Value::WrongType);
    summary(&event).lines().filter(|line| !line.ends_with("WrongType")).map(|line| format!("{line}\n")).collect()
}

#[test]
fn an_event_whose_data_stayed_unread_is_a_dead_letter() {
    let base = format!(
        r#""EventID":4662,"SourceName":"{PROVIDER}","Channel":"Security","Computer":"dc9.lab.test","TimeCreated":"2026-02-03T09:15:00Z""#
    );
    for members in [
        // None, but for words in the machine's language.
        r#""Message":"An operation was performed on an object.""#,
        // A text that is neither JSON nor XML, damaged ones, and data of another template.
        r#""EventData":"SubjectUserSid: S-1-5-21-11-22-33-1604""#,
        r#""Payload":"{\"EventData\":{\"Data\":""#,
        r#""EventData":"<EventData><Data Name='SubjectUserSid'>""#,
        r#""EventData":{"Data":"S-1-5-21-11-22-33-1604, sam, LAB"}"#,
        r#""StringInserts":["sam","LAB","S-1-5-21-11-22-33-1604"]"#,
        r#""StringInserts":[]"#,
        r#""winlog":{"event_data":{"Other":"x"}}"#,
    ] {
        let letters = read(&format!("{{{base},{members}}}"));
        assert!(
            matches!(&letters[..], [Record::DeadLetter(letter)] if letter.reason_code.code() == "event-data-unread"),
            "{members}: {letters:?}"
        );
    }
    // Events that name nobody, and those of other programs, whose data mean nothing here.
    for other in [
        r#"{"EventID":4608,"SourceName":"Microsoft-Windows-Security-Auditing","Channel":"Security","TimeCreated":"2026-02-03T09:15:00Z"}"#,
        r#"{"EventID":4662,"SourceName":"App","Channel":"Application","TimeCreated":"2026-02-03T09:15:00Z","StringInserts":["a"]}"#,
        r#"{"EventID":501,"SourceName":"AD FS Auditing","Channel":"Security","TimeCreated":"2026-02-03T09:15:00Z","EventData":{"Data":["a","b"]}}"#,
    ] {
        event(other);
    }
}

#[test]
fn the_events_own_data_never_pass_for_the_systems() {
    let raw = format!(
        r#"{{"Event":{{"System":{{"Provider":{{"Name":"EvilApp"}},"EventID":4662,"Channel":"Application","Computer":"ws1.lab.test","TimeCreated":{{"SystemTime":"2026-02-03T09:15:00Z"}}}},"EventData":{{"Channel":"Security","Provider":"{PROVIDER}","ProviderName":"{PROVIDER}","Computer":"dc9.lab.test","SystemTime":"2020-01-01T00:00:00Z",{}}},"RenderingInfo":{{"Provider":"{PROVIDER}","Channel":"Security","Keywords":{{"Keyword":"Audit Success"}}}}}}}}"#,
        members("")
    );
    let event = event(&raw);
    assert_eq!(event.fields.text(FieldId::MetadataEventCode), Some("EvilApp/4662"));
    assert_eq!(event.fields.text(FieldId::DeviceHostname), Some("ws1.lab.test"));
    assert_eq!((event.time.to_string(), event.actor.account.as_ref()), ("2026-02-03T09:15:00Z".to_owned(), None));
    assert!(event.fields.get(FieldId::WinObjectProperties).is_none());
}

#[test]
fn a_local_time_of_no_zone_leads_to_a_challenge_at_most() {
    use countersign_model::vocabulary::ActionClass;
    let raw = |time: &str| {
        format!(
            r#"{{"EventID":4662,"SourceName":"{PROVIDER}","Channel":"Security","Hostname":"dc9.lab.test",{time},{}}}"#,
            members("")
        )
    };
    let local = event(&raw(r#""EventTime":"2026-02-03 10:15:00","EventReceivedTime":"2026-02-03 10:15:01""#));
    assert_eq!(local.time.to_string(), "2026-02-03T10:15:00Z");
    assert_eq!((local.binding.bound, local.binding.highest_class), (true, ActionClass::Challenge));
    let zoned = event(&raw(r#""EventTime":"2026-02-03 10:15:00 +0100""#));
    assert_eq!(zoned.binding.highest_class, ActionClass::Contain);
}
