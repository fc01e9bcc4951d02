//! AD FS: events that name no account.

use countersign_formats::Record;
use expect_test::expect;

use crate::{check, read};

const RECORD: &str = r#"{"@timestamp":"2024-05-01T10:00:00Z","Channel":"Security","EventID":501,"Hostname":"FS1.example.com","Keywords":"0x80a0000000000000","Level":"0","SourceName":"AD FS Auditing","Task":"3","TimeCreated":"2024-05-01T10:00:00Z"}"#;

#[test]
fn tokens_and_claims_are_the_federation_services() {
    check(
        r#""EventID":412,"SourceName":"AD FS Auditing","Hostname":"FS1.example.com","Keywords":"0x80a0000000000000","Task":"3","Message":"A token of type 'x' for relying party '-' was successfully authenticated.""#,
        expect![[r#"
            authentication: unresolved programmatic, not authenticated
              initiator ? `FS1.example.com`
                metadata.event_code = "412"
                activity_id = Unsigned(1)
                message = "A token of type 'x' for relying party '-' was successfully authenticated."
                status_id = Unsigned(1)
                action_id = Unsigned(1)
                unmapped = {"Task":"3"}
        "#]],
    );
    check(
        r#""EventID":501,"SourceName":"AD FS Auditing","Hostname":"FS1.example.com","EventData":{"Data":["one","two"]}"#,
        expect![[r#"
            authentication: unresolved programmatic, not authenticated
              initiator ? `FS1.example.com`
                metadata.event_code = "501"
                activity_id = Unsigned(99)
                unmapped = {"EventData.Data":["one","two"]}
        "#]],
    );
    check(
        r#""EventID":1203,"SourceName":"AD FS Auditing","Hostname":"FS1.example.com""#,
        expect![[r#"
        authentication: unresolved programmatic, not authenticated
          initiator ? `FS1.example.com`
            metadata.event_code = "1203"
            activity_id = Unsigned(1)
            status_id = Unsigned(2)
    "#]],
    );
    check(
        r#""EventID":307,"SourceName":"AD FS""#,
        expect![[r#"
        api-activity: unresolved programmatic, not authenticated
          initiator ? `DC1.example.com`
            metadata.event_code = "307"
            activity_id = Unsigned(99)
    "#]],
    );
}

#[test]
fn two_records_of_the_same_bytes_are_two_events() {
    let records = read(&format!("{RECORD}\n{RECORD}\n"));
    let ids: Vec<&str> = records
        .iter()
        .map(|record| match record {
            Record::Event { event, .. } => &*event.id,
            Record::DeadLetter(letter) => &*letter.reason,
        })
        .collect();
    let [one, other] = ids[..] else { panic!("{ids:?}") };
    assert!(one.starts_with("sha256-") && one.ends_with("-0") && other.ends_with("-1"), "{ids:?}");
    assert_eq!(one.trim_end_matches("-0"), other.trim_end_matches("-1"));
}
