//! Reads a whole declaration out of its value tree. `rule.toml` and the section both come through here, so both give
//! the same reasons with the same places.

use countersign_model::vocabulary::{
    Action, ActionClass, ContextTable, EventClass, FIELDS, FieldId, IdentityType, Keying, PartitionKey, RuleKind,
    SignalClass,
};
use countersign_model::{Digest, RuleId};
use serde_json::{Map, Value};

use crate::declaration::{
    ContextWanted, Declaration, Filter, Limits, ParameterDeclaration, Slot, Subscription, Timers,
};
use crate::filter::{self, is_finding_field};
use crate::reader::{Need, Reader, Table};
use crate::reasons::{RefusalCode, quoted};
use crate::{parameters, parts};

/// Keys of every rule.
const COMMON: &[&str] = &[
    "id",
    "version",
    "kind",
    "description",
    "references",
    "false-positives",
    "identity-types",
    "confidence-floor",
    "actions",
    "signal-classes",
    "techniques",
    "parameter",
    "limits",
];

/// Keys that only a detection has.
pub(crate) const DETECTION_ONLY: &[&str] =
    &["event-classes", "fields", "where", "partition-key", "subscribes", "slot", "timers", "context"];

/// Most bytes of a description.
const MAX_DESCRIPTION: usize = 8_192;
/// Most references or known false positives, and most bytes of each.
const MAX_NOTES: usize = 64;
const MAX_NOTE: usize = 2_048;
/// Most techniques.
const MAX_TECHNIQUES: usize = 64;

/// What only a detection has.
struct DetectionPart {
    event_classes: Vec<EventClass>,
    fields: Vec<FieldId>,
    filter: Filter,
    partition_key: PartitionKey,
    slots: Vec<Slot>,
    timers: Option<Timers>,
    subscribes: Vec<Subscription>,
    context: Vec<ContextWanted>,
}

impl DetectionPart {
    const NONE: DetectionPart = DetectionPart {
        event_classes: Vec::new(),
        fields: Vec::new(),
        filter: Filter::Always,
        partition_key: PartitionKey::None,
        slots: Vec::new(),
        timers: None,
        subscribes: Vec::new(),
        context: Vec::new(),
    };
}

/// Reads everything; every fault is in the reader afterwards, and there is a declaration exactly if there is none.
pub(crate) fn declaration(reader: &mut Reader, map: &Map<String, Value>) -> Option<Declaration> {
    let table = Table::new(map, "");
    let mut known = [COMMON, DETECTION_ONLY].concat();
    if reader.is_section() {
        known.extend(["format", "data"]);
    }
    reader.only(&table, &known);

    let id: Option<RuleId> = reader.key(&table, "id", Need::Required, |r, place, value| {
        let form = "`publisher/name`, each part 1 to 64 characters of a-z, 0-9 and `-` beginning with a letter";
        r.parsed(place, value, form)
    });
    let version: Option<semver::Version> = reader.key(&table, "version", Need::Required, |r, place, value| {
        r.parsed(place, value, "a semantic version such as `1.0.0`")
    });
    let kind = reader.key(&table, "kind", Need::Required, |r, place, value| {
        r.word(place, value, RefusalCode::UnknownWord, "a kind of rule", &ids(RuleKind::ALL, RuleKind::id))
    });
    let description = reader.key(&table, "description", Need::Required, |r, place, value| {
        r.text(place, value, MAX_DESCRIPTION).map(str::to_owned)
    });
    let references = reader.key(&table, "references", Need::Default(vec![]), notes);
    let false_positives = reader.key(&table, "false-positives", Need::Default(vec![]), notes);
    let identity_types = reader.key(&table, "identity-types", Need::Required, |r, place, value| {
        let known = ids(IdentityType::ALL, IdentityType::id);
        r.set(place, value, (1, known.len()), |r, place, value| {
            r.word(place, value, RefusalCode::UnknownIdentityType, "an identity type", &known)
        })
    });
    let confidence_floor = reader.key(&table, "confidence-floor", Need::Required, floor);
    let actions = reader.key(&table, "actions", Need::Required, actions);
    let signal_classes = reader.key(&table, "signal-classes", Need::Required, signal_classes);
    let techniques = reader.key(&table, "techniques", Need::Default(vec![]), |r, place, value| {
        r.set(place, value, (0, MAX_TECHNIQUES), technique)
    });
    let parameters: Option<Vec<ParameterDeclaration>> =
        reader.key(&table, "parameter", Need::Default(vec![]), |r, place, value| {
            r.named(place, value, parameters::MAX_PARAMETERS, "name", |r, table| parameters::declaration(r, &table))
        });
    let limits = reader.key(&table, "limits", Need::Default(Limits::DEFAULT), parts::limits);
    let data = reader.key(&table, "data", Need::Optional(None), |r, place, value| {
        r.parsed::<Digest>(place, value, "64 lower-case hexadecimal digits").map(Some)
    });
    // Without a known kind, what a rule of that kind must or can't have isn't known either.
    let detection = match kind {
        Some(RuleKind::Response) => not_in_response(reader, &table).then_some(DetectionPart::NONE),
        _ => detection(reader, &table, id.as_ref(), kind.is_some()),
    };

    let DetectionPart { event_classes, fields, filter, partition_key, slots, timers, subscribes, context } = detection?;
    Some(Declaration {
        id: id?,
        version: version?,
        kind: kind?,
        description: description?,
        references: references?,
        false_positives: false_positives?,
        identity_types: identity_types?,
        confidence_floor: confidence_floor?,
        actions: actions?,
        signal_classes: signal_classes?,
        techniques: techniques?,
        event_classes,
        fields,
        filter,
        partition_key,
        slots,
        timers,
        subscribes,
        context,
        parameters: parameters?,
        limits: limits?,
        data: data?,
    })
    .filter(|_| !reader.has_refusals())
}

