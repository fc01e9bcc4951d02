//! The partition key of an event: the key of a rule's state.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use countersign_model::vocabulary::{FieldId, PartitionKey};
use countersign_model::{Account, Event, Value, encode_part};

/// What the keys of events begin with whose source isn't bound to the actor's tenant; the source's name follows.
const NOT_BOUND: &str = "not-bound/";

/// The key's text; none when the event has no value for it, in which case its row is judged without state.
///
/// What a source says that isn't bound to the tenant of the actor, or for the key `target` of the account acted on, has keys
/// of its own: it neither shapes what is found in what
/// others say nor hides it.
#[must_use]
pub fn partition_key(key: PartitionKey, event: &Event) -> Option<String> {
    let text = key_text(key, event)?;
    let bound = if key == PartitionKey::Target { event.binding.target_bound } else { event.binding.bound };
    Some(if bound { text } else { format!("{NOT_BOUND}{}/{text}", event.source) })
}

fn key_text(key: PartitionKey, event: &Event) -> Option<String> {
    match key {
        // The account, never the identity: a rule must not see what only the directory knows.
        PartitionKey::Actor => actor(event),
        PartitionKey::Person => person(event),
        PartitionKey::PersonOrActor => person(event).or_else(|| actor(event)),
        PartitionKey::Target => event.target.as_ref().map(|target| text(&target.account, "")),
        PartitionKey::SourceIp => source(event).map(|address| address.to_string()),
        PartitionKey::SourceNetwork => network(event),
        // The caller may choose a session id: it is unique only under the account it belongs to.
        PartitionKey::Session => {
            let account = event.actor.account.as_ref()?;
            // An account's parts can't contain `:`, so no session of another account has the same text.
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

fn actor(event: &Event) -> Option<String> {
    event.actor.account.as_ref().map(|account| text(account, ""))
}

/// The account; of a shared one with the session's name behind it, where an identity provider gave it. Several people may
/// be behind any other shared account: what they do says nothing about one of them.
fn person(event: &Event) -> Option<String> {
    let account = event.actor.account.as_ref()?;
    if !event.actor_is_shared() {
        return Some(text(account, ""));
    }
    let person = event.actor.person.as_deref().filter(|person| !person.is_empty())?;
    let mut key = text(account, person);
    key.push(':');
    // Writing into a string doesn't fail.
    let _ = encode_part(person, &mut key);
    Some(key)
}

/// The source address. A rule sees an IPv4 address and the same one mapped into IPv6 as one; so does its state.
fn source(event: &Event) -> Option<IpAddr> {
    match event.fields.get(FieldId::SrcEndpointIp) {
        Some(Value::Address(address)) => Some(address.to_canonical()),
        _ => None,
    }
}

/// The network of the source address by its first address: what one customer of a provider has at least, so that an
/// address from it costs nothing. Of IPv4 the first 24 bits, of IPv6 the first 64.
pub(crate) fn source_network(event: &Event) -> Option<IpAddr> {
    source(event).map(|address| match address {
        IpAddr::V4(address) => IpAddr::V4(Ipv4Addr::from_bits(address.to_bits() & (u32::MAX << 8))),
        IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() & (u128::MAX << 64))),
    })
}

/// The same network as text, with its length.
#[must_use]
pub fn network(event: &Event) -> Option<String> {
    source_network(event).map(|network| match network {
        IpAddr::V4(network) => format!("{network}/24"),
        IpAddr::V6(network) => format!("{network}/64"),
    })
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
#[path = "../tests/unit/keys.rs"]
mod tests;
