//! Reads JSON objects without building trees: the members that we know, borrowed, each still as JSON text.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserialize, Deserializer, Visitor};

/// One member of an object: its JSON text, or nothing where it is absent or null.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Member<'a>(Option<&'a str>);

impl<'a> Member<'a> {
    pub(super) fn new(json: &'a str) -> Member<'a> {
        Member(Some(json).filter(|json| *json != "null"))
    }

    /// The JSON text.
    pub(super) fn json(self) -> Option<&'a str> {
        self.0
    }

    /// Its text, if it is a string and not empty: sources write an empty text for what they don't know.
    pub(super) fn text(self) -> Option<Cow<'a, str>> {
        let json = self.0?;
        let inner = json.strip_prefix('"')?.strip_suffix('"').filter(|inner| !inner.is_empty())?;
        if memchr::memchr(b'\\', inner.as_bytes()).is_none() {
            return Some(Cow::Borrowed(inner));
        }
        serde_json::from_str(json).ok().map(Cow::Owned)
    }

    /// Whether there is a value, and it is no text, nor an empty one.
    pub(super) fn is_wrong_type_for_text(self) -> bool {
        self.0.is_some_and(|json| json != "\"\"") && self.text().is_none()
    }

    /// Its truth, if it is a boolean or CloudTrail's text of one.
    pub(super) fn truth(self) -> Option<bool> {
        match self.0? {
            "true" | "\"true\"" => Some(true),
            "false" | "\"false\"" => Some(false),
            _ => None,
        }
    }

    /// The object's known members; none of them if it isn't an object.
    pub(super) fn members<T: Deserialize<'a> + Default>(self) -> T {
        self.0.filter(|json| json.starts_with('{')).and_then(|json| serde_json::from_str(json).ok()).unwrap_or_default()
    }
}

/// A member's name; borrowed unless it has escapes.
pub(super) struct Name<'a>(pub(super) Cow<'a, str>);

impl<'de> Deserialize<'de> for Name<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct NameVisitor;
        impl<'de> Visitor<'de> for NameVisitor {
            type Value = Name<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a member's name")
            }

            fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Name<'de>, E> {
                Ok(Name(Cow::Borrowed(text)))
            }

            fn visit_str<E>(self, text: &str) -> Result<Name<'de>, E> {
                Ok(Name(Cow::Owned(text.to_owned())))
            }
        }
        deserializer.deserialize_str(NameVisitor)
    }
}

/// Makes a struct of the known members of a JSON object. Of a name that comes twice the last one counts. With `..rest`
/// the unknown ones are kept too, in the record's order.
macro_rules! members {
    ($(#[$meta:meta])* $struct:ident { $($field:ident = $name:literal,)+ $(..$rest:ident)? }) => {
        $(#[$meta])*
        #[derive(Clone, Debug, Default)]
        pub(super) struct $struct<'a> {
            $(pub(super) $field: $crate::cloudtrail::json::Member<'a>,)+
            $(pub(super) $rest: Vec<(std::borrow::Cow<'a, str>, &'a str)>,)?
        }

        impl<'de> serde::Deserialize<'de> for $struct<'de> {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                struct ObjectVisitor;
                impl<'de> serde::de::Visitor<'de> for ObjectVisitor {
                    type Value = $struct<'de>;

                    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                        f.write_str("an object")
                    }

                    fn visit_map<A: serde::de::MapAccess<'de>>(self, mut map: A) -> Result<$struct<'de>, A::Error> {
                        let mut object = $struct::default();
                        while let Some($crate::cloudtrail::json::Name(name)) = map.next_key()? {
                            match &*name {
                                $($name => {
                                    let value: &'de serde_json::value::RawValue = map.next_value()?;
                                    object.$field = $crate::cloudtrail::json::Member::new(value.get());
                                })+
                                _ => members!(@unknown map object name $($rest)?),
                            }
                        }
                        Ok(object)
                    }
                }
                deserializer.deserialize_map(ObjectVisitor)
            }
        }
    };
    (@unknown $map:ident $object:ident $name:ident $rest:ident) => {{
        let value: &'de serde_json::value::RawValue = $map.next_value()?;
        $object.$rest.push(($name, value.get()));
    }};
    (@unknown $map:ident $object:ident $name:ident) => {{
        let serde::de::IgnoredAny = $map.next_value()?;
    }};
}

pub(super) use members;

#[cfg(test)]
mod tests {
    use super::*;

    members!(Pair { one = "one", two = "two", ..rest });

    #[test]
    fn members_are_borrowed_and_the_last_of_a_name_counts() {
        let pair: Pair<'_> = Member::new(r#"{"one":1,"x":[1, 2],"\u006fne":"a\nb","two":null}"#).members();
        assert_eq!(pair.one.text().as_deref(), Some("a\nb"));
        assert_eq!(pair.two, Member::default());
        assert_eq!(pair.rest.len(), 1);
        assert_eq!(pair.rest[0], ("x".into(), "[1, 2]"));
    }

    #[test]
    fn what_is_not_an_object_has_no_members_and_odd_texts_are_wrong_types() {
        for json in ["[1]", "\"text\"", "7", "{\"one\":"] {
            assert_eq!(Member::new(json).members::<Pair<'_>>().one, Member::default(), "{json}");
        }
        for (json, text, wrong) in [
            ("\"a\"", Some("a"), false),
            ("\"\"", None, false),
            ("7", None, true),
            ("\"\\ud800\"", None, true),
            ("null", None, false),
        ] {
            let member = Member::new(json);
            assert_eq!((member.text().as_deref(), member.is_wrong_type_for_text()), (text, wrong), "{json}");
        }
    }
}
