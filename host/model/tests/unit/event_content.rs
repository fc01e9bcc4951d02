//! What is content and what is envelope.

use std::sync::Arc;

use countersign_vocabulary::{EventClass, FieldId, IdentityType, Usage};

use crate::{
    Account, Actor, Binding, ChainMember, ChainRole, Digest, Event, Fields, RawAddress, Target, Timestamp, Value,
};

fn account(subject: &str) -> Account {
    Account::new("aws", "111122223333", subject)
}

fn event() -> Event {
    let mut fields = Fields::default();
    fields.set(FieldId::ApiOperation, Value::Text(Arc::from("GetObject")));
    Event {
        source: "example".into(),
        binding: Binding::BOUND,
        tenant: Arc::from("111122223333"),
        id: Arc::from("event-1"),
        class: EventClass::ApiActivity,
        time: Timestamp(7),
        ingest_time: Timestamp(8),
        actor: Actor {
            account: Some(account("AIDA1")),
            usage: Usage::Programmatic,
            authenticated: true,
            session: Some(Arc::from("ab")),
            token: Some(Arc::from("c")),
            temporary: false,
            person: None,
            grant: None,
        },
        chain: vec![ChainMember {
            role: ChainRole::Executor,
            account: Some(account("AIDA1")),
            name: None,
            proved_type: None,
            shared: false,
            protected: false,
        }],
        target: None,
        trust: None,
        fields,
        raw: RawAddress { input: 0, ordinal: 0, offset: 0, length: 9, digest: Digest::of(b"one") },
    }
}

#[test]
fn neither_when_it_was_received_nor_where_its_record_is_counts() {
    let mut again = event();
    again.ingest_time = Timestamp(900);
    again.binding = Binding::NOT_BOUND;
    again.fields.set(FieldId::RawData, Value::Json(Arc::from("{}")));
    again.raw = RawAddress { input: 3, ordinal: 4, offset: 5, length: 6, digest: Digest::of(b"other") };
    assert_eq!(again.content(), event().content());
}

#[test]
fn everything_else_counts() {
    type Change = fn(&mut Event);
    let changes: [Change; 20] = [
        |event| event.source = "other".into(),
        |event| event.tenant = Arc::from("444455556666"),
        |event| event.id = Arc::from("event-2"),
        |event| event.class = EventClass::Authentication,
        |event| event.time = Timestamp(8),
        |event| event.actor.account = Some(account("AIDA2")),
        |event| event.actor.account = None,
        |event| event.actor.authenticated = false,
        // What moves from one part to the next isn't the same.
        |event| (event.actor.session, event.actor.token) = (Some(Arc::from("a")), Some(Arc::from("bc"))),
        |event| (event.actor.token, event.actor.grant) = (None, Some(Arc::from("c"))),
        |event| event.actor.temporary = true,
        |event| event.actor.person = Some(Arc::from("alice")),
        |event| event.actor.person = Some(Arc::from("bob")),
        |event| event.chain.clear(),
        |event| event.chain.iter_mut().for_each(|member| member.shared = true),
        |event| event.chain.iter_mut().for_each(|member| member.proved_type = Some(IdentityType::Human)),
        |event| {
            event.target = Some(Target { account: account("AIDA1"), proved_type: None, shared: false, token: None });
        },
        |event| event.fields.set(FieldId::ApiOperation, Value::Text(Arc::from("PutObject"))),
        |event| event.fields.set(FieldId::ApiOperation, Value::Json(Arc::from("GetObject"))),
        |event| event.fields.set(FieldId::ApiServiceName, Value::Text(Arc::from(""))),
    ];
    let mut seen = vec![event().content()];
    for change in changes {
        let mut changed = event();
        change(&mut changed);
        seen.push(changed.content());
    }
    let all = seen.len();
    seen.sort_unstable();
    seen.dedup();
    assert_eq!(seen.len(), all);
}
