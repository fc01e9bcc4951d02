//! Parts of schemas (JSON Schema 2020-12).

use serde_json::{Value, json};

pub(super) fn text() -> Value {
    json!({ "type": "string" })
}

/// A whole number from so much on.
pub(super) fn whole(minimum: u64) -> Value {
    json!({ "type": "integer", "minimum": minimum, "maximum": countersign_document::MAX_INTEGER })
}

pub(super) fn flag() -> Value {
    json!({ "type": "boolean" })
}

/// A time, as RFC 3339 has it.
pub(super) fn time() -> Value {
    json!({ "type": "string", "format": "date-time" })
}

/// A length of time, such as `24h`.
pub(super) fn time_span() -> Value {
    json!({ "type": "string", "pattern": "^[0-9]+(us|ms|s|m|h|d)$", "examples": ["24h"] })
}

/// A SHA-256.
pub(super) fn digest() -> Value {
    json!({ "type": "string", "pattern": "^[0-9a-f]{64}$" })
}

/// A value or null.
pub(super) fn optional(schema: Value) -> Value {
    json!({ "anyOf": [schema, { "type": "null" }] })
}

/// A list of these.
pub(super) fn list_of(schema: Value) -> Value {
    json!({ "type": "array", "items": schema })
}

/// An object that has all of these members, and may get more in later versions.
pub(super) fn object(members: Value) -> Value {
    let required: Vec<&str> =
        members.as_object().into_iter().flat_map(|members| members.keys().map(String::as_str)).collect();
    object_with(&required, members.clone())
}

/// An object that has some of these members for sure.
pub(super) fn object_with(required: &[&str], members: Value) -> Value {
    json!({ "type": "object", "required": required, "properties": members })
}

/// A schema among the components.
pub(super) fn named(name: &str) -> Value {
    json!({ "$ref": format!("#/components/schemas/{name}") })
}
