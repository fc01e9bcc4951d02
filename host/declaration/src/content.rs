//! Reads a whole declaration out of its value tree. `rule.toml` and the section both come through here, so both give
//! the same reasons with the same places.

use countersign_document::{Node, NodeValue};
use countersign_model::vocabulary::{
    Action, ActionClass, ContextTable, EventClass, FIELDS, FieldId, IdentityType, Keying, PartitionKey, RuleKind,
    SignalClass,
};
use countersign_model::{Digest, RuleId};

use crate::declaration::{
    ContextWanted, Declaration, Filter, Limits, ParameterDeclaration, Slot, Subscription, Timers,
};
use crate::filter::{self, is_finding_field};
use crate::reader::{A_VALUE, Item, Table, inconsistent, text};
use crate::reasons::RefusalCode;
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
const DETECTION_ONLY: &[&str] =
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
pub(crate) fn declaration(root: Item<'_>) -> Option<Declaration> {
    let table = root.table()?;
    table.know(COMMON);
    table.know(DETECTION_ONLY);
    if root.reader().is_canonical() {
        table.know(&["format", "data"]);
    }

    let id: Option<RuleId> = table.read("id", A_VALUE, |item| {
        item.parsed("`publisher/name`, each part 1 to 64 characters of a-z, 0-9 and `-` beginning with a letter")
    });
    let version: Option<semver::Version> =
        table.read("version", A_VALUE, |item| item.parsed("a semantic version such as `1.0.0`"));
    let kind = table.read("kind", A_VALUE, |item| item.word("a kind of rule", RuleKind::ALL, RuleKind::id));
    let description = table.read("description", A_VALUE, |item| text(item, MAX_DESCRIPTION));
    let references = table.defaulted("references", vec![], notes);
    let false_positives = table.defaulted("false-positives", vec![], notes);
    let identity_types = table.read("identity-types", A_VALUE, |item| {
        item.set((1, IdentityType::ALL.len()), |item| {
            let code = RefusalCode::UnknownIdentityType;
            item.word_or(code, "an identity type", IdentityType::ALL, IdentityType::id)
        })
    });
    let confidence_floor = table.read("confidence-floor", A_VALUE, floor);
    let actions = table.read("actions", A_VALUE, |item| item.set((1, Action::ALL.len()), action));
    let signal_classes = table.read("signal-classes", A_VALUE, signal_classes);
    let techniques = table.defaulted("techniques", vec![], |item| item.set((0, MAX_TECHNIQUES), technique));
    let parameters: Option<Vec<ParameterDeclaration>> = table.defaulted("parameter", vec![], |item| {
        item.named_tables(parameters::MAX_PARAMETERS, "name", parameters::declaration)
    });
    let limits = table.defaulted("limits", Limits::DEFAULT, parts::limits);
    let data = table.optional("data", |item| item.parsed::<Digest>("64 lower-case hexadecimal digits"));
    // Without a known kind, what a rule of that kind must or can't have isn't known either.
    let detection = match kind {
        Some(RuleKind::Response) => not_in_response(&table).then_some(DetectionPart::NONE),
        _ => detection(&table, id.as_ref(), kind.is_some()),
    };
    table.finish();

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
    .filter(|_| root.reader().is_clean())
}

/// A set of at least one signal class.
pub(crate) fn signal_classes(item: Item<'_>) -> Option<Vec<SignalClass>> {
    item.set((1, SignalClass::ALL.len()), |item| {
        item.word_or(RefusalCode::UnknownSignalClass, "a signal class", SignalClass::ALL, SignalClass::id)
    })
}

fn notes(item: Item<'_>) -> Option<Vec<String>> {
    item.set((0, MAX_NOTES), |item| text(item, MAX_NOTE))
}

fn floor(item: Item<'_>) -> Option<u8> {
    match item.node().value {
        NodeValue::Integer(number) => item
            .in_range(RefusalCode::FloorOutOfRange, number, 0, 100)
            .and_then(|number| number.try_into().ok()),
        _ => item.percent(),
    }
}

fn action(item: Item<'_>) -> Option<Action> {
    let text = item.any_text(4_096)?;
    match Action::from_id(text) {
        Some(action) if action.class() == ActionClass::Remediate => {
            let expected = "an action of class observe, challenge or contain";
            let got = format!("`{action}`, which is a step of a case and never a rule's");
            item.refuse(RefusalCode::RemediateAction, expected, got, None)
        }
        Some(action) => Some(action),
        None => {
            // The remediate class is never suggested: naming it would only be refused again.
            let allowed = Action::ALL.iter().filter(|one| one.class() != ActionClass::Remediate);
            let what = "an action of the catalogue";
            item.unknown(RefusalCode::UnknownAction, what, text, allowed.map(|one| one.id()))
        }
    }
}

fn technique(item: Item<'_>) -> Option<String> {
    let text = item.any_text(4_096)?;
    let digits = |part: &str, count: usize| part.len() == count && part.bytes().all(|c| c.is_ascii_digit());
    let valid = text.strip_prefix('T').is_some_and(|rest| match rest.split_once('.') {
        Some((technique, sub)) => digits(technique, 4) && digits(sub, 3),
        None => digits(rest, 4),
    });
    if !valid {
        return item.invalid("an ATT&CK technique id such as `T1078` or `T1078.004`");
    }
    Some(text.to_owned())
}

