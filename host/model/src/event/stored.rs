//! An event as it is stored: by value, so that what was set on it, such as a timer, outlives its raw record.

use std::net::IpAddr;
use std::sync::Arc;

use countersign_vocabulary::{EventClass, FieldId, IdentityType, Usage};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{Actor, Binding, ChainMember, ChainRole, Event, RawAddress, SourceId, Target};
use crate::{Account, Fields, Timestamp, Value};

impl Serialize for Event {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        StoredEvent::from(self).serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Event {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Event, D::Error> {
        StoredEvent::deserialize(deserializer).map(Event::from)
    }
}

/// The form of an [`Event`]; a member more is a new form of what contains it.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct StoredEvent {
    source: String,
    /// Left out where the source is bound without a limit, as in events stored before there were bindings.
    #[serde(default, skip_serializing_if = "is_bound")]
    binding: Binding,
    tenant: String,
    id: String,
    class: EventClass,
    time: Timestamp,
    ingest_time: Timestamp,
    actor: StoredActor,
    chain: Vec<StoredMember>,
    target: Option<StoredTarget>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    trust: Option<String>,
    fields: Vec<(FieldId, StoredValue)>,
    raw: RawAddress,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct StoredActor {
    account: Option<StoredAccount>,
    usage: Usage,
    authenticated: bool,
    session: Option<String>,
    token: Option<String>,
    grant: Option<String>,
    /// Left out where it isn't so: records from before there was such a member read back, and are written, as they were.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    temporary: bool,
    /// Likewise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    person: Option<String>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct StoredMember {
    role: ChainRole,
    account: Option<StoredAccount>,
    name: Option<String>,
    proved_type: Option<IdentityType>,
    shared: bool,
    protected: bool,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct StoredTarget {
    account: StoredAccount,
    proved_type: Option<IdentityType>,
    shared: bool,
    token: Option<String>,
}

/// Provider, tenant and subject. The text form isn't used: it can't be read back where a part is empty.
#[derive(Serialize, Deserialize)]
struct StoredAccount(String, String, String);

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum StoredValue {
    Unsigned(u64),
    Signed(i64),
    /// The bits, so that every number survives JSON.
    Float(u64),
    Boolean(bool),
    Text(String),
    TextList(Vec<String>),
    Timestamp(i64),
    Address(IpAddr),
    Json(String),
    WrongType,
}

fn is_bound(binding: &Binding) -> bool {
    *binding == Binding::BOUND
}

fn owned(text: &Arc<str>) -> String {
    String::from(&**text)
}

impl From<&Event> for StoredEvent {
    fn from(event: &Event) -> StoredEvent {
        // A new member has to be listed here.
        let Event { source, binding, tenant, id, class, time, ingest_time, actor, chain, target, trust, fields, raw } =
            event;
        let Actor { account, usage, authenticated, session, token, grant, temporary, person } = actor;
        let optional = |text: &Option<Arc<str>>| text.as_ref().map(owned);
        StoredEvent {
            source: source.to_string(),
            binding: *binding,
            tenant: owned(tenant),
            id: owned(id),
            class: *class,
            time: *time,
            ingest_time: *ingest_time,
            actor: StoredActor {
                account: account.as_ref().map(StoredAccount::from),
                usage: *usage,
                authenticated: *authenticated,
                session: optional(session),
                token: optional(token),
                grant: optional(grant),
                temporary: *temporary,
                person: optional(person),
            },
            chain: chain
                .iter()
                .map(|ChainMember { role, account, name, proved_type, shared, protected }| StoredMember {
                    role: *role,
                    account: account.as_ref().map(StoredAccount::from),
                    name: optional(name),
                    proved_type: *proved_type,
                    shared: *shared,
                    protected: *protected,
                })
                .collect(),
            target: target.as_ref().map(|Target { account, proved_type, shared, token }| StoredTarget {
                account: StoredAccount::from(account),
                proved_type: *proved_type,
                shared: *shared,
                token: optional(token),
            }),
            trust: optional(trust),
            fields: fields.iter_by_id().map(|(field, value)| (field, StoredValue::from(value))).collect(),
            raw: *raw,
        }
    }
}

impl From<StoredEvent> for Event {
    fn from(stored: StoredEvent) -> Event {
        let StoredEvent {
            source,
            binding,
            tenant,
            id,
            class,
            time,
            ingest_time,
            actor,
            chain,
            target,
            trust,
            fields,
            raw,
        } = stored;
        let StoredActor { account, usage, authenticated, session, token, grant, temporary, person } = actor;
        let shared_text = |text: Option<String>| text.map(Arc::from);
        let mut values = Fields::default();
        for (field, value) in fields {
            values.set(field, Value::from(value));
        }
        Event {
            source: SourceId::from(source.as_str()),
            binding,
            tenant: Arc::from(tenant),
            id: Arc::from(id),
            class,
            time,
            ingest_time,
            actor: Actor {
                account: account.map(Account::from),
                usage,
                authenticated,
                session: shared_text(session),
                token: shared_text(token),
                grant: shared_text(grant),
                temporary,
                person: shared_text(person),
            },
            chain: chain
                .into_iter()
                .map(|StoredMember { role, account, name, proved_type, shared, protected }| ChainMember {
                    role,
                    account: account.map(Account::from),
                    name: shared_text(name),
                    proved_type,
                    shared,
                    protected,
                })
                .collect(),
            target: target.map(|StoredTarget { account, proved_type, shared, token }| Target {
                account: Account::from(account),
                proved_type,
                shared,
                token: shared_text(token),
            }),
            trust: shared_text(trust),
            fields: values,
            raw,
        }
    }
}

impl From<&Account> for StoredAccount {
    fn from(Account { provider, tenant, subject }: &Account) -> StoredAccount {
        StoredAccount(provider.clone(), tenant.clone(), subject.clone())
    }
}

impl From<StoredAccount> for Account {
    fn from(StoredAccount(provider, tenant, subject): StoredAccount) -> Account {
        Account { provider, tenant, subject }
    }
}

impl From<&Value> for StoredValue {
    fn from(value: &Value) -> StoredValue {
        match value {
            Value::Unsigned(number) => StoredValue::Unsigned(*number),
            Value::Signed(number) => StoredValue::Signed(*number),
            Value::Float(number) => StoredValue::Float(number.to_bits()),
            Value::Boolean(flag) => StoredValue::Boolean(*flag),
            Value::Text(text) => StoredValue::Text(owned(text)),
            Value::TextList(texts) => StoredValue::TextList(texts.iter().map(owned).collect()),
            Value::Timestamp(micros) => StoredValue::Timestamp(*micros),
            Value::Address(address) => StoredValue::Address(*address),
            Value::Json(text) => StoredValue::Json(owned(text)),
            Value::WrongType => StoredValue::WrongType,
        }
    }
}

impl From<StoredValue> for Value {
    fn from(stored: StoredValue) -> Value {
        match stored {
            StoredValue::Unsigned(number) => Value::Unsigned(number),
            StoredValue::Signed(number) => Value::Signed(number),
            StoredValue::Float(bits) => Value::Float(f64::from_bits(bits)),
            StoredValue::Boolean(flag) => Value::Boolean(flag),
            StoredValue::Text(text) => Value::Text(Arc::from(text)),
            StoredValue::TextList(texts) => Value::TextList(texts.into_iter().map(Arc::from).collect()),
            StoredValue::Timestamp(micros) => Value::Timestamp(micros),
            StoredValue::Address(address) => Value::Address(address),
            StoredValue::Json(text) => Value::Json(Arc::from(text)),
            StoredValue::WrongType => Value::WrongType,
        }
    }
}

#[cfg(test)]
#[path = "../../tests/unit/event_stored.rs"]
mod tests;