/// Words with their ids, for [`Reader::word`].
pub(crate) fn ids<T: Copy>(all: &[T], id: impl Fn(T) -> &'static str) -> Vec<(&'static str, T)> {
    all.iter().map(|word| (id(*word), *word)).collect()
}

/// A set of at least one signal class.
pub(crate) fn signal_classes(reader: &mut Reader, place: &str, value: &Value) -> Option<Vec<SignalClass>> {
    let known = ids(SignalClass::ALL, SignalClass::id);
    reader.set(place, value, (1, known.len()), |r, place, value| {
        r.word(place, value, RefusalCode::UnknownSignalClass, "a signal class", &known)
    })
}

fn notes(reader: &mut Reader, place: &str, value: &Value) -> Option<Vec<String>> {
    reader.set(place, value, (0, MAX_NOTES), |r, place, value| r.text(place, value, MAX_NOTE).map(str::to_owned))
}

fn floor(reader: &mut Reader, place: &str, value: &Value) -> Option<u8> {
    if !value.is_i64() && !value.is_u64() {
        return reader.integer(place, value, 0, 100);
    }
    let number = value.as_i64().unwrap_or(i64::MAX);
    reader.within(RefusalCode::FloorOutOfRange, place, number, 0, 100).and_then(|number| number.try_into().ok())
}

fn actions(reader: &mut Reader, place: &str, value: &Value) -> Option<Vec<Action>> {
    let known = ids(Action::ALL, Action::id);
    reader.set(place, value, (1, known.len()), |r, place, value| {
        let action = r.any_text(place, value, 4_096).map(Action::from_id).zip(value.as_str());
        match action? {
            (Some(action), _) if action.class() == ActionClass::Remediate => {
                let expected = "an action of class observe, challenge or contain";
                let got = format!("`{action}`, which is a step of a case and never a rule's");
                r.refuse(RefusalCode::RemediateAction, place, expected, got);
                None
            }
            (Some(action), _) => Some(action),
            (None, text) => {
                // The remediate class is never suggested: naming it would only be refused again.
                let allowed = Action::ALL.iter().filter(|one| one.class() != ActionClass::Remediate);
                let what = "an action of the catalogue";
                r.unknown(RefusalCode::UnknownAction, place, what, text, allowed.map(|one| one.id()));
                None
            }
        }
    })
}

fn technique(reader: &mut Reader, place: &str, value: &Value) -> Option<String> {
    let text = reader.any_text(place, value, 4_096)?;
    let digits = |part: &str, count: usize| part.len() == count && part.bytes().all(|c| c.is_ascii_digit());
    let valid = text.strip_prefix('T').is_some_and(|rest| match rest.split_once('.') {
        Some((technique, sub)) => digits(technique, 4) && digits(sub, 3),
        None => digits(rest, 4),
    });
    if !valid {
        let expected = "an ATT&CK technique id such as `T1078` or `T1078.004`";
        reader.refuse(RefusalCode::InvalidValue, place, expected, quoted(text));
        return None;
    }
    Some(text.to_owned())
}

/// Notes what a response rule can't have; true if it has none of it.
fn not_in_response(reader: &mut Reader, table: &Table<'_>) -> bool {
    let mut whole = true;
    for key in DETECTION_ONLY.iter().filter(|key| table.has(key)) {
        let expected = "only what a response rule can have";
        reader.refuse(RefusalCode::NotForKind, *key, expected, format!("`{key}`, which only a detection has"));
        whole = false;
    }
    whole
}

