//! Values of an event's fields, for people and as JSON.

use countersign_declaration::quoted;
use countersign_model::{Timestamp, Value};
use serde::{Serialize, Serializer};
use serde_json::value::RawValue;

use crate::text;

/// A field's value for people, on one line.
pub(crate) fn shown(value: Option<&Value>) -> String {
    match value {
        None => "not there".to_owned(),
        Some(Value::WrongType) => "there, but of another type".to_owned(),
        Some(Value::Unsigned(number)) => number.to_string(),
        Some(Value::Signed(number)) => number.to_string(),
        Some(Value::Float(number)) => number.to_string(),
        Some(Value::Boolean(value)) => value.to_string(),
        Some(Value::Text(text) | Value::Json(text)) => quoted(text),
        Some(Value::TextList(items)) => items.iter().map(|item| quoted(item)).collect::<Vec<_>>().join(", "),
        Some(Value::Timestamp(micros)) => Timestamp(*micros).to_string(),
        Some(Value::Address(address)) => address.to_string(),
    }
}

/// A field's value in a table's cell: empty where there is none, cut where it is long.
pub(crate) fn cell(value: Option<&Value>) -> String {
    match value {
        None | Some(Value::WrongType) => String::new(),
        Some(Value::Text(text) | Value::Json(text)) => shorten(text),
        Some(Value::TextList(items)) => shorten(&items.join(", ")),
        Some(_) => shown(value),
    }
}

/// A text, cut where it is long.
pub(crate) fn shorten(text: &str) -> String {
    const MAX_CHARACTERS: usize = 160;
    text::cut(text, MAX_CHARACTERS)
}

/// A field's value as JSON: null where there is none, or one of another type.
pub(crate) struct JsonValue<'v>(pub(crate) Option<&'v Value>);

impl Serialize for JsonValue<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            None | Some(Value::WrongType) => serializer.serialize_unit(),
            Some(Value::Unsigned(number)) => number.serialize(serializer),
            Some(Value::Signed(number)) => number.serialize(serializer),
            Some(Value::Float(number)) => number.serialize(serializer),
            Some(Value::Boolean(value)) => value.serialize(serializer),
            Some(Value::Text(text)) => text.serialize(serializer),
            Some(Value::Json(text)) => match raw(text) {
                Some(raw) => raw.serialize(serializer),
                // A body that isn't JSON is shown as text.
                None => text.serialize(serializer),
            },
            Some(Value::TextList(items)) => serializer.collect_seq(items.iter().map(|item| &**item)),
            Some(Value::Timestamp(micros)) => serializer.collect_str(&Timestamp(*micros)),
            Some(Value::Address(address)) => serializer.collect_str(address),
        }
    }
}

/// A body as the record has it, on one line: numbers keep their digits. Within JSON a line break is never part of a text.
fn raw(body: &str) -> Option<Box<RawValue>> {
    RawValue::from_string(body.replace(['\n', '\r'], " ")).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bodies_keep_their_numbers_and_fit_on_a_line() {
        let body = Value::Json("{\n  \"id\": 12345678901234567890123\r\n}".into());
        let json = serde_json::to_string(&JsonValue(Some(&body))).unwrap();
        assert_eq!(json, "{   \"id\": 12345678901234567890123  }");
        let text = Value::Json("{not JSON".into());
        assert_eq!(serde_json::to_string(&JsonValue(Some(&text))).unwrap(), "\"{not JSON\"");
        assert_eq!(serde_json::to_string(&JsonValue(Some(&Value::WrongType))).unwrap(), "null");
    }
}
