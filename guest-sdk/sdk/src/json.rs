//! Reads fields of type JSON, such as `api.request.data`: the text is checked once, then read member by member in place.
//! No tree is built, so a guest that needs two members of a body pays for little more than finding them.

mod scan;

use std::borrow::Cow;

/// A JSON value, borrowed from its text.
///
/// ```
/// use countersign_sdk::Json;
///
/// let body = Json::parse(r#"{"userName": "alice", "tags": [{"key": "team"}]}"#).unwrap();
/// assert_eq!(body.get("userName").and_then(Json::text).as_deref(), Some("alice"));
/// assert_eq!(body.get("tags").map(|tags| tags.items().count()), Some(1));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Json<'a>(&'a str);

impl<'a> Json<'a> {
    /// Parses a text. None if it isn't exactly one JSON value (RFC 8259), or is nested more than 128 deep.
    #[must_use]
    pub fn parse(text: &'a str) -> Option<Json<'a>> {
        scan::is_one_value(text.as_bytes()).then(|| Json(text.trim_ascii()))
    }

    /// An object's member; none if it is absent or null, or this isn't an object. If a name occurs twice, the last
    /// one counts.
    #[must_use]
    pub fn get(self, name: &str) -> Option<Json<'a>> {
        self.last(|known| known == name)
    }

    /// As [`get`](Json::get), for formats whose names may be written in either case (ASCII).
    #[must_use]
    pub fn get_ignoring_case(self, name: &str) -> Option<Json<'a>> {
        self.last(|known| known.eq_ignore_ascii_case(name))
    }

    /// An object's members in the order of the text; empty if this isn't an object.
    #[must_use]
    pub fn members(self) -> Members<'a> {
        Members { rest: self.0.strip_prefix('{').unwrap_or_default() }
    }

    /// An array's items; empty if this isn't an array.
    #[must_use]
    pub fn items(self) -> Items<'a> {
        Items { rest: self.0.strip_prefix('[').unwrap_or_default() }
    }

    /// An array's items, or this value alone: many formats leave out the brackets around a single item.
    #[must_use]
    pub fn one_or_many(self) -> Items<'a> {
        Items { rest: self.0.strip_prefix('[').unwrap_or(self.0) }
    }

    /// A string's text. Half a surrogate pair becomes U+FFFD.
    #[must_use]
    pub fn text(self) -> Option<Cow<'a, str>> {
        let quoted = self.0.strip_prefix('"')?.strip_suffix('"')?;
        Some(if quoted.contains('\\') { Cow::Owned(scan::unescape(quoted)) } else { Cow::Borrowed(quoted) })
    }

    /// A boolean's value.
    #[must_use]
    pub fn truth(self) -> Option<bool> {
        match self.0 {
            "true" => Some(true),
            "false" => Some(false),
            _ => None,
        }
    }

    /// The value's text.
    #[must_use]
    pub fn as_str(self) -> &'a str {
        self.0
    }

    fn last(self, wanted: impl Fn(&str) -> bool) -> Option<Json<'a>> {
        let found = self.members().filter(|(name, _)| wanted(name)).last();
        found.map(|(_, value)| value).filter(|value| value.0 != "null")
    }
}

/// The members of an object.
#[derive(Clone, Debug)]
pub struct Members<'a> {
    rest: &'a str,
}

impl<'a> Iterator for Members<'a> {
    type Item = (Cow<'a, str>, Json<'a>);

    fn next(&mut self) -> Option<Self::Item> {
        let (name, rest) = scan::next_value(self.rest)?;
        let (value, rest) = scan::next_value(rest)?;
        self.rest = rest;
        Some((Json(name).text()?, Json(value)))
    }
}

/// The items of an array.
#[derive(Clone, Debug)]
pub struct Items<'a> {
    rest: &'a str,
}

impl<'a> Iterator for Items<'a> {
    type Item = Json<'a>;

    fn next(&mut self) -> Option<Json<'a>> {
        let (item, rest) = scan::next_value(self.rest)?;
        self.rest = rest;
        Some(Json(item))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::Value;

    use super::*;

