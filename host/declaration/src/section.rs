//! Writes a declaration as the bytes of its section: canonical JSON (RFC 8785), defaults written out.

use countersign_model::time::format_duration;
use countersign_model::vocabulary::{FieldId, RuleKind, SignalClass};
use serde_json::{Map, Value, json};

use crate::declaration::{Declaration, Filter, Literal, Test};
use crate::parameters::{range_keys, to_value};
use crate::range::{Bound, Range};

/// The format of the section that this version writes and reads.
pub const FORMAT: u64 = 1;

/// The bytes of the section `countersign-declaration`. The same declaration gives the same bytes.
#[must_use]
pub fn to_section(declaration: &Declaration) -> Vec<u8> {
    canonical(&value(declaration))
}

/// Canonical JSON (RFC 8785).
pub(crate) fn canonical(value: &Value) -> Vec<u8> {
    // Writing to memory doesn't fail, and a value tree has neither maps with other keys than text nor numbers that
    // aren't finite.
    serde_json_canonicalizer::to_vec(value).unwrap_or_default()
}

fn value(declaration: &Declaration) -> Value {
    let Declaration {
        id,
        version,
        kind,
        description,
        references,
        false_positives,
        identity_types,
        confidence_floor,
        actions,
        signal_classes,
        techniques,
        parameters,
        limits,
        data,
        ..
    } = declaration;
    let parameters: Vec<Value> = parameters
        .iter()
        .map(|one| {
            let (ty, bounds) = range_keys(&one.range);
            let mut table = json!({
                "name": one.name, "type": ty, "default": to_value(&one.default), "meaning": one.meaning,
            });
            for (key, bound) in bounds {
                set(&mut table, key, bound);
            }
            table
        })
        .collect();
    let mut table = json!({
        "format": FORMAT,
        "id": id.as_str(),
        "version": version.to_string(),
        "kind": kind.id(),
        "description": description,
        "references": references,
        "false-positives": false_positives,
        "identity-types": identity_types.iter().map(|one| one.id()).collect::<Vec<_>>(),
        "confidence-floor": confidence_floor,
        "actions": actions.iter().map(|one| one.id()).collect::<Vec<_>>(),
        "signal-classes": classes(signal_classes),
        "techniques": techniques,
        "parameter": parameters,
        "limits": { "memory": limits.memory, "fuel": limits.fuel, "output": limits.output },
    });
    if let Some(data) = data {
        set(&mut table, "data", data.to_string());
    }
    if *kind == RuleKind::Detection {
        detection(&mut table, declaration);
    }
    table
}

/// Keys that only a detection has.
fn detection(table: &mut Value, declaration: &Declaration) {
    let Declaration { event_classes, fields, filter, partition_key, slots, timers, subscribes, context, .. } =
        declaration;
    let slots: Vec<Value> = slots
        .iter()
        .map(|slot| {
            json!({
                "name": slot.name,
                "version": slot.version,
                "max-bytes": slot.max_bytes,
                "max-keys": slot.max_keys,
                "kept-references": slot.kept_references,
                "ttl": format_duration(slot.ttl),
                "when-full": slot.when_full.id(),
            })
        })
        .collect();
    let context: Vec<Value> = context
        .iter()
        .map(|one| {
            let columns = one.columns.iter().filter_map(|place| one.table.columns.get(*place));
            json!({
                "table": one.table.name,
                "by": one.keying.id(),
                "columns": columns.map(|column| column.name).collect::<Vec<_>>(),
                "max-age": format_duration(one.max_age),
            })
        })
        .collect();
    let subscribes: Vec<Value> =
        subscribes.iter().map(|one| json!({ "rule": one.rule.as_str(), "classes": classes(&one.classes) })).collect();
    set(table, "event-classes", event_classes.iter().map(|one| one.id()).collect::<Vec<_>>());
    set(table, "fields", fields.iter().map(|one| path(*one)).collect::<Vec<_>>());
    set(table, "partition-key", partition_key.id());
    set(table, "slot", slots);
    set(table, "context", context);
    set(table, "subscribes", subscribes);
    if let Some(timers) = timers {
        let value = json!({
            "ids": timers.ids, "most-per-key": timers.most_per_key, "longest": format_duration(timers.longest),
        });
        set(table, "timers", value);
    }
    if *filter != Filter::Always {
        set(table, "where", filter_value(filter));
    }
}

fn set(table: &mut Value, key: &str, value: impl Into<Value>) {
    if let Value::Object(map) = table {
        map.insert(key.to_owned(), value.into());
    }
}

fn classes(classes: &[SignalClass]) -> Vec<&'static str> {
    classes.iter().map(|one| one.id()).collect()
}

fn path(field: FieldId) -> &'static str {
    field.field().path
}

fn filter_value(filter: &Filter) -> Value {
    let all = |filters: &[Filter]| filters.iter().map(filter_value).collect::<Vec<_>>();
    match filter {
        // The parsers never leave it inside another filter; everything is the negation of nothing.
        Filter::Always => Value::Object(Map::new()),
        Filter::And(filters) => json!({ "and": all(filters) }),
        Filter::Or(filters) => json!({ "or": all(filters) }),
        Filter::Not(inner) => json!({ "not": filter_value(inner) }),
        Filter::Test { field, test, ignore_case } => {
            let (key, value) = match test {
                Test::Eq(literal) => ("eq", literal_value(literal)),
                Test::In(literals) => ("in", literals.iter().map(literal_value).collect()),
                Test::Prefix(text) => ("prefix", text.as_str().into()),
                Test::Suffix(text) => ("suffix", text.as_str().into()),
                Test::Contains(text) => ("contains", text.as_str().into()),
                Test::Range(range) => ("range", range_value(range)),
                Test::Cidr(networks) => ("cidr", networks.iter().map(ToString::to_string).collect()),
                Test::Exists(exists) => ("exists", (*exists).into()),
            };
            let mut table = json!({ "field": path(*field), key: value });
            // Left out where it changes nothing: a declaration made before there was this key has the same bytes.
            if *ignore_case {
                set(&mut table, "ignore-case", true);
            }
            table
        }
    }
}

fn range_value(range: &Range) -> Value {
    let mut table = json!({});
    if let Some(Bound { value, included }) = &range.lower {
        set(&mut table, if *included { "at-least" } else { "above" }, literal_value(value));
    }
    if let Some(Bound { value, included }) = &range.upper {
        set(&mut table, if *included { "at-most" } else { "below" }, literal_value(value));
    }
    table
}

fn literal_value(literal: &Literal) -> Value {
    match literal {
        Literal::Text(text) => text.as_str().into(),
        Literal::Integer(number) => (*number).into(),
        Literal::Float(number) => (*number).into(),
        Literal::Boolean(value) => (*value).into(),
    }
}
