//! Opens bodies that stand in a record as text: a shipper that has no type for an object writes its JSON into a string.

use std::borrow::Cow;
use std::fmt::Write;

use crate::json::{Entries, Member};

/// Objects nested deeper than this aren't looked into.
const MAX_DEPTH: usize = 4;

/// What becomes of a member on the way to a text to be opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    /// Its value stays as it is.
    Leave,
    /// The members of its value, if that is an object, are looked at.
    Enter,
    /// The same; and a text of it is opened.
    Open,
}

/// A record in which texts are opened, each at a place for which `way` says so, by its path in lower case without underscores,
/// names joined by dots. None where nothing was to be opened.
pub(crate) fn opened(raw: &str, way: fn(&str) -> Way, open: fn(&str) -> Option<String>) -> Option<String> {
    may_hold_a_body(raw).then(|| rewritten(Member::new(raw), "", &way, &open, 0))?
}

/// Whether a text within a record may begin as a body does: nearly no record has one, and looking is cheap. A GUID in
/// braces begins with a digit after the first of them.
fn may_hold_a_body(raw: &str) -> bool {
    let bytes = raw.as_bytes();
    memchr::memchr_iter(b'"', bytes).any(|quote| match bytes.get(quote + 1..) {
        // `<` is escaped by some writers of JSON.
        Some([b'[' | b'<', ..] | [b'\\', b'u', ..]) => true,
        Some([b'{', next, ..]) => !next.is_ascii_alphanumeric(),
        _ => false,
    })
}

fn rewritten(
    object: Member<'_>,
    path: &str,
    way: &impl Fn(&str) -> Way,
    open: &impl Fn(&str) -> Option<String>,
    depth: usize,
) -> Option<String> {
    let entries: Entries<'_> = object.members();
    let changed: Vec<Option<String>> = entries
        .all
        .iter()
        .map(|(name, json)| {
            let is_object = json.starts_with('{') && depth < MAX_DEPTH;
            if !is_object && !json.starts_with('"') {
                return None;
            }
            let name = name.replace('_', "").to_ascii_lowercase();
            let place = if path.is_empty() { name } else { format!("{path}.{name}") };
            match way(&place) {
                Way::Leave => None,
                Way::Enter | Way::Open if is_object => rewritten(Member::new(json), &place, way, open, depth + 1),
                Way::Open => open(&Member::new(json).text()?),
                Way::Enter => None,
            }
        })
        .collect();
    if changed.iter().all(Option::is_none) {
        return None;
    }
    let mut text = String::with_capacity(object.json().map_or(0, str::len));
    for ((name, json), changed) in entries.all.iter().zip(&changed) {
        text.push(if text.is_empty() { '{' } else { ',' });
        let value = changed.as_deref().map_or(Cow::Borrowed(*json), Cow::Borrowed);
        // Writing into a string doesn't fail.
        let _ = write!(text, "{}:{value}", serde_json::Value::from(&**name));
    }
    text.push('}');
    Some(text)
}

/// The object or list that a text holds as JSON.
pub(crate) fn json(text: &str) -> Option<String> {
    let is_body = text.starts_with(['{', '[']);
    (is_body && serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok()).then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn way(path: &str) -> Way {
        match path {
            "body" | "in.body" => Way::Open,
            "in" => Way::Enter,
            _ => Way::Leave,
        }
    }

    #[test]
    fn texts_are_opened_where_the_format_says_so_and_nowhere_else() {
        for (raw, expected) in [
            (r#"{"Body":"{\"a\":1}","x":2}"#, Some(r#"{"Body":{"a":1},"x":2}"#)),
            (r#"{"in":{"body":"[1]","o\"":"{}"}}"#, Some(r#"{"in":{"body":[1],"o\"":"{}"}}"#)),
            (r#"{"body":{"body":"{}"}}"#, None),
            (r#"{"body":"{"}"#, None),
            (r#"{"body":"1"}"#, None),
            (r#"{"body":{"a":1}}"#, None),
            (r#"{"other":"{}"}"#, None),
            (r#"{"in":"{}"}"#, None),
            ("{}", None),
            ("[1]", None),
        ] {
            assert_eq!(opened(raw, way, json).as_deref(), expected, "{raw}");
        }
    }
}