/// Refuses what a response rule can't have; true if it has none of it.
fn not_in_response(table: &Table<'_>) -> bool {
    let mut whole = true;
    for (key, item) in DETECTION_ONLY.iter().filter_map(|key| Some((key, table.get(key)?))) {
        let expected = "only what a response rule can have";
        item.refuse::<()>(RefusalCode::NotForKind, expected, format!("`{key}`, which only a detection has"), None);
        whole = false;
    }
    whole
}

fn detection(table: &Table<'_>, id: Option<&RuleId>, kind_known: bool) -> Option<DetectionPart> {
    let subscribed = has_subscriptions(table);
    let read_classes = |item: Item<'_>| {
        item.set((usize::from(!subscribed), EventClass::ALL.len()), |item| {
            item.word_or(RefusalCode::UnknownEventClass, "an event class", EventClass::ALL, EventClass::id)
        })
    };
    let event_classes = if subscribed || !kind_known {
        table.defaulted("event-classes", vec![], read_classes)
    } else {
        table.read("event-classes", A_VALUE, read_classes)
    };
    let subscribes = table.defaulted("subscribes", vec![], |item| parts::subscriptions(item, id));
    let fields = table.defaulted("fields", vec![], |item| item.set((0, FIELDS.len()), filter::field));
    let mut finding_tests = Vec::new();
    let filter = table.optional("where", |item| filter::filter(item, &mut finding_tests));
    let partition_key = table.defaulted("partition-key", PartitionKey::None, |item| {
        item.word("a partition key", PartitionKey::ALL, PartitionKey::id)
    });
    let slots =
        table.defaulted("slot", vec![], |item| item.named_tables(parts::MAX_SLOTS, "name", parts::slot));
    let timers = table.optional("timers", parts::timers);
    let context =
        table.defaulted("context", vec![], |item| item.named_tables(parts::MAX_CONTEXT, "table", parts::context));

    // An unknown partition key masks what would not go with `none`.
    match partition_key {
        Some(PartitionKey::None) => without_key(table),
        Some(key) => without_table(key, table),
        None => {}
    }
    if !subscribed {
        let expected = "`subscribes` beside a field that only rows of findings have";
        let listed = table.get("fields").into_iter().flat_map(|item| {
            item.node().as_list().unwrap_or_default().iter().map(move |node| item.reader().item(node))
        });
        let listed = listed.filter(|item| {
            item.node().as_text().and_then(FieldId::from_path).is_some_and(is_finding_field)
        });
        for item in listed.chain(finding_tests) {
            inconsistent::<()>(item, expected, "no subscription");
        }
    }

    Some(DetectionPart {
        event_classes: event_classes?,
        fields: fields?,
        filter: filter?.unwrap_or(Filter::Always),
        partition_key: partition_key?,
        slots: slots?,
        timers: timers?,
        subscribes: subscribes?,
        context: context?,
    })
}

/// Whether there are subscriptions, well formed or not: the section writes an empty list out.
fn has_subscriptions(table: &Table<'_>) -> bool {
    table.get("subscribes").is_some_and(|item| item.node().as_list().is_none_or(|list| !list.is_empty()))
}

/// `by` of each context table by key, with the table's own node.
fn context_by_key<'n>(table: &Table<'n>) -> impl Iterator<Item = (&'n Node, Item<'n>)> {
    let tables = table.get("context").into_iter().flat_map(|item| {
        item.node().as_list().unwrap_or_default().iter().map(move |node| (node, item.reader()))
    });
    tables.filter_map(|(node, reader)| {
        let by = node.get("by").filter(|by| by.as_text() == Some(Keying::Key.id()))?;
        Some((node, reader.item(by)))
    })
}

/// Refuses the context tables by key that have no rows for keys of this kind.
fn without_table(key: PartitionKey, table: &Table<'_>) {
    for (node, by) in context_by_key(table) {
        let wanted = node.get("table").and_then(Node::as_text).and_then(ContextTable::from_name);
        let Some(wanted) = wanted.filter(|wanted| !wanted.subject.partition_keys().contains(&key)) else { continue };
        let known: Vec<String> = wanted.subject.partition_keys().iter().map(|one| format!("`{one}`")).collect();
        let expected = format!("a partition key that `{}` has rows for: {}", wanted.name, known.join(", "));
        inconsistent::<()>(by, expected, format!("partition key `{key}`"));
    }
}

/// Refuses what needs a partition key where there is none.
fn without_key(table: &Table<'_>) {
    const GOT: &str = "partition key `none`";
    if let Some(slots) = table.get("slot").filter(|item| item.node().as_list().is_some_and(|slots| !slots.is_empty())) {
        inconsistent::<()>(slots, "a partition key beside state slots", GOT);
    }
    if let Some(timers) = table.get("timers") {
        inconsistent::<()>(timers, "a partition key beside timers", GOT);
    }
    for (_, by) in context_by_key(table) {
        inconsistent::<()>(by, "a partition key beside context by key", GOT);
    }
}
