//! What an Okta event becomes: raw JSON in, a summary of the event out. One test a concern, one case a rule.
#![expect(clippy::panic, reason = "helpers of tests, which clippy takes for other code")]

#[path = "../summary/mod.rs"]
mod summary;

mod actors;
mod records;

use countersign_formats::{DeadLetter, Okta};
use countersign_model::Event;
use summary::{dead_letter_of, event_of};

/// The event of a record with these members beside an id and a time; also of a user who acts, unless it has an actor.
pub(crate) fn event(event_type: &str, members: &str) -> Box<Event> {
    event_of(&Okta, &record(event_type, members))
}

pub(crate) fn dead_letter(json: &str) -> DeadLetter {
    dead_letter_of(&Okta, json)
}

pub(crate) fn record(event_type: &str, members: &str) -> String {
    let base = r#""uuid":"u-1","published":"2024-05-01T10:00:00.000Z""#;
    let actor = if members.contains(r#""actor":"#) { "" } else { ACTOR };
    let comma = if members.is_empty() { "" } else { "," };
    format!(r#"{{{base},"eventType":"{event_type}"{actor}{comma}{}}}"#, members.replace('\n', " "))
}

const ACTOR: &str =
    r#","actor":{"id":"00ualice","type":"User","alternateId":"alice@example.com","displayName":"Alice"}"#;
pub(crate) const SUCCESS: &str = r#""outcome":{"result":"SUCCESS"}"#;
pub(crate) const FAILURE: &str = r#""outcome":{"result":"FAILURE","reason":"INVALID_CREDENTIALS"}"#;
pub(crate) const SESSION: &str = r#""authenticationContext":{"externalSessionId":"102s"}"#;
pub(crate) const BROWSER: &str = r#""client":{"userAgent":{"browser":"CHROME","os":"Mac OS X"}}"#;
pub(crate) const BOB: &str = r#"{"id":"00ubob","type":"User","alternateId":"bob@example.com","displayName":"Bob"}"#;
