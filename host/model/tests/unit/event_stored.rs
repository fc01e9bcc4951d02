//! An event survives storage in every member.

use std::sync::Arc;

use countersign_vocabulary::{EventClass, FieldId, IdentityType, Usage};

use crate::{
    Account, Actor, Binding, ChainMember, ChainRole, Digest, Event, Fields, RawAddress, Target, Timestamp, Value,
};

#[test]
fn every_member_and_every_kind_of_value_comes_back() {
    let mut fields = Fields::default();
    let values = [
        Value::Unsigned(u64::MAX),
        Value::Signed(i64::MIN),
        Value::Float(0.1 + 0.2),
        Value::Boolean(true),
        Value::Text(Arc::from("text \u{0} \u{1f511}")),
        Value::TextList(vec![Arc::from(""), Arc::from("b")]),
        Value::Timestamp(-1),
        Value::Address("::ffff:192.0.2.1".parse().unwrap()),
        Value::Json(Arc::from("{\"a\":[]}")),
        Value::WrongType,
    ];
    for (field, value) in FieldId::all().zip(values) {
        fields.set(field, value);
    }
    let event = Event {
        source: "example".into(),
        binding: Binding::NOT_BOUND,
        tenant: Arc::from("111122223333"),
        id: Arc::from("event-1"),
        class: EventClass::ApiActivity,
        time: Timestamp(7),
        ingest_time: Timestamp(8),
        actor: Actor {
            // An account with an empty part has no text form that reads back.
            account: Some(Account::new("aws", "", "AIDA:1")),
            usage: Usage::Delegated,
            authenticated: true,
            session: Some(Arc::from("session")),
            token: Some(Arc::from("token")),
            grant: Some(Arc::from("grant")),
            temporary: true,
            person: Some(Arc::from("alice@example.com")),
        },
        chain: vec![ChainMember {
            role: ChainRole::Initiator,
            account: None,
            name: Some(Arc::from("a name")),
            proved_type: Some(IdentityType::Human),
            shared: true,
            protected: true,
        }],
        target: Some(Target {
            account: Account::new("aws", "1", "2"),
            proved_type: Some(IdentityType::Workload),
            shared: true,
            token: Some(Arc::from("made")),
        }),
        trust: Some(Arc::from("a provider")),
        fields,
        raw: RawAddress { input: 3, ordinal: 4, offset: 5, length: 6, digest: Digest::of(b"one") },
    };
    let stored = serde_json::to_string(&event).unwrap();
    let again: Event = serde_json::from_str(&stored).unwrap();
    assert_eq!(again.content(), event.content());
    assert_eq!((again.ingest_time, again.raw), (event.ingest_time, event.raw));
    assert_eq!((again.binding, &again.trust), (event.binding, &event.trust));
    assert!(again.fields.iter_by_id().eq(event.fields.iter_by_id()));
    assert_eq!(serde_json::to_string(&again).unwrap(), stored);
}

#[test]
fn a_record_from_before_there_were_temporary_credentials_and_persons_reads_back_as_it_was() {
    let stored = r#"{"source":"example","tenant":"t","id":"1","class":"api-activity","time":"1970-01-01T00:00:00Z","ingest_time":"1970-01-01T00:00:00Z","actor":{"account":null,"usage":"delegated","authenticated":true,"session":null,"token":null,"grant":null},"chain":[],"target":null,"fields":[],"raw":{"input":0,"ordinal":0,"offset":0,"length":0,"digest":"DIGEST"}}"#
        .replace("DIGEST", &Digest::of(b"").to_string());
    let event: Event = serde_json::from_str(&stored).unwrap();
    assert!(!event.actor.temporary && event.actor.person.is_none());
    assert_eq!(serde_json::to_string(&event).unwrap(), stored);
}