    /// The whole value, read through the accessors alone.
    fn rebuilt(json: Json<'_>) -> Value {
        match json.as_str().as_bytes() {
            [b'{', ..] => json.members().map(|(name, value)| (name.into_owned(), rebuilt(value))).collect(),
            [b'[', ..] => json.items().map(rebuilt).collect(),
            [b'"', ..] => json.text().unwrap().into(),
            [b't' | b'f', ..] => json.truth().unwrap().into(),
            _ => serde_json::from_str(json.as_str()).unwrap(),
        }
    }

    fn value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<String>().prop_map(Value::from),
            "[ -~\\n\\t\"\\\\]{0,8}".prop_map(Value::from),
        ];
        leaf.prop_recursive(5, 64, 6, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
                prop::collection::vec((".{0,4}", inner), 0..6).prop_map(|members| members.into_iter().collect()),
            ]
        })
    }

    proptest! {
        #[test]
        fn it_reads_what_serde_json_writes(value in value(), pretty: bool) {
            let text = if pretty { serde_json::to_string_pretty(&value) } else { serde_json::to_string(&value) }.unwrap();
            prop_assert_eq!(Json::parse(&text).map(rebuilt), Some(value));
        }

        /// It accepts and refuses the same texts as serde_json, also those that are nearly JSON.
        #[test]
        fn it_accepts_what_serde_json_accepts(value in value(), place: prop::sample::Index, instead in "[ -~]{0,2}") {
            let mut text = serde_json::to_string(&value).unwrap();
            let at = text.floor_char_boundary(place.index(text.len() + 1));
            let end = text.ceil_char_boundary((at + 1).min(text.len()));
            text.replace_range(at..end, &instead);
            let accepted = serde_json::from_str::<serde::de::IgnoredAny>(&text).is_ok();
            prop_assert_eq!(Json::parse(&text).is_some(), accepted, "{}", text);
        }

        #[test]
        fn no_text_panics(text in "[\\[\\]{}\",:\\\\utrue0-9eE+. -]{0,40}") {
            prop_assert_eq!(Json::parse(&text).is_some(), serde_json::from_str::<serde::de::IgnoredAny>(&text).is_ok());
            // Nor does text that wasn't checked.
            let unchecked = Json(&text);
            let _ = (unchecked.text(), unchecked.members().count(), unchecked.one_or_many().count());
        }
    }

    #[test]
    fn members_are_found_by_name_and_null_reads_as_none() {
        let json = Json::parse(r#" {"a":1,"Stat\u0065ment":"x","a":[2, 3],"n":null,"b":false} "#).unwrap();
        assert_eq!(json.get("a").map(Json::as_str), Some("[2, 3]"));
        assert_eq!(json.get("Statement").and_then(Json::text).as_deref(), Some("x"));
        assert_eq!((json.get("statement"), json.get("n"), json.get("none")), (None, None, None));
        assert_eq!(json.get_ignoring_case("STATEMENT").and_then(Json::text).as_deref(), Some("x"));
        assert_eq!(json.get("b").and_then(Json::truth), Some(false));
        assert_eq!(json.get("b").and_then(Json::text), None);
        assert_eq!(Json::parse("[1]").and_then(|array| array.get("a")), None);
    }

    #[test]
    fn a_single_item_may_lack_brackets() {
        let texts = |text: &'static str| -> Vec<String> {
            Json::parse(text).unwrap().one_or_many().filter_map(Json::text).map(Cow::into_owned).collect()
        };
        assert_eq!(texts(r#""a""#), ["a"]);
        assert_eq!(texts(r#"[ "a" , "b\/\ud83d\ude00\ud800" ]"#), ["a", "b/😀\u{fffd}"]);
        assert_eq!(texts("[]"), Vec::<String>::new());
        assert_eq!(Json::parse(r#"{"a":[1]}"#).unwrap().one_or_many().count(), 1);
        assert_eq!(Json::parse(r#"{"a":[1]}"#).unwrap().items().count(), 0);
    }

    #[test]
    fn deep_nesting_is_refused() {
        let nested = |deep: usize| format!("{}{}", "[".repeat(deep), "]".repeat(deep));
        assert!(Json::parse(&nested(128)).is_some());
        assert!(Json::parse(&nested(129)).is_none());
    }
}
