//! What a Windows record becomes: raw JSON in, a summary of the event out. One test a concern, one case a rule.
#![expect(clippy::panic, reason = "helpers of tests, which clippy takes for other code")]

mod accounts;
mod directory;
mod federation;
mod proof;
mod records;
mod shapes;
mod sign_ins;

use std::io::Cursor;

use countersign_formats::{Format, Record, WindowsSecurity};
use countersign_model::{Event, Value};
use expect_test::Expect;

/// The records of a text.
pub(crate) fn read(text: &str) -> Vec<Record> {
    WindowsSecurity.read(Box::new(Cursor::new(text.to_owned())), 0).collect()
}

/// The event of a record that has these members beside a time, a machine and a provider.
pub(crate) fn event(members: &str) -> Box<Event> {
    let base = r#""TimeCreated":"2024-05-01T10:00:00Z","Hostname":"DC1.example.com","Channel":"Security","SourceName":"Microsoft-Windows-Security-Auditing""#;
    let line = format!("{{{base},{}}}", members.replace('\n', " "));
    match read(&line).pop() {
        Some(Record::Event { event, .. }) => event,
        other => panic!("{other:?}"),
    }
}

pub(crate) fn summary(event: &Event) -> String {
    let Event { actor, class, .. } = event;
    let mut text = format!(
        "{class}: {} {}{}\n",
        actor.account.as_ref().map_or("unresolved".to_owned(), ToString::to_string),
        actor.usage,
        if actor.authenticated { "" } else { ", not authenticated" }
    );
    if let Some(session) = &actor.session {
        text.push_str(&format!("  session {session}\n"));
    }
    for member in &event.chain {
        let role = format!("{:?}", member.role).to_lowercase();
        let account = member.account.as_ref().map_or("?".to_owned(), ToString::to_string);
        let name = member.name.as_deref().unwrap_or("-");
        let proved = member.proved_type.map_or(String::new(), |proved| format!(" {proved}"));
        let protected = if member.protected { " protected" } else { "" };
        let shared = if member.shared { " shared" } else { "" };
        text.push_str(&format!("  {role} {account} `{name}`{proved}{protected}{shared}\n"));
    }
    if let Some(target) = &event.target {
        let proved = target.proved_type.map_or(String::new(), |proved| format!(" {proved}"));
        let shared = if target.shared { " shared" } else { "" };
        text.push_str(&format!("  on {}{proved}{shared}\n", target.account));
    }
    for (field, value) in event.fields.iter() {
        let value = match value {
            Value::Text(text) => format!("{text:?}"),
            Value::Json(json) => json.to_string(),
            Value::TextList(texts) => format!("{texts:?}"),
            other => format!("{other:?}"),
        };
        // The same in all of these records, or shown above.
        let shown =
            !["metadata.uid", "metadata.product.name", "class_uid", "device.hostname", "device.domain", "raw_data"]
                .contains(&field.path)
                && !field.path.ends_with("user.uid")
                && !field.path.ends_with("account.uid")
                && field.path != "actor.session.uid";
        if shown {
            text.push_str(&format!("    {} = {value}\n", field.path));
        }
    }
    text
}

pub(crate) fn check(members: &str, expected: Expect) {
    expected.assert_eq(&summary(&event(members)));
}

pub(crate) const SUBJECT: &str = r#""SubjectUserSid":"S-1-5-21-1-2-3-1104","SubjectUserName":"alice","SubjectDomainName":"EXAMPLE","SubjectLogonId":"0x41A6996""#;