fn detection(reader: &mut Reader, table: &Table<'_>, id: Option<&RuleId>, kind_known: bool) -> Option<DetectionPart> {
    let subscribed = subscribes_something(table);
    let classes_or_not = if subscribed || !kind_known { Need::Default(vec![]) } else { Need::Required };
    let event_classes = reader.key(table, "event-classes", classes_or_not, |r, place, value| {
        let known = ids(EventClass::ALL, EventClass::id);
        r.set(place, value, (usize::from(!subscribed), known.len()), |r, place, value| {
            r.word(place, value, RefusalCode::UnknownEventClass, "an event class", &known)
        })
    });
    let subscribes = reader
        .key(table, "subscribes", Need::Default(vec![]), |r, place, value| parts::subscriptions(r, place, value, id));
    let fields = reader.key(table, "fields", Need::Default(vec![]), |r, place, value| {
        r.set(place, value, (0, FIELDS.len()), filter::field)
    });
    let mut finding_tests = Vec::new();
    let filter = reader.key(table, "where", Need::Optional(Filter::Always), |r, place, value| {
        filter::filter(r, place, value, &mut finding_tests)
    });
    let partition_key = reader.key(table, "partition-key", Need::Default(PartitionKey::None), |r, place, value| {
        let known = ids(PartitionKey::ALL, PartitionKey::id);
        r.word(place, value, RefusalCode::UnknownWord, "a partition key", &known)
    });
    let slots = reader.key(table, "slot", Need::Default(vec![]), |r, place, value| {
        r.named(place, value, parts::MAX_SLOTS, "name", |r, table| parts::slot(r, &table))
    });
    let timers =
        reader.key(table, "timers", Need::Optional(None), |r, place, value| parts::timers(r, place, value).map(Some));
    let context = reader.key(table, "context", Need::Default(vec![]), |r, place, value| {
        r.named(place, value, parts::MAX_CONTEXT, "table", |r, table| parts::context(r, &table))
    });

    // An unknown partition key masks what would not go with `none`.
    match partition_key {
        Some(PartitionKey::None) => without_key(reader, table),
        Some(key) => without_table(reader, key, table),
        None => {}
    }
    if !subscribed {
        let expected = "`subscribes` beside a field that only rows of findings have";
        let listed = table.get("fields").and_then(Value::as_array).into_iter().flatten().enumerate();
        let listed =
            listed.filter(|(_, value)| value.as_str().and_then(FieldId::from_path).is_some_and(is_finding_field));
        let places = listed.map(|(index, _)| format!("fields[{index}]")).chain(finding_tests);
        for place in places.collect::<Vec<_>>() {
            reader.refuse(RefusalCode::Inconsistent, place, expected, "no subscription");
        }
    }

    Some(DetectionPart {
        event_classes: event_classes?,
        fields: fields?,
        filter: filter?,
        partition_key: partition_key?,
        slots: slots?,
        timers: timers?,
        subscribes: subscribes?,
        context: context?,
    })
}

/// Whether there are subscriptions, well formed or not: the section writes an empty list out.
fn subscribes_something(table: &Table<'_>) -> bool {
    table.get("subscribes").is_some_and(|value| value.as_array().is_none_or(|list| !list.is_empty()))
}

/// Notes the context tables by key that have no rows for keys of this kind.
fn without_table(reader: &mut Reader, key: PartitionKey, table: &Table<'_>) {
    let tables = table.get("context").and_then(Value::as_array).into_iter().flatten().enumerate();
    for (index, one) in tables.filter(|(_, one)| one.get("by").and_then(Value::as_str) == Some(Keying::Key.id())) {
        let wanted = one.get("table").and_then(Value::as_str).and_then(ContextTable::from_name);
        let Some(wanted) = wanted.filter(|wanted| !wanted.subject.partition_keys().contains(&key)) else { continue };
        let known: Vec<String> = wanted.subject.partition_keys().iter().map(|one| format!("`{one}`")).collect();
        let expected = format!("a partition key that `{}` has rows for: {}", wanted.name, known.join(", "));
        let place = format!("context[{index}].by");
        reader.refuse(RefusalCode::Inconsistent, place, expected, format!("partition key `{key}`"));
    }
}

/// Notes what needs a partition key where there is none.
fn without_key(reader: &mut Reader, table: &Table<'_>) {
    const GOT: &str = "partition key `none`";
    if table.get("slot").and_then(Value::as_array).is_some_and(|slots| !slots.is_empty()) {
        reader.refuse(RefusalCode::Inconsistent, "slot", "a partition key beside state slots", GOT);
    }
    if table.has("timers") {
        reader.refuse(RefusalCode::Inconsistent, "timers", "a partition key beside timers", GOT);
    }
    let tables = table.get("context").and_then(Value::as_array).into_iter().flatten().enumerate();
    for (index, _) in tables.filter(|(_, one)| one.get("by").and_then(Value::as_str) == Some("key")) {
        let place = format!("context[{index}].by");
        reader.refuse(RefusalCode::Inconsistent, place, "a partition key beside context by key", GOT);
    }
}
