//! The schema of `rule.toml`.

use countersign_declaration::WhenFull;
use countersign_model::vocabulary::{
    Action, ActionClass, ContextTable, EventClass, FIELDS, IdentityType, Keying, PartitionKey, RuleKind, SignalClass,
};
use serde_json::{Value, json};

use crate::schema::{described, document, table, tables, text, words};

const EXACT: u64 = (1 << 53) - 1;

/// Keys that only a detection has.
const DETECTION_ONLY: [&str; 8] =
    ["event-classes", "fields", "where", "partition-key", "subscribes", "slot", "timers", "context"];

fn set(items: Value, min: usize) -> Value {
    json!({ "type": "array", "items": items, "minItems": min, "uniqueItems": true })
}

fn duration() -> Value {
    json!({ "type": "string", "examples": ["10m", "24h", "7d"] })
}

fn integer(min: i64, max: u64) -> Value {
    json!({ "type": "integer", "minimum": min, "maximum": max })
}

fn name() -> Value {
    json!({ "type": "string", "pattern": "^[a-z][a-z0-9-]{0,63}$" })
}

fn rule_id() -> Value {
    json!({
        "type": "string", "pattern": "^[a-z][a-z0-9-]{0,63}/[a-z][a-z0-9-]{0,63}$", "examples": ["publisher/name"],
    })
}

fn signal_classes() -> Value {
    set(words(SignalClass::IDS.iter().copied()), 1)
}

pub(crate) fn schema() -> Value {
    let actions = Action::ALL.iter().filter(|action| action.class() != ActionClass::Remediate);
    let required =
        ["id", "version", "kind", "description", "identity-types", "confidence-floor", "actions", "signal-classes"];
    let mut root = table(
        &required,
        json!({
            "id": described(rule_id(), "`publisher/name`"),
            "version": described(text(), "Semantic version"),
            "kind": words(RuleKind::IDS.iter().copied()),
            "description": described(text(), "For people"),
            "references": described(set(text(), 0), "Links, for people"),
            "false-positives": described(set(text(), 0), "What it is known to find wrongly"),
            "identity-types": set(words(IdentityType::IDS.iter().copied()), 1),
            "confidence-floor": described(
                integer(0, 100), "Below it, a finding (or incident) goes no further than observe",
            ),
            "actions": set(words(actions.map(|action| action.id())), 1),
            "signal-classes": described(signal_classes(), "What a detection emits, what a response answers"),
            "techniques": set(json!({ "type": "string", "pattern": "^T[0-9]{4}([.][0-9]{3})?$" }), 0),
            "parameter": described(bounded(tables(parameter()), 64), "What the operator may set"),
            "limits": described(limits(), "What one call may use"),
            "event-classes": set(words(EventClass::IDS.iter().copied()), 0),
            "fields": described(set(json!({ "$ref": "#/$defs/field" }), 0), "The columns that the rule sees, in this order"),
            "where": described(json!({ "$ref": "#/$defs/filter" }), "Which events it wants; every event of the classes if left out"),
            "partition-key": described(words(PartitionKey::IDS.iter().copied()), "What state is kept by; `none` if left out"),
            "subscribes": described(bounded(tables(subscription()), 64), "Findings of other rules"),
            "slot": described(bounded(tables(slot()), 16), "State for each key; needs a partition key"),
            "timers": described(timers(), "Timers for each key; needs a partition key"),
            "context": described(bounded(tables(context()), 16), "Context tables"),
        }),
    );
    let never: serde_json::Map<String, Value> =
        DETECTION_ONLY.iter().map(|key| ((*key).to_owned(), Value::Bool(false))).collect();
    let is = |kind: &str| json!({ "properties": { "kind": { "const": kind } }, "required": ["kind"] });
    let subscribes = json!({ "properties": { "subscribes": { "minItems": 1 } }, "required": ["subscribes"] });
    root["allOf"] = json!([
        { "if": is("response"), "then": { "properties": never } },
        {
            "if": { "allOf": [is("detection"), { "not": subscribes }] },
            "then": { "required": ["event-classes"], "properties": { "event-classes": { "minItems": 1 } } },
        },
    ]);
    root["$defs"] = json!({ "field": words(FIELDS.iter().map(|field| field.path)), "filter": filter() });
    document("rule", "Countersign's rule.toml", root)
}

fn bounded(mut list: Value, max: usize) -> Value {
    list["maxItems"] = max.into();
    list
}

fn filter() -> Value {
    let inner = || json!({ "$ref": "#/$defs/filter" });
    let list = || json!({ "type": "array", "items": inner(), "minItems": 1, "maxItems": 256 });
    let scalar = || json!({ "type": ["string", "number", "boolean"] });
    let number = || json!({ "type": "number" });
    let network = || json!({ "type": "string", "examples": ["10.0.0.0/8", "2001:db8::/32"] });
    let mut range =
        table(&[], json!({ "at-least": number(), "above": number(), "at-most": number(), "below": number() }));
    range["minProperties"] = 1.into();
    range["allOf"] = json!([
        { "not": { "required": ["at-least", "above"] } },
        { "not": { "required": ["at-most", "below"] } },
    ]);
    let mut test = table(
        &["field"],
        json!({
            "field": { "$ref": "#/$defs/field" },
            "eq": described(scalar(), "Is this value"),
            "in": described(json!({
                "type": "array", "items": scalar(), "minItems": 1, "maxItems": 1_024, "uniqueItems": true,
            }), "Is one of these values"),
            "prefix": described(json!({ "type": "string" }), "Begins so"),
            "suffix": described(json!({ "type": "string" }), "Ends so"),
            "contains": described(json!({ "type": "string" }), "Has this within"),
            "range": described(range, "Lies between two ends"),
            "cidr": described(json!({ "anyOf": [
                network(),
                { "type": "array", "items": network(), "minItems": 1, "maxItems": 1_024, "uniqueItems": true },
            ] }), "Lies in this network, or in one of these"),
            "exists": described(json!({ "type": "boolean" }), "Is there, or isn't"),
            "ignore-case": described(json!({ "type": "boolean" }), "Compare text without regard to case"),
        }),
    );
    let tests = ["eq", "in", "prefix", "suffix", "contains", "range", "cidr", "exists"];
    test["oneOf"] = tests.iter().map(|test| json!({ "required": [test] })).collect();
    json!({ "oneOf": [
        test,
        table(&["and"], json!({ "and": list() })),
        table(&["or"], json!({ "or": list() })),
        table(&["not"], json!({ "not": inner() })),
    ] })
}

