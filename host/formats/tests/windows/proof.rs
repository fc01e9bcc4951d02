//! Which events prove who acted, and that events of other channels and providers mean nothing.

use countersign_formats::Record;
use countersign_model::Event;
use countersign_model::vocabulary::FieldId;
use expect_test::expect;

use crate::{SUBJECT, event, read, summary};

fn of(origin: &str, members: &str) -> Box<Event> {
    let comma = if origin.is_empty() { "" } else { "," };
    let line = format!(
        r#"{{"TimeCreated":"2024-05-01T10:00:00Z","Hostname":"DC1.example.com","Keywords":"0x8020000000000000"{comma}{origin},{members}}}"#
    );
    match read(&line).pop() {
        Some(Record::Event { event, .. }) => event,
        other => panic!("{other:?}"),
    }
}

const TARGET: &str = r#""TargetUserSid":"S-1-5-21-1-2-3-1104","TargetUserName":"alice""#;
const REPLICATION: &str = r#""EventID":4662,"Properties":"%%7688 {1131f6ad-9c07-11d1-f79f-00c04fc2dcd2}","ObjectType":"%{19195a5b-6da0-11d0-afd3-00c04fd930c9}","AccessMask":"0x100""#;

#[test]
fn only_listed_events_prove_that_their_actor_authenticated() {
    for (members, authenticated) in [
        (format!(r#""EventID":4624,"ImpersonationLevel":"%%1833",{TARGET}"#), true),
        (format!(r#""EventID":4624,"ImpersonationLevel":"%%1840",{TARGET}"#), true),
        (format!(r#""EventID":4624,"ImpersonationLevel":"-",{TARGET}"#), true),
        (format!(r#""EventID":4624,{TARGET}"#), true),
        // Identified by a service, which needs nothing of the account for that.
        (format!(r#""EventID":4624,"ImpersonationLevel":"%%1832",{TARGET}"#), false),
        (format!(r#""EventID":4624,"Status":"0xc000006d",{TARGET}"#), false),
        (format!(r#""EventID":4625,{TARGET}"#), false),
        (format!(r#""EventID":4634,{TARGET}"#), false),
        (format!(r#""EventID":4647,{TARGET}"#), true),
        (format!(r#""EventID":4768,"PreAuthType":"2",{TARGET}"#), true),
        (format!(r#""EventID":4768,"PreAuthType":"16",{TARGET}"#), true),
        (format!(r#""EventID":4768,"PreAuthType":"0",{TARGET}"#), false),
        (format!(r#""EventID":4768,"PreAuthType":"-",{TARGET}"#), false),
        (format!(r#""EventID":4768,{TARGET}"#), false),
        (format!(r#""EventID":4768,"PreAuthType":"2","Status":"0x18",{TARGET}"#), false),
        (format!(r#""EventID":4771,"PreAuthType":"2",{TARGET}"#), false),
        (format!(r#""EventID":4772,{TARGET}"#), false),
        (format!(r#""EventID":4773,{TARGET}"#), false),
        (format!(r#""EventID":4776,{TARGET}"#), true),
        (format!(r#""EventID":4776,"Status":"0xc000006a",{TARGET}"#), false),
        (format!(r#""EventID":4777,{TARGET}"#), false),
        (format!(r#""EventID":4800,{TARGET}"#), false),
        (format!(r#""EventID":4801,{TARGET}"#), true),
        (format!(r#""EventID":4648,{SUBJECT}"#), true),
        (format!(r#""EventID":4672,{SUBJECT}"#), false),
        (format!(r#""EventID":4740,{SUBJECT}"#), false),
        (format!(r#""EventID":4723,{SUBJECT}"#), true),
        (format!(r#""EventID":4723,"EventType":"AUDIT_FAILURE","Keywords":null,{SUBJECT}"#), false),
        (format!(r#""EventID":4724,"EventType":"AUDIT_FAILURE","Keywords":null,{SUBJECT}"#), true),
        (format!(r#"{REPLICATION},{SUBJECT}"#), true),
        (format!(r#""EventID":4688,{SUBJECT}"#), true),
        (format!(r#""EventID":4999,{SUBJECT}"#), false),
    ] {
        let event = event(&members);
        assert!(event.actor.account.is_some(), "{members}");
        assert_eq!(event.actor.authenticated, authenticated, "{members}");
    }
}

#[test]
fn an_event_of_another_channel_or_provider_means_nothing() {
    let auditing = r#""SourceName":"Microsoft-Windows-Security-Auditing""#;
    for origin in [
        r#""Channel":"Application","SourceName":"Security""#.to_owned(),
        r#""Channel":"Application","SourceName":"Microsoft Windows security auditing.""#.to_owned(),
        r#""Channel":"Application","SourceName":"AD FS Auditing""#.to_owned(),
        r#""Channel":"Application","SourceName":"AD FS""#.to_owned(),
        format!(r#""Channel":"ForwardedEvents",{auditing}"#),
        format!(r#""Channel":"System",{auditing}"#),
        r#""Channel":"Application""#.to_owned(),
        r#""Channel":"Security","SourceName":"EvilApp""#.to_owned(),
        r#""Channel":"Security","SourceName":"microsoft-windows-security-auditing ltd""#.to_owned(),
        r#""SourceName":"EvilApp""#.to_owned(),
    ] {
        for members in [
            format!(r#"{REPLICATION},{SUBJECT}"#),
            format!(r#""EventID":4624,{TARGET}"#),
            format!(r#""EventID":4728,{SUBJECT},"MemberSid":"S-1-5-21-1-2-3-1105""#),
            r#""EventID":412,"Message":"A token"#.to_owned() + "\"",
        ] {
            let event = of(&origin, &members);
            assert_eq!(event.class.id(), "api-activity", "{origin} {members}");
            assert!(event.actor.account.is_none() && !event.actor.authenticated, "{origin} {members}");
            assert!(event.target.is_none() && event.actor.session.is_none(), "{origin} {members}");
            for field in [FieldId::WinObjectProperties, FieldId::ActorUserName, FieldId::UserUid, FieldId::EntityType] {
                assert_eq!(event.fields.get(field), None, "{origin} {members}");
            }
            let code = event.fields.text(FieldId::MetadataEventCode).unwrap_or_default();
            assert!(code.contains('/'), "{code}");
        }
    }
    expect![[r#"
        api-activity: unresolved programmatic, not authenticated
          initiator ? `DC1.example.com`
            metadata.event_code = "EvilApp/4662"
            activity_id = Unsigned(99)
            status_id = Unsigned(1)
            action_id = Unsigned(1)
            unmapped = {"Properties":"%%7688 {1131f6ad-9c07-11d1-f79f-00c04fc2dcd2}","ObjectType":"%{19195a5b-6da0-11d0-afd3-00c04fd930c9}","AccessMask":"0x100","SubjectUserSid":"S-1-5-21-1-2-3-1104","SubjectUserName":"alice","SubjectDomainName":"EXAMPLE","SubjectLogonId":"0x41A6996"}
    "#]]
    .assert_eq(&summary(&of(r#""Channel":"Application","SourceName":"EvilApp""#, &format!("{REPLICATION},{SUBJECT}"))));
}

#[test]
fn a_record_that_leaves_out_its_channel_or_provider_is_read_but_proves_nothing() {
    for (origin, proves) in [
        (r#""Channel":"security","SourceName":"Microsoft-Windows-Security-Auditing""#, true),
        (r#""log_name":"Security","source_name":"Microsoft-Windows-Security-Auditing""#, true),
        (r#""Channel":"Security""#, false),
        (r#""SourceName":"Microsoft-Windows-Security-Auditing""#, false),
        ("", false),
    ] {
        let event = of(origin, &format!(r#""EventID":4624,{TARGET}"#));
        assert_eq!(event.class.id(), "authentication", "{origin}");
        assert!(event.actor.account.is_some(), "{origin}");
        assert_eq!(event.actor.authenticated, proves, "{origin}");
    }
}
