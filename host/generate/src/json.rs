//! JSON values that keep the order in which their keys were written, whatever features `serde_json` is built with.

use std::borrow::Cow;

use serde::ser::{Serialize, SerializeMap, Serializer};

/// A JSON value; integers and ten-thousandths only, since other floating point could print differently.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Json {
    Null,
    Bool(bool),
    Number(i64),
    /// So many ten-thousandths, written as a decimal fraction.
    TenThousandths(i32),
    Text(Cow<'static, str>),
    List(Vec<Json>),
    Object(Vec<(&'static str, Json)>),
}

impl Json {
    pub(crate) fn is_null(&self) -> bool {
        matches!(self, Json::Null)
    }
}

/// An object with keys in written order: `object! { "name" => value, … }`.
macro_rules! object {
    ($($key:literal => $value:expr),* $(,)?) => {
        $crate::json::Json::Object(vec![$(($key, $crate::json::Json::from($value))),*])
    };
}
pub(crate) use object;

/// A list.
macro_rules! list {
    ($($value:expr),* $(,)?) => { $crate::json::Json::List(vec![$($crate::json::Json::from($value)),*]) };
}
pub(crate) use list;

impl From<&'static str> for Json {
    fn from(text: &'static str) -> Json {
        Json::Text(Cow::Borrowed(text))
    }
}

impl From<String> for Json {
    fn from(text: String) -> Json {
        Json::Text(Cow::Owned(text))
    }
}

impl From<&String> for Json {
    fn from(text: &String) -> Json {
        Json::Text(Cow::Owned(text.clone()))
    }
}

impl From<bool> for Json {
    fn from(truth: bool) -> Json {
        Json::Bool(truth)
    }
}

impl From<i64> for Json {
    fn from(number: i64) -> Json {
        Json::Number(number)
    }
}

impl Serialize for Json {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Json::Null => serializer.serialize_unit(),
            Json::Bool(truth) => serializer.serialize_bool(*truth),
            Json::Number(number) => serializer.serialize_i64(*number),
            // The quotient is the double nearest to the fraction, whose shortest form is the fraction itself.
            Json::TenThousandths(number) => serializer.serialize_f64(f64::from(*number) / 10_000.0),
            Json::Text(text) => serializer.serialize_str(text),
            Json::List(items) => serializer.collect_seq(items),
            Json::Object(members) => {
                let mut map = serializer.serialize_map(Some(members.len()))?;
                for (key, value) in members {
                    map.serialize_entry(key, value)?;
                }
                map.end()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_keep_their_order() {
        let value = object! { "b" => 1, "a" => list![true, Json::Null, "\"quoted\"", String::new()] };
        assert_eq!(serde_json::to_string(&value).unwrap(), r#"{"b":1,"a":[true,null,"\"quoted\"",""]}"#);
    }

    #[test]
    fn ten_thousandths_are_written_as_they_are_meant() {
        let value = list![Json::TenThousandths(482_082), Json::TenThousandths(-1), Json::TenThousandths(10_000)];
        assert_eq!(serde_json::to_string(&value).unwrap(), "[48.2082,-0.0001,1.0]");
    }
}
