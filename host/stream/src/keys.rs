//! The partition key of an event: what a rule's state is kept by.

use countersign_model::vocabulary::{FieldId, PartitionKey};
use countersign_model::{Event, Value};

/// The key's text; none when the event has nothing to be kept by, in which case its row is judged without state.
#[must_use]
pub fn partition_key(key: PartitionKey, event: &Event) -> Option<String> {
    match key {
        // The account, never the identity: a rule must not see what only the directory knows.
        PartitionKey::Actor => event.actor.account.as_ref().map(ToString::to_string),
        PartitionKey::Target => event.target.as_ref().map(|target| target.account.to_string()),
        PartitionKey::SourceIp => match event.fields.get(FieldId::SrcEndpointIp) {
            Some(Value::Address(address)) => Some(address.to_string()),
            _ => None,
        },
        // A session id is the caller's to choose: it is unique only under the account it belongs to.
        PartitionKey::Session => {
            let account = event.actor.account.as_ref()?;
            // A `:` can't stand in an account's parts, so no session of another account has the same text.
            event.actor.session.as_ref().map(|session| format!("{account}:{session}"))
        }
        PartitionKey::Application => event.fields.text(FieldId::ActorInvokedBy).map(str::to_owned),
        PartitionKey::Tenant => Some(event.tenant.to_string()),
        PartitionKey::None => None,
    }
}
