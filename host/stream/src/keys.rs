//! The partition key of an event: what a rule's state is kept by.

use countersign_model::vocabulary::{FieldId, PartitionKey};
use countersign_model::{Account, Event, Value};

/// The key's text; none when the event has nothing to be kept by, in which case its row is judged without state.
#[must_use]
pub fn partition_key(key: PartitionKey, event: &Event) -> Option<String> {
    match key {
        // The account, never the identity: a rule must not see what only the directory knows.
        PartitionKey::Actor => event.actor.account.as_ref().map(|account| text(account, "")),
        PartitionKey::Target => event.target.as_ref().map(|target| text(&target.account, "")),
        PartitionKey::SourceIp => match event.fields.get(FieldId::SrcEndpointIp) {
            // A rule sees an IPv4 address and the same one mapped into IPv6 as one; so does its state.
            Some(Value::Address(address)) => Some(address.to_canonical().to_string()),
            _ => None,
        },
        // A session id is the caller's to choose: it is unique only under the account it belongs to.
        PartitionKey::Session => {
            let account = event.actor.account.as_ref()?;
            // A `:` can't stand in an account's parts, so no session of another account has the same text.
            event.actor.session.as_ref().map(|session| {
                let mut key = text(account, session);
                key.push(':');
                key.push_str(session);
                key
            })
        }
        PartitionKey::Application => event.fields.text(FieldId::ActorInvokedBy).map(str::to_owned),
        PartitionKey::Tenant => Some(event.tenant.to_string()),
        PartitionKey::None => None,
    }
}

/// An account's text, with room for a colon and `more` behind it.
fn text(account: &Account, more: &str) -> String {
    let parts = [&account.provider, &account.tenant, &account.subject];
    let mut text = String::with_capacity(parts.iter().map(|part| part.len() + 1).sum::<usize>() + more.len());
    // Writing into a string doesn't fail.
    let _ = account.write_to(&mut text);
    text
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use std::sync::Arc;

    use countersign_model::{Account, Target};

    use super::*;
    use crate::testing::{account, event, text, with_field};

    fn address(text: &str) -> Value {
        Value::Address(text.parse().unwrap())
    }

    /// An event of which everything that a key can be made of is known.
    fn known() -> Event {
        let mut event = with_field("src_endpoint.ip", address("198.51.100.7"));
        event.fields.set(FieldId::ActorInvokedBy, text("lambda.amazonaws.com"));
        event.actor.account = Some(account("AROA1"));
        event.actor.session = Some(Arc::from("AROA1:build"));
        event.target = Some(Target {
            account: Account::new("aws", "444455556666", "AIDA2"),
            proved_type: None,
            shared: false,
            token: None,
        });
        event
    }

    #[test]
    fn every_key_names_what_state_is_kept_by() {
        let keys = [
            (PartitionKey::Actor, Some("aws:111122223333:AROA1")),
            (PartitionKey::Target, Some("aws:444455556666:AIDA2")),
            (PartitionKey::SourceIp, Some("198.51.100.7")),
            (PartitionKey::Session, Some("aws:111122223333:AROA1:AROA1:build")),
            (PartitionKey::Application, Some("lambda.amazonaws.com")),
            (PartitionKey::Tenant, Some("111122223333")),
            (PartitionKey::None, None),
        ];
        assert_eq!(keys.map(|(key, _)| key).as_slice(), PartitionKey::ALL);
        for (key, expected) in keys {
            assert_eq!(partition_key(key, &known()).as_deref(), expected, "{key:?}");
        }
    }

    #[test]
    fn what_an_event_does_not_have_is_no_key() {
        for key in PartitionKey::ALL {
            let expected = (*key == PartitionKey::Tenant).then(|| "111122223333".to_owned());
            assert_eq!(partition_key(*key, &event(0)), expected, "{key:?}");
        }
        let wrong = with_field("src_endpoint.ip", Value::WrongType);
        assert_eq!(partition_key(PartitionKey::SourceIp, &wrong), None);
        // A session of nobody: whoever sends it chose it.
        let mut unresolved = known();
        unresolved.actor.account = None;
        assert_eq!(partition_key(PartitionKey::Session, &unresolved), None);
    }

    #[test]
    fn no_choice_of_a_session_makes_it_that_of_another_account() {
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
        let keys: std::collections::BTreeSet<String> =
            all.iter().map(|(subject, session)| key(subject, session)).collect();
        assert_eq!(keys.len(), all.len(), "{keys:?}");
    }

    #[test]
    fn an_address_is_one_key_however_it_is_written() {
        let keys = ["198.51.100.7", "::ffff:198.51.100.7", "::ffff:c633:6407"]
            .map(|written| partition_key(PartitionKey::SourceIp, &with_field("src_endpoint.ip", address(written))));
        assert_eq!(keys, [const { Some("198.51.100.7") }; 3].map(|key| key.map(str::to_owned)));
        let six = with_field("src_endpoint.ip", address("2001:DB8:0::7"));
        assert_eq!(partition_key(PartitionKey::SourceIp, &six).as_deref(), Some("2001:db8::7"));
    }
}
