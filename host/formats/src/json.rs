//! Reads JSON objects without building trees: the members that we know, borrowed, each still as JSON text.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserialize, Deserializer, Visitor};

use crate::{DeadReason, Fault};

/// One member of an object: its JSON text, or nothing where it is absent or null.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Member<'a>(Option<&'a str>);

impl<'a> Member<'a> {
    pub(crate) fn new(json: &'a str) -> Member<'a> {
        Member(Some(json).filter(|json| *json != "null"))
    }

    /// The JSON text.
    pub(crate) fn json(self) -> Option<&'a str> {
        self.0
    }

    /// Its text, if it is a string and not empty: providers write an empty text for an unknown value.
    pub(crate) fn text(self) -> Option<Cow<'a, str>> {
        let json = self.0?;
        let inner = json.strip_prefix('"')?.strip_suffix('"').filter(|inner| !inner.is_empty())?;
        if memchr::memchr(b'\\', inner.as_bytes()).is_none() {
            return Some(Cow::Borrowed(inner));
        }
        serde_json::from_str(json).ok().map(Cow::Owned)
    }

    /// Its text, or its number as it is written: collectors write the one for the other.
    pub(crate) fn word(self) -> Option<Cow<'a, str>> {
        let json = self.0?;
        let is_number = json.starts_with(|first: char| first == '-' || first.is_ascii_digit());
        if is_number { Some(Cow::Borrowed(json)) } else { self.text() }
    }

    /// Whether there is a value, and it is no text, nor an empty one.
    pub(crate) fn is_wrong_type_for_text(self) -> bool {
        self.0.is_some_and(|json| json != "\"\"") && self.text().is_none()
    }

    /// Its truth, if it is a boolean or the text of one.
    pub(crate) fn truth(self) -> Option<bool> {
        match self.0? {
            "true" | "\"true\"" => Some(true),
            "false" | "\"false\"" => Some(false),
            _ => None,
        }
    }

    /// Its number, if it is one of 0 or more without a fraction, or the text of one.
    pub(crate) fn unsigned(self) -> Option<u64> {
        self.unquoted()?.parse().ok()
    }

    /// Its number, if it is a finite one or the text of one.
    pub(crate) fn float(self) -> Option<f64> {
        self.unquoted()?.parse().ok().filter(|number: &f64| number.is_finite())
    }

    /// A value that needs no escapes, without its quotation marks where it has them.
    fn unquoted(self) -> Option<&'a str> {
        let json = self.0?;
        Some(json.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(json))
    }

    /// The object's known members; none of them if it isn't an object.
    pub(crate) fn members<T: Deserialize<'a> + Default>(self) -> T {
        self.0.filter(|json| json.starts_with('{')).and_then(|json| serde_json::from_str(json).ok()).unwrap_or_default()
    }
}

/// Reads a raw record, which must be a JSON object.
///
/// # Errors
/// When it isn't one: what it is, and where it stops being one.
pub(crate) fn object<'a, T: Deserialize<'a>>(raw: &'a str) -> Result<T, Fault> {
    serde_json::from_str(raw).map_err(|error| not_an_object(raw, &error))
}

fn not_an_object(raw: &str, error: &serde_json::Error) -> Fault {
    if error.is_eof() {
        return Fault::new(DeadReason::Truncated, format!("expected the rest of a JSON object, got: {error}"));
    }
    let json = serde_json::from_str::<serde::de::IgnoredAny>(raw).is_ok();
    if json && !raw.starts_with('{') {
        Fault::new(DeadReason::NotAnObject, "expected a JSON object, got another JSON value")
    } else {
        Fault::new(DeadReason::MalformedJson, format!("expected a JSON object, got: {error}"))
    }
}

/// A member's name; borrowed unless it has escapes.
pub(crate) struct Name<'a>(pub(crate) Cow<'a, str>);

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

/// The known name that this one spells, whatever its case and its underscores; else the name itself. No two known names
/// may differ in nothing else.
pub(crate) fn spelled<'n>(name: &'n str, known: &[&'n str]) -> &'n str {
    // As it is spelled nearly always.
    if known.contains(&name) {
        return name;
    }
    known.iter().copied().find(|known| same_letters(known, name)).unwrap_or(name)
}

fn same_letters(one: &str, other: &str) -> bool {
    letters(one).eq(letters(other))
}

fn letters(text: &str) -> impl Iterator<Item = u8> {
    text.bytes().filter(|byte| *byte != b'_').map(|byte| byte.to_ascii_lowercase())
}

/// Makes a struct of the known members of a JSON object. Of a name that comes twice the last one counts. With `..rest`
/// the unknown ones are kept too, in the record's order. With `in any_spelling` after the struct's name a member is
/// known by [`spelled`]: collectors write `eventType` also as `eventtype` and `event_type`.
macro_rules! members {
    ($(#[$meta:meta])* $struct:ident $(in $spelling:ident)? { $($field:ident = $name:literal,)* $(..$rest:ident)? }) => {
        $(#[$meta])*
        #[derive(Clone, Debug, Default)]
        pub(crate) struct $struct<'a> {
            $(pub(crate) $field: $crate::json::Member<'a>,)*
            $(pub(crate) $rest: Vec<(std::borrow::Cow<'a, str>, &'a str)>,)?
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
                        while let Some($crate::json::Name(name)) = map.next_key()? {
                            #[allow(clippy::match_single_binding, reason = "there may be no known member")]
                            match members!(@name name [$($name),*] $($spelling)?) {
                                $($name => {
                                    let value: &'de serde_json::value::RawValue = map.next_value()?;
                                    object.$field = $crate::json::Member::new(value.get());
                                })*
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
    (@name $found:ident [$($name:literal),*]) => { &*$found };
    (@name $found:ident [$($name:literal),*] any_spelling) => { $crate::json::spelled(&$found, &[$($name),*]) };
    (@unknown $map:ident $object:ident $name:ident $rest:ident) => {{
        let value: &'de serde_json::value::RawValue = $map.next_value()?;
        $object.$rest.push(($name, value.get()));
    }};
    (@unknown $map:ident $object:ident $name:ident) => {{
        let serde::de::IgnoredAny = $map.next_value()?;
    }};
}

pub(crate) use members;

members!(
    /// Every member of an object, in its order.
    Entries { ..all }
);

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

    members!(Loose in any_spelling { event_type = "eventType", uid = "uid", ..rest });

    #[test]
    fn members_in_any_spelling_are_known_by_their_letters() {
        for name in ["eventType", "eventtype", "event_type", "EVENT_TYPE", "EventType"] {
            let json = format!(r#"{{"{name}":"x","UID":"7","event-type":1}}"#);
            let loose: Loose<'_> = Member::new(&json).members();
            assert_eq!((loose.event_type.text().as_deref(), loose.uid.text().as_deref()), (Some("x"), Some("7")));
            assert_eq!(loose.rest, [("event-type".into(), "1")]);
        }
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
