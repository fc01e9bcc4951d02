//! What holds for every event of every format.

use std::collections::BTreeSet;
use std::sync::{Arc, LazyLock};

use countersign_declaration::{Declaration, parse_toml};
use countersign_formats::{Format, Record};
use countersign_model::vocabulary::{FIELDS, FieldId, FieldType, PartitionKey};
use countersign_model::{Account, ChainRole, Event, Value};
use countersign_stream::{Clock, Schema, Sequenced, build_batch, index_keys, partition_key};

/// How many events of an input become a batch.
const MAX_BATCHED: usize = 8;

/// What the documentation of a format promises.
pub(super) struct Documented {
    name: &'static str,
    fields: BTreeSet<FieldId>,
}

impl Documented {
    pub(super) fn new(format: &dyn Format) -> Documented {
        Documented { name: format.name(), fields: format.fields().into_iter().map(|(field, _)| field).collect() }
    }

    pub(super) fn check(&self, event: &Event, has_receipt_time: bool) {
        assert_eq!(event.source, self.name);
        assert!(!event.id.is_empty(), "an event without an id");
        assert!(!event.tenant.is_empty(), "an event without a tenant");
        assert!(has_receipt_time || event.ingest_time == event.time);
        self.fields(event);
        parts(event);
    }

    /// Only documented fields, each of its own type.
    fn fields(&self, event: &Event) {
        for (field, value) in event.fields.iter() {
            let id = FieldId::from_path(field.path).expect("a field of the table");
            assert!(self.fields.contains(&id), "{} isn't documented", field.path);
            let agrees = match (field.ty, value) {
                (FieldType::Float, Value::Float(number)) => number.is_finite(),
                (FieldType::Json, Value::Json(text)) => serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok(),
                (FieldType::Unsigned, Value::Unsigned(_))
                | (FieldType::Signed, Value::Signed(_))
                | (FieldType::Boolean, Value::Boolean(_))
                | (FieldType::Text, Value::Text(_))
                | (FieldType::TextList, Value::TextList(_))
                | (FieldType::Timestamp, Value::Timestamp(_))
                | (FieldType::Address, Value::Address(_))
                | (_, Value::WrongType) => true,
                _ => false,
            };
            assert!(agrees, "{} is {value:?}", field.path);
        }
        assert_eq!(event.fields.text(FieldId::MetadataUid), Some(&*event.id));
        assert_eq!(event.fields.get(FieldId::ClassUid), Some(&Value::Unsigned(u64::from(event.class.uid()))));
        assert!(matches!(event.fields.get(FieldId::RawData), Some(Value::Json(_))));
    }
}

/// Accounts are whole, and the chain goes from initiator to executor.
fn parts(event: &Event) {
    let actor = event.actor.account.as_ref();
    let target = event.target.as_ref().map(|target| &target.account);
    let members = event.chain.iter().filter_map(|member| member.account.as_ref());
    for Account { provider, tenant, subject } in actor.into_iter().chain(target).chain(members) {
        assert!(!provider.is_empty() && !tenant.is_empty() && !subject.is_empty(), "{event:?}");
        let account = Account::new(provider, tenant, subject);
        assert_eq!(account.to_string().parse::<Account>().ok(), Some(account));
    }
    if let Some(actor) = actor {
        let is_there = event.chain.iter().any(|member| member.account.as_ref() == Some(actor));
        assert!(is_there, "the actor isn't in the chain: {event:?}");
    }
    let last = event.chain.len().saturating_sub(1);
    for (place, member) in event.chain.iter().enumerate() {
        let role = match place {
            0 => ChainRole::Initiator,
            _ if place == last => ChainRole::Executor,
            _ => ChainRole::Delegate,
        };
        assert_eq!(member.role, role, "{:?}", event.chain);
    }
}

/// A rule that sees every field.
static SEES_ALL: LazyLock<Declaration> = LazyLock::new(|| {
    let own = FIELDS.iter().filter(|field| !field.path.starts_with("finding."));
    let paths: Vec<String> = own.map(|field| format!("\"{}\"", field.path)).collect();
    let text = format!(
        "id = \"example/sees-all\"\nversion = \"1.0.0\"\nkind = \"detection\"\ndescription = \"Sees all.\"\n\
         identity-types = [\"human\"]\nconfidence-floor = 50\nactions = [\"notify\"]\nsignal-classes = [\"token\"]\n\
         event-classes = [\"api-activity\"]\nfields = [{}]\n",
        paths.join(", ")
    );
    parse_toml(&text).unwrap_or_else(|refusals| panic!("{refusals:?}"))
});

/// Events can be sequenced, keyed and put into columns, whatever they hold.
pub(super) fn as_columns(records: &[Record]) {
    let mut clock = Clock::default();
    let events = records.iter().filter_map(|record| match record {
        Record::Event { event, .. } => Some(event),
        Record::DeadLetter(_) => None,
    });
    let rows: Vec<Sequenced> = (0..)
        .zip(events.take(MAX_BATCHED))
        .map(|(position, event)| {
            let (_, placement) = clock.place(&event.source, event.time, event.time);
            Sequenced::new(position, Arc::new((**event).clone()), placement)
        })
        .collect();
    let rows: Vec<&Sequenced> = rows.iter().collect();
    for key in PartitionKey::ALL {
        let texts: Vec<Option<Arc<str>>> =
            rows.iter().map(|row| partition_key(*key, &row.event).map(Arc::from)).collect();
        let (indices, keys) = index_keys(texts.iter().map(Option::as_ref));
        if *key == PartitionKey::None || *key == PartitionKey::Actor {
            let batch = build_batch(&Schema::of(&SEES_ALL), &rows, &indices, &keys);
            assert_eq!(batch.columns.len(), SEES_ALL.fields.len());
        }
    }
}
