//! What a record becomes: raw JSON in, a summary of the event out. One test a concern, one case a rule.
#![expect(clippy::panic, reason = "helpers of tests, which clippy takes for other code")]

mod acted_on;
mod actors;
mod outcomes;
mod records;
mod spellings;
#[path = "../summary/mod.rs"]
mod summary;

use std::io::Cursor;

use countersign_formats::{CloudTrail, Format, Record};
use countersign_model::Event;
use expect_test::Expect;
pub(crate) use summary::{actor, fields, target};

/// The event of a record that has these members beside an id, a time, a name, a kind and a recipient.
pub(crate) fn event(members: &str) -> Box<Event> {
    let base = r#""eventID":"id","eventTime":"2024-05-01T10:00:00Z","recipientAccountId":"999999999999""#;
    let name = if members.contains("\"eventName\"") { "" } else { r#","eventName":"ListThings""# };
    let kind = if members.contains("\"eventType\"") { "" } else { r#","eventType":"AwsApiCall""# };
    let comma = if members.is_empty() { "" } else { "," };
    let line = format!("{{{base}{name}{kind}{comma}{}}}", members.replace('\n', " "));
    match CloudTrail.read(Box::new(Cursor::new(line)), 0).next() {
        Some(Record::Event { event, .. }) => event,
        other => panic!("{other:?}"),
    }
}

pub(crate) fn identity(identity: &str) -> Box<Event> {
    event(&format!(r#""userIdentity":{{{identity}}}"#))
}

pub(crate) fn acted_on(event: &Event) -> String {
    let target = target(event).unwrap_or("no target".to_owned());
    let fields = fields(event, &["user.", "group.", "policy.", "session.", "resources."]);
    let fields: String = fields.lines().map(|field| format!("  {field}\n")).collect();
    format!("{} {target}\n{fields}", event.class)
}

pub(crate) fn check_actor(text: &str, expected: Expect) {
    expected.assert_eq(&actor(&identity(text)));
}

pub(crate) fn check_acted(members: &str, expected: Expect) {
    expected.assert_eq(&acted_on(&event(members)));
}

pub(crate) fn check_fields(members: &str, prefixes: &[&str], expected: Expect) {
    expected.assert_eq(&fields(&event(members), prefixes));
}

pub(crate) const USER: &str = r#""type":"IAMUser","principalId":"AIDAALICE","arn":"arn:aws:iam::999999999999:user/alice","accountId":"999999999999","accessKeyId":"AKIA1","userName":"alice""#;
pub(crate) const ROLE: &str = r#""type":"AssumedRole","principalId":"AROADEPLOY:session","arn":"arn:aws:sts::999999999999:assumed-role/deploy/session","accountId":"999999999999","accessKeyId":"ASIA1""#;
pub(crate) const ISSUER: &str = r#""sessionIssuer":{"type":"Role","principalId":"AROADEPLOY","arn":"arn:aws:iam::999999999999:role/deploy","accountId":"999999999999","userName":"deploy"}"#;
