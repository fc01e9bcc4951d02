//! Partition keys of events, known and unknown.

#![allow(clippy::unwrap_used, reason = "tests")]

use std::sync::Arc;

use countersign_model::{Account, ChainMember, ChainRole, Target};

use super::*;
use crate::testing::{account, event, text, with_field};

fn address(text: &str) -> Value {
    Value::Address(text.parse().unwrap())
}

fn member(subject: &str, shared: bool) -> ChainMember {
    let account = Some(account(subject));
    ChainMember { role: ChainRole::Initiator, account, name: None, proved_type: None, shared, protected: false }
}

/// An event with a value for every partition key.
fn complete_event() -> Event {
    let mut event = with_field("src_endpoint.ip", address("198.51.100.7"));
    event.fields.set(FieldId::ActorInvokedBy, text("lambda.amazonaws.com"));
    event.actor.account = Some(account("AROA1"));
    event.actor.session = Some(Arc::from("AROA1:build"));
    event.actor.person = Some(Arc::from("alice@example.com"));
    event.chain = vec![member("AROA1", true)];
    event.target = Some(Target {
        account: Account::new("aws", "444455556666", "AIDA2"),
        proved_type: None,
        shared: false,
        token: None,
    });
    event
}

#[test]
fn every_partition_key_has_its_text() {
    let keys = [
        (PartitionKey::Actor, Some("aws:111122223333:AROA1")),
        (PartitionKey::Person, Some("aws:111122223333:AROA1:alice@example.com")),
        (PartitionKey::PersonOrActor, Some("aws:111122223333:AROA1:alice@example.com")),
        (PartitionKey::Target, Some("aws:444455556666:AIDA2")),
        (PartitionKey::SourceIp, Some("198.51.100.7")),
        (PartitionKey::SourceNetwork, Some("198.51.100.0/24")),
        (PartitionKey::Session, Some("aws:111122223333:AROA1:AROA1:build")),
        (PartitionKey::Application, Some("lambda.amazonaws.com")),
        (PartitionKey::Tenant, Some("111122223333")),
        (PartitionKey::None, None),
    ];
    assert_eq!(keys.map(|(key, _)| key).as_slice(), PartitionKey::ALL);
    for (key, expected) in keys {
        assert_eq!(partition_key(key, &complete_event()).as_deref(), expected, "{key:?}");
    }
}

#[test]
fn an_absent_value_is_no_key() {
    for key in PartitionKey::ALL {
        let expected = (*key == PartitionKey::Tenant).then(|| "111122223333".to_owned());
        assert_eq!(partition_key(*key, &event(0)), expected, "{key:?}");
    }
    let wrong = with_field("src_endpoint.ip", Value::WrongType);
    assert_eq!(partition_key(PartitionKey::SourceIp, &wrong), None);
    assert_eq!(partition_key(PartitionKey::SourceNetwork, &wrong), None);
    // A session without an account: its sender chose it.
    let mut unresolved = complete_event();
    unresolved.actor.account = None;
    assert_eq!(partition_key(PartitionKey::Session, &unresolved), None);
    assert_eq!(partition_key(PartitionKey::Person, &unresolved), None);
}