fn slot() -> Value {
    table(
        &["name", "version", "max-bytes", "max-keys", "ttl"],
        json!({
            "name": name(),
            "version": described(integer(1, u32::MAX.into()), "Of the layout; a change calls the rule's `migrate`"),
            "max-bytes": described(integer(1, 65_536), "Of one key's state"),
            "max-keys": integer(1, 10_000_000),
            "kept-references": described(integer(0, 1_024), "Events kept with a key as evidence; 0 if left out"),
            "ttl": described(duration(), "How long a key's state lives after its last change, event time"),
            "when-full": described(words(WhenFull::IDS.iter().copied()), "`evict-oldest` if left out"),
        }),
    )
}

fn timers() -> Value {
    let mut ids = set(name(), 1);
    ids["maxItems"] = 64.into();
    table(
        &["ids", "most-per-key", "longest"],
        json!({
            "ids": ids,
            "most-per-key": integer(1, 1_024),
            "longest": described(duration(), "How far ahead, event time"),
        }),
    )
}

fn subscription() -> Value {
    table(&["rule", "classes"], json!({ "rule": rule_id(), "classes": signal_classes() }))
}

fn context() -> Value {
    let mut columns: Vec<&str> = ContextTable::ALL.iter().flat_map(|table| table.columns).map(|one| one.name).collect();
    columns.sort_unstable();
    columns.dedup();
    let mut context = table(
        &["table", "by", "columns", "max-age"],
        json!({
            "table": words(ContextTable::ALL.iter().map(|table| table.name)),
            "by": words(Keying::IDS.iter().copied()),
            "columns": set(words(columns.into_iter()), 1),
            "max-age": described(duration(), "Older than this counts as missing"),
        }),
    );
    let of_table = |table: &ContextTable| {
        json!({
            "if": { "properties": { "table": { "const": table.name } }, "required": ["table"] },
            "then": { "properties": {
                "by": words(table.keyings.iter().map(|word| word.id())),
                "columns": { "items": words(table.columns.iter().map(|column| column.name)) },
            } },
        })
    };
    context["allOf"] = ContextTable::ALL.iter().map(of_table).collect();
    context
}

fn parameter() -> Value {
    let value = || {
        json!({ "anyOf": [
        { "type": ["boolean", "number", "string"] },
        { "type": "array", "items": { "type": "string" } },
    ] })
    };
    let bound = || json!({ "type": ["number", "string"] });
    let mut parameter = table(
        &["name", "type", "default", "meaning"],
        json!({
            "name": name(),
            "type": words(["boolean", "integer", "decimal", "text", "text-list", "duration"].into_iter()),
            "default": described(value(), "A value of the type, within the range"),
            "min": described(bound(), "Least value, of a number or duration"),
            "max": described(bound(), "Greatest value, of a number or duration"),
            "max-bytes": described(integer(1, 65_536), "Of a text; 256 if left out"),
            "max-items": described(integer(1, 4_096), "Of a text-list, each at most 1,024 bytes; 64 if left out"),
            "meaning": described(text(), "For people"),
        }),
    );
    let of_type = |ty: &str, value: Value, bounds: &[&str], required: &[&str]| {
        let mut properties = json!({ "default": value });
        for key in ["min", "max", "max-bytes", "max-items"] {
            if !bounds.contains(&key) {
                properties[key] = false.into();
            } else if required.contains(&key) {
                properties[key] = value.clone();
            }
        }
        json!({
            "if": { "properties": { "type": { "const": ty } }, "required": ["type"] },
            "then": { "properties": properties, "required": required },
        })
    };
    let text = || json!({ "type": "string" });
    parameter["allOf"] = json!([
        of_type("boolean", json!({ "type": "boolean" }), &[], &[]),
        of_type("integer", json!({ "type": "integer" }), &["min", "max"], &["min", "max"]),
        of_type("decimal", json!({ "type": "number" }), &["min", "max"], &["min", "max"]),
        of_type("text", text(), &["max-bytes"], &[]),
        of_type("text-list", json!({ "type": "array", "items": text() }), &["max-items"], &[]),
        of_type("duration", text(), &["min", "max"], &["min", "max"]),
    ]);
    parameter
}

fn limits() -> Value {
    let size =
        |min: i64, max: u64| json!({ "anyOf": [integer(min, max), { "type": "string", "examples": ["16MiB"] }] });
    table(
        &[],
        json!({
            "memory": described(size(65_536, 4 << 30), "Bytes of linear memory and tables; `16MiB` if left out"),
            "fuel": described(integer(1, EXACT), "What one row alone may use; 5000000 if left out"),
            "output": described(size(1, 1 << 30), "Bytes of the answer; `1MiB` if left out"),
        }),
    )
}
