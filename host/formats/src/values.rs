//! Makes values of fields from members of a record.
//!
//! One rule for all: a member that is absent, null or an empty text gives none, so that its field stays absent; one of
//! another type than the field's gives [`Value::WrongType`].

use std::net::IpAddr;
use std::sync::Arc;

use countersign_model::Value;

use crate::bounds::MAX_FIELD_BYTES;
use crate::intern::Interner;
use crate::json::Member;
use crate::times;

/// A text that repeats among records.
pub(crate) fn text(member: Member<'_>, texts: &mut Interner) -> Option<Value> {
    match member.text() {
        Some(text) => known(Some(&text), texts),
        None => wrong_type(member),
    }
}

/// A text that hardly repeats: sharing it would push others out.
pub(crate) fn rare(member: Member<'_>) -> Option<Value> {
    match member.text() {
        Some(text) => Some(Value::Text(Arc::from(&*text))),
        None => wrong_type(member),
    }
}

/// A text that is known already.
pub(crate) fn known(text: Option<&str>, texts: &mut Interner) -> Option<Value> {
    text.map(|text| Value::Text(texts.share(text)))
}

/// The first of several members that has a text; else the first that has a value of another type.
pub(crate) fn first<'a>(members: &[Member<'a>]) -> Member<'a> {
    let with_text = members.iter().find(|member| member.text().is_some());
    let wrong = || members.iter().find(|member| member.is_wrong_type_for_text());
    with_text.or_else(wrong).copied().unwrap_or_default()
}

/// A boolean, or the text of one.
pub(crate) fn truth(member: Member<'_>) -> Option<Value> {
    present(member).map(|_| member.truth().map_or(Value::WrongType, Value::Boolean))
}

/// A number of 0 or more without a fraction, or the text of one.
pub(crate) fn unsigned(member: Member<'_>) -> Option<Value> {
    present(member).map(|_| member.unsigned().map_or(Value::WrongType, Value::Unsigned))
}

/// A finite number, or the text of one.
pub(crate) fn float(member: Member<'_>) -> Option<Value> {
    present(member).map(|_| member.float().map_or(Value::WrongType, Value::Float))
}

/// A time in any of the forms of [`times`]; of UTC where it names no zone.
pub(crate) fn time(member: Member<'_>) -> Option<Value> {
    present(member).map(|_| times::utc(member).map_or(Value::WrongType, |time| Value::Timestamp(time.micros())))
}

/// An IPv4 or IPv6 address.
pub(crate) fn address(member: Member<'_>) -> Option<Value> {
    let parsed = || member.text()?.parse::<IpAddr>().ok();
    present(member).map(|_| parsed().map_or(Value::WrongType, Value::Address))
}

/// Any JSON, as the record has it.
pub(crate) fn json(member: Member<'_>) -> Option<Value> {
    member.json().map(|json| Value::Json(Arc::from(json)))
}

/// The members as one JSON object, in this order; none without members. Where they are too long for a field the longest
/// are null, so that one that was padded doesn't hide the others.
pub(crate) fn object<N: AsRef<str>>(members: &[(N, &str)]) -> Option<Value> {
    const AROUND: usize = 4;
    let size = |(name, json): &(N, &str)| name.as_ref().len() + json.len() + AROUND;
    let mut total: usize = members.iter().map(size).sum();
    let mut limit = usize::MAX;
    if total > MAX_FIELD_BYTES {
        let mut lengths: Vec<usize> = members.iter().map(|(_, json)| json.len()).collect();
        lengths.sort_unstable();
        while let Some(longest) = lengths.pop().filter(|_| total > MAX_FIELD_BYTES) {
            limit = longest;
            total = total.saturating_sub(longest.saturating_sub("null".len()));
        }
    }
    let mut text = String::with_capacity(total);
    for (name, json) in members {
        text.push(if text.is_empty() { '{' } else { ',' });
        text.push_str(&serde_json::Value::from(name.as_ref()).to_string());
        text.push(':');
        text.push_str(if json.len() < limit { json } else { "null" });
    }
    (!text.is_empty()).then(|| {
        text.push('}');
        Value::Json(text.into())
    })
}

fn present(member: Member<'_>) -> Option<&str> {
    member.json().filter(|json| *json != "\"\"")
}

fn wrong_type(member: Member<'_>) -> Option<Value> {
    member.is_wrong_type_for_text().then_some(Value::WrongType)
}