#[test]
fn a_person_is_an_account_or_a_named_session_of_a_shared_one() {
    let key = |subject: &str, shared: bool, person: Option<&str>| {
        let mut event = event(0);
        event.actor.account = Some(account(subject));
        event.actor.person = person.map(Arc::from);
        // Somebody else's sharing says nothing about the actor.
        event.chain = vec![member("AROAOTHER", true), member(subject, shared)];
        partition_key(PartitionKey::Person, &event)
    };
    assert_eq!(key("AIDA1", false, None).as_deref(), Some("aws:111122223333:AIDA1"));
    assert_eq!(key("AIDA1", false, Some("alice")).as_deref(), Some("aws:111122223333:AIDA1"));
    assert_eq!(key("AROA1", true, Some("alice")).as_deref(), Some("aws:111122223333:AROA1:alice"));
    assert_eq!(key("AROA1", true, None), None);
    assert_eq!(key("AROA1", true, Some("")), None);
    let all = [
        key("AROA1", true, Some("alice")),
        key("AROA1", true, Some("bob")),
        key("AROA2", true, Some("alice")),
        key("AROA1:alice", false, None),
        key("AROA1", true, Some("a:b")),
        key("AROA1", true, Some("a%3Ab")),
        key("AROA1:a", true, Some("b")),
    ];
    let distinct: std::collections::BTreeSet<&Option<String>> = all.iter().collect();
    assert_eq!(distinct.len(), all.len(), "{all:?}");
}

#[test]
fn a_shared_account_without_a_person_is_one_key_where_the_account_stands_in() {
    let mut event = event(0);
    event.actor.account = Some(account("AROA1"));
    event.chain = vec![member("AROA1", true)];
    let key = |event: &Event| partition_key(PartitionKey::PersonOrActor, event);
    assert_eq!(key(&event).as_deref(), Some("aws:111122223333:AROA1"));
    // Whatever name the caller gives the session.
    event.actor.session = Some(Arc::from("AROA1:another"));
    assert_eq!(key(&event).as_deref(), Some("aws:111122223333:AROA1"));
    event.actor.person = Some(Arc::from("alice"));
    assert_eq!(key(&event).as_deref(), Some("aws:111122223333:AROA1:alice"));
}

#[test]
fn a_network_is_one_key_for_all_its_addresses() {
    for (written, expected) in [
        ("198.51.100.7", "198.51.100.0/24"),
        ("198.51.100.255", "198.51.100.0/24"),
        ("198.51.101.0", "198.51.101.0/24"),
        ("::ffff:198.51.100.9", "198.51.100.0/24"),
        ("0.0.0.0", "0.0.0.0/24"),
        ("2001:db8:0:1:ffff::1", "2001:db8:0:1::/64"),
        ("2001:db8:0:1::", "2001:db8:0:1::/64"),
        ("2001:db8::1", "2001:db8::/64"),
        ("::1", "::/64"),
        ("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "ffff:ffff:ffff:ffff::/64"),
    ] {
        let event = with_field("src_endpoint.ip", address(written));
        assert_eq!(partition_key(PartitionKey::SourceNetwork, &event).as_deref(), Some(expected), "{written}");
    }
}

#[test]
fn no_session_id_collides_with_another_accounts() {
    let key = |subject: &str, session: &str| {
        let mut event = event(0);
        event.actor.account = Some(account(subject));
        event.actor.session = Some(Arc::from(session));
        partition_key(PartitionKey::Session, &event).unwrap()
    };
    let all = [
        ("AROA1", "x:y"),
        ("AROA1:x", "y"),
        ("AROA1", "x%3Ay"),
        ("AROA1%3Ax", "y"),
        ("AROA1:x:y", ""),
        ("AROA1", ":x:y"),
        ("AROA1", "x"),
    ];
    let keys: std::collections::BTreeSet<String> = all.iter().map(|(subject, session)| key(subject, session)).collect();
    assert_eq!(keys.len(), all.len(), "{keys:?}");
}

#[test]
fn an_address_is_one_key_in_every_notation() {
    let keys = ["198.51.100.7", "::ffff:198.51.100.7", "::ffff:c633:6407"]
        .map(|written| partition_key(PartitionKey::SourceIp, &with_field("src_endpoint.ip", address(written))));
    assert_eq!(keys, [const { Some("198.51.100.7") }; 3].map(|key| key.map(str::to_owned)));
    let six = with_field("src_endpoint.ip", address("2001:DB8:0::7"));
    assert_eq!(partition_key(PartitionKey::SourceIp, &six).as_deref(), Some("2001:db8::7"));
}
