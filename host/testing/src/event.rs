//! Events made by hand.

use std::sync::Arc;

use countersign_model::vocabulary::{EventClass, FieldId, Usage};
use countersign_model::{Account, Actor, Binding, Digest, Event, Fields, RawAddress, Timestamp, Value};

/// Seconds as microseconds.
pub const SECOND: i64 = 1_000_000;

const TENANT: &str = "111122223333";

/// A point in time, seconds after an arbitrary beginning.
#[must_use]
pub fn second(second: i64) -> Timestamp {
    Timestamp(1_700_000_000 * SECOND).plus_micros(second * SECOND)
}

/// An account of one tenant.
#[must_use]
pub fn account(subject: &str) -> Account {
    Account::new("aws", TENANT, subject)
}

/// The event of a number, without fields or an account; it happens so many seconds after the beginning.
#[must_use]
pub fn event(number: u64) -> Event {
    let time = second(i64::try_from(number).expect("a small number"));
    Event {
        source: "example".into(),
        binding: Binding::BOUND,
        tenant: Arc::from(TENANT),
        id: Arc::from(format!("event-{number}")),
        class: EventClass::ApiActivity,
        time,
        ingest_time: time,
        actor: Actor {
            account: None,
            usage: Usage::Programmatic,
            authenticated: true,
            session: None,
            token: None,
            temporary: false,
            person: None,
            grant: None,
        },
        chain: Vec::new(),
        target: None,
        trust: None,
        fields: Fields::default(),
        raw: RawAddress { input: 0, ordinal: number, offset: 0, length: 0, digest: Digest::of(&number.to_be_bytes()) },
    }
}

/// The event of a number: a call of an operation by a subject. An empty subject means no account, a leading `?` not
/// authenticated.
#[must_use]
pub fn call(number: u64, operation: &str, subject: &str) -> Event {
    let mut event = event(number);
    let (subject, authenticated) = subject.strip_prefix('?').map_or((subject, true), |subject| (subject, false));
    event.actor.account = (!subject.is_empty()).then(|| account(subject));
    event.actor.authenticated = authenticated;
    event.fields.set(FieldId::ApiOperation, text(operation));
    event
}

/// An event with one field.
#[must_use]
pub fn with_field(path: &str, value: Value) -> Event {
    let mut event = event(0);
    event.fields.set(FieldId::from_path(path).expect("a path of the table of fields"), value);
    event
}

/// Text as a value.
#[must_use]
pub fn text(text: &str) -> Value {
    Value::Text(Arc::from(text))
}
