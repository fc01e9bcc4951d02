//! OpenTelemetry's `AnyValue`, which names the type of each value: `{"stringValue": "x"}` for `"x"`
//! (opentelemetry-proto, `common.proto`, in its JSON form).

use super::path::{for_each, string};
use crate::json::{Entries, Member};
use crate::signs::TopLevel;

/// Values within each other that are rewritten, at most.
const MAX_DEPTH: u32 = 32;

/// The one member of a value that names its type, and its JSON.
fn typed(json: &str) -> Option<(&'static str, &str)> {
    const TYPES: [&str; 7] =
        ["stringValue", "kvlistValue", "arrayValue", "bytesValue", "intValue", "doubleValue", "boolValue"];
    let top = TopLevel::new(Member::new(json).members::<Entries<'_>>());
    let found = TYPES.into_iter().find_map(|name| Some((name, top.get(name)?)))?;
    (top.len() == 1).then_some(found)
}

/// The JSON of a text's value, or of anything else as it is.
pub(super) fn unwrapped(json: &str) -> &str {
    match typed(json) {
        Some(("stringValue" | "bytesValue", text)) => text,
        _ => json,
    }
}

/// An object as plain JSON, if it is written as an `AnyValue`.
pub(super) fn rewritten(json: &str) -> Option<String> {
    let ("kvlistValue", members) = typed(json)? else { return None };
    let mut text = String::with_capacity(json.len());
    object(members, &mut text, 0)?;
    Some(text)
}

fn object(json: &str, text: &mut String, depth: u32) -> Option<()> {
    let values = TopLevel::new(Member::new(json).members::<Entries<'_>>());
    let mut separator = '{';
    let mut whole = Some(());
    for_each(values.get("values").unwrap_or("[]"), &mut |pair| {
        let pair = TopLevel::new(Member::new(pair).members::<Entries<'_>>());
        match (pair.get("key").filter(|key| string(key).is_some()), pair.get("value")) {
            (Some(key), member) => {
                text.push(std::mem::replace(&mut separator, ','));
                text.push_str(key);
                text.push(':');
                whole = whole.and_then(|()| value(member.unwrap_or("null"), text, depth + 1));
            }
            (None, _) => whole = None,
        }
    });
    if separator == '{' {
        text.push('{');
    }
    text.push('}');
    whole
}

fn value(json: &str, text: &mut String, depth: u32) -> Option<()> {
    if depth > MAX_DEPTH {
        return None;
    }
    match typed(json) {
        Some(("kvlistValue", members)) => object(members, text, depth)?,
        Some(("arrayValue", elements)) => {
            let values = TopLevel::new(Member::new(elements).members::<Entries<'_>>());
            let (mut separator, mut whole) = ("", Some(()));
            text.push('[');
            for_each(values.get("values").unwrap_or("[]"), &mut |element| {
                text.push_str(std::mem::replace(&mut separator, ","));
                whole = whole.and_then(|()| value(element, text, depth + 1));
            });
            text.push(']');
            whole?;
        }
        // A 64-bit integer is a text in the JSON form of Protocol Buffers.
        Some(("intValue", number)) => text.push_str(number.trim_matches('"')),
        Some((_, plain)) => text.push_str(plain),
        None => text.push_str(if json == "{}" { "null" } else { json }),
    }
    Some(())
}
